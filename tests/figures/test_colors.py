"""Colours: far enough apart for readers with any colour vision, and in contrast with the page, light or dark.

Colour blindness is simulated as by Machado, Oliveira & Fernandes (2009), at its full strength; distances are CIE's ΔE
of 1976, of which 2.3 is just noticeable side by side.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bakeoff.figures.style import INK, MUTED, PALETTE

VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])
DARK_PAGE = "#161616"
# The page's filter for figures on a dark page: invert(0.915) hue-rotate(180deg), from the specification of CSS.
HUE_ROTATED = [[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]]


def linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = XYZ @ rgb / (XYZ @ np.ones(3))
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """WCAG's ratio of two colours' luminances."""
    low, high = sorted(float(XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def on_a_dark_page(color: str) -> np.ndarray:
    rgb = np.array(to_rgb(color))
    return np.clip(HUE_ROTATED @ (0.915 - 0.83 * rgb), 0, 1)


@pytest.mark.parametrize(
    ("vision", "least"), [("normal", 30), ("protanopia", 18), ("deuteranopia", 18), ("tritanopia", 13)]
)
def test_colors_are_told_apart(vision: str, least: float) -> None:
    seen = {color: lab(np.clip(VISION[vision] @ linear(np.array(to_rgb(color))), 0, 1)) for color in PALETTE}
    near = [pair for pair in combinations(PALETTE, 2) if np.linalg.norm(seen[pair[0]] - seen[pair[1]]) < least]
    assert near == []


@pytest.mark.parametrize(("colors", "least"), [(PALETTE, 3), ((INK, MUTED), 4.5)])
def test_colors_stand_out_from_the_page(colors: tuple[str, ...], least: float) -> None:
    """WCAG 2.2 AA: 3 for marks and lines, 4.5 for text."""
    light, dark = np.ones(3), np.array(to_rgb(DARK_PAGE))
    assert [color for color in colors if contrast(np.array(to_rgb(color)), light) < least] == []
    assert [color for color in colors if contrast(on_a_dark_page(color), dark) < least] == []
