"""The door for a user's own parts: `from bakeoff.plugins import model, source, transform, metric`.

Plugin files are named by their content, so their imports must keep working: an edited file retrains its runs.
"""

from bakeoff.study.plugins import metric, model, source, transform

__all__ = ["metric", "model", "source", "transform"]
