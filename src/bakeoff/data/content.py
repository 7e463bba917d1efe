"""A short name for what prepared data hold. It is read where numpy is not to be imported."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff.study.specification import digest


def content_name(card: Mapping[str, Any]) -> str:
    """16 hexadecimal digits for the images, labels and classes that a card describes. A result says of which it is."""
    return digest([card["files"], card["classes"]])


def prepared_content(folder: Path) -> str | None:
    """The name of what is prepared in a folder; None where no card can be read there."""
    try:
        return content_name(json.loads((folder / "card.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: it is prepared again before it is used
        return None
