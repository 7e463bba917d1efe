"""A model card: what a person should know of an exported network before using it, in a page of Markdown."""

from collections.abc import Mapping
from typing import Any

import yaml

from bakeoff.inference.formats import Format
from bakeoff.inference.network import TrainedNetwork
from bakeoff.results.result import Result
from bakeoff.study.metrics import METRICS

MOST_CLASSES = 100  # that are listed
SPLITS = ("validation", "test")


def model_card(network: TrainedNetwork, form: Format, file: str, about: str, content: Mapping[str, Any]) -> str:
    """The Markdown; `content` is that of the sidecar `about`."""
    result = network.run.result
    parts = [
        f"# {result.run.key}",
        _what_it_is(network, form, file),
        "## Data",
        _data(network),
        "## Scores",
        _scores(result),
        "## Training",
        _training(result),
        "## How to load it",
        _loading(network, form, file, about, content),
    ]
    return "\n\n".join(parts) + "\n"


def _what_it_is(network: TrainedNetwork, form: Format, file: str) -> str:
    result, taken = network.run.result, network.taken
    kind = "one of" if taken.task == "multi-class" else "any of"
    millions = f", {result.cost.parameters:,} parameters" if result.cost.parameters else ""
    return (
        f"`{file}` ({form.title}) is a network that gives an image {kind} {len(taken.classes)} classes: "
        f"`{result.spec['architecture']['model']}`{millions}. Bakeoff {result.provenance.bakeoff} trained it "
        f"with seed {result.run.seed} until {result.provenance.finished}, with torch {result.provenance.torch}."
    )


def _data(network: TrainedNetwork) -> str:
    result, taken = network.run.result, network.taken
    channels, height, width = taken.shape
    names = ", ".join(f"`{name}`" for name in taken.classes[:MOST_CLASSES])
    more = (
        f" and {len(taken.classes) - MOST_CLASSES} more, in the JSON file" if len(taken.classes) > MOST_CLASSES else ""
    )
    origin = f" (content {result.data})" if result.data else ""
    return (
        f"It was trained on images of {channels} channel{'s' * (channels > 1)} and {height}x{width} pixels "
        f"(height x width), from the dataset `{result.run.dataset}`{origin}:\n\n"
        f"```yaml\n{_yaml(_said(result.spec['dataset']['entry']))}```\n\n"
        f"Classes, in the order of the outputs: {names}{more}."
    )


def _scores(result: Result) -> str:
    """Validation chose the epoch, and so flatters; the test split did not."""
    found = {split: result.metrics.split(split) for split in SPLITS}
    names = [name for name in found["test"] if found["test"][name] is not None]
    rows = [f"| {_label(name)} | {' | '.join(_score(found[split].get(name)) for split in SPLITS)} |" for name in names]
    return (
        "| | validation | test |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"These are of this one run, at epoch {result.metrics.best_epoch} of {result.metrics.epochs}, which "
        f"`{result.spec['metric']}` on the validation split chose. So the test split tells what to expect of new "
        "images of the same kind; of other kinds nothing is known. Another seed may score otherwise: the report of the "
        "study has the spread."
    )


def _training(result: Result) -> str:
    shown = {name: _said(result.spec[name]) for name in ("architecture", "optimizer", "recipe")}
    start = "\n\nIt started from the weights of another run: `init_from`." if result.spec.get("init_from") else ""
    return f"```yaml\n{_yaml(shown)}```{start}"


def _loading(network: TrainedNetwork, form: Format, file: str, about: str, content: Mapping[str, Any]) -> str:
    shape = ", ".join(map(str, network.taken.shape))
    code = form.how_to_load.format(file=file, about=about, shape=shape)
    pixels = "`pixels` are made of an image" if form.takes_pixels else "`normalised` images are made"
    inside = "; the file normalises by itself" if form.takes_pixels else ", which has mean and std"
    checked = content["checked"]
    of = "images of the test split" if checked["of"] == "test split" else "images of noise"
    return (
        f"```python\n{code}\n```\n\n"
        f"{pixels} as `{about}` says under `preprocessing`{inside}. "
        f"The file was compared with torch on {checked['images']:,} {of}: no logit differs by more than "
        f"{checked['largest_difference']:.1g}."
    )


def _said(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without the keys that say nothing."""
    return {name: value for name, value in entry.items() if value not in (None, False, [], {}, "")}


def _label(name: str) -> str:
    return METRICS[name].label if name in METRICS else name


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
