"""What a training says of itself while it is at work: progress.json in the state folder of its run."""

import json
from typing import Any

from bakeoff.layout import RunPaths


def read_progress(paths: RunPaths) -> dict[str, Any]:
    """What the last attempt said; nothing when there was none, or its machine lost power as it wrote."""
    try:
        content: dict[str, Any] = json.loads(paths.progress.read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError):
        return {}
