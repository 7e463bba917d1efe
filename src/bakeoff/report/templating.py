"""The templates of reports, and how Jinja2 reads them."""

from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).with_name("templates")


def environment(**options: Any) -> jinja2.Environment:
    """Jinja2 with what the templates of every format share; `options` are those of `jinja2.Environment`."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
