"""What plugin files import: `from bakeoff.plugins import model, source, transform, metric, influence`.

This import must stay valid: plugin files would have to be edited, and an edited file retrains its runs.
"""

from bakeoff.study.plugin_files import influence, metric, model, source, transform

__all__ = ["influence", "metric", "model", "source", "transform"]
