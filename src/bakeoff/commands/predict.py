"""`bakeoff predict`: what trained networks take images for, as CSV or as JSON lines."""

import csv
import json
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from bakeoff.errors import BakeoffError
from bakeoff.files import spelled
from bakeoff.jobs.leases import lease_gpu
from bakeoff.results.trained_runs import Choice, trained_runs
from bakeoff.study.arguments import nearest

DEVICES = ("auto", "cpu", "cuda")
SECONDS_TO_WAIT = 600.0
LABELS_BETWEEN = "|"
DIGITS = 7  # significant ones, of a probability


def predict_images(
    folder: Path,
    words: Sequence[str],
    choice: Choice,
    form: str,
    plugins: Sequence[Path],
    wanted: str,
    threads: int,
    batch_size: int | None,
) -> None:
    """Write the predictions to standard output. Raises BakeoffError at the end where images were passed over."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a word
    _check("--format", form, WRITERS)
    _check("--device", wanted, DEVICES)
    runs = trained_runs(folder, choice)
    with redirect_stdout(sys.stderr):
        lease_gpu(wanted, 1, f"predictions of {folder}", SECONDS_TO_WAIT)
    import torch

    from bakeoff.inference.image_files import image_files
    from bakeoff.inference.image_predictions import predict
    from bakeoff.inference.network import load_network
    from bakeoff.training.devices import choose_device

    files = image_files(words)
    device = choose_device(wanted)
    torch.set_num_threads(threads)
    networks = [load_network(run, plugins, device) for run in runs]
    if choice != "one":
        print(f"by {', '.join(str(run.paths.folder) for run in runs)}", file=sys.stderr)
    passed_over = []

    def bad(error: BakeoffError) -> None:
        passed_over.append(error)
        print(f"passed over: {error}", file=sys.stderr, flush=True)

    write = WRITERS[form](sys.stdout, networks[0].classes, networks[0].task == "multi-label")
    for found in predict(networks, files, bad, device, batch_size, threads):
        write(spelled(found.file), found.classes, [float(f"{value:.{DIGITS}g}") for value in found.probabilities])
    if passed_over:
        rest = "the others are predicted" if len(passed_over) < len(files) else "nothing is predicted"
        raise BakeoffError(f"{len(passed_over)} of {len(files)} files passed over; {rest}")


def _check(option: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise BakeoffError(f"{option} {value}: {nearest(value, allowed)}")


Write = Callable[[str, list[str], list[float]], None]


def _csv(out: TextIO, names: Sequence[str], is_multi_label: bool) -> Write:
    """A column for the class and one for the probability of each: `p(cat)`. Several labels stand as `cat|dog`."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["image", "labels" if is_multi_label else "class", *(f"p({name})" for name in names)])
    return lambda image, classes, values: table.writerow([image, LABELS_BETWEEN.join(classes), *values])


def _json_lines(out: TextIO, names: Sequence[str], is_multi_label: bool) -> Write:
    """`{"image": …, "class": …, "probabilities": {…}}`; of multi-label data, `labels` is a list."""

    def write(image: str, classes: list[str], values: list[float]) -> None:
        found: dict[str, Any] = {"labels": classes} if is_multi_label else {"class": classes[0]}
        line = {"image": image, **found, "probabilities": dict(zip(names, values, strict=True))}
        print(json.dumps(line, ensure_ascii=False), file=out)

    return write


WRITERS: dict[str, Callable[[TextIO, Sequence[str], bool], Write]] = {"csv": _csv, "jsonl": _json_lines}
