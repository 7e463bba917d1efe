"""Measure, and write the table of README.md: `python benchmarks/run.py [GROUP ...] [--print]`.

A group is a file of this folder with a function `measure`. Without names all groups are measured.
"""

import argparse
from importlib import import_module

from table import record

GROUPS = (
    *("throughput", "gpu", "augmentation", "features", "photographs", "memory"),
    *("startup", "planning", "summary", "exports", "warm", "jobs", "study"),
)


def main() -> None:
    """Measure the groups in turn; each is recorded as soon as it is measured."""
    parser = argparse.ArgumentParser(description="Measure, and write the table of benchmarks/README.md.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one of {', '.join(GROUPS)}; left out: all")
    parser.add_argument("--print", action="store_true", dest="only_print", help="leave the table as it is")
    asked = parser.parse_args()
    for group in asked.groups:
        if group not in GROUPS:
            parser.error(f"there is no group {group!r}; choose from {', '.join(GROUPS)}")
    for group in asked.groups or GROUPS:
        print(f"measuring {group}", flush=True)
        rows = import_module(group).measure()
        for row in rows:
            print("  ", row.what, row.ours, row.peer, row.ratio, row.goal, sep="  ", flush=True)
        if rows and not asked.only_print:
            record(group, rows)


if __name__ == "__main__":
    main()
