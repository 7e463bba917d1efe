"""The commands. Each imports what it needs when it runs: start-up is paid once for every run of a study."""

from bakeoff.cli import studies  # `bakeoff --help` lists the commands in the order of these imports

# isort: split
from bakeoff.cli import finished

# isort: split
from bakeoff.cli import stages

# isort: split
from bakeoff.cli.application import main

__all__ = ["finished", "main", "stages", "studies"]
