"""Names in sentences."""

from collections.abc import Sequence

from bakeoff.language import Language


def listed(names: Sequence[str], language: Language, most: int = 4) -> str:
    """Names in brackets, cut where they are many."""
    if len(names) > most:
        shown = ", ".join(names[:most])
        return language.say(" ({names} and {number} more)", names=shown, number=language.whole(len(names) - most))
    return f" ({', '.join(names)})"
