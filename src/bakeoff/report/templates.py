"""Where the templates of reports lie."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[3] / "report" / "templates"
