"""The templates of reports, and how Jinja2 reads them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).with_name("templates")


def environment(filters: Mapping[str, Callable[..., Any]] | None = None, **options: Any) -> jinja2.Environment:
    """What the templates of all formats share, a format's own filters, and `options` of `jinja2.Environment`."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    made.filters |= {"kind": lambda block: type(block).__name__.lower(), **(filters or {})}
    return made
