"""How different two colours look, also to readers who are colour-blind.

Colour blindness after Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision
Deficiency (2009), at full severity; differences after CIE76 (ISO/CIE 11664-4) under D65.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

SIGHTS: Final[dict[str, list[list[float]]]] = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE: Final = np.array([0.9505, 1.0, 1.089])


def difference(first: str, second: str, sight: str) -> float:
    """Between two colours, `#rrggbb`, as someone with `sight` sees them."""
    matrix = np.array(SIGHTS[sight])
    return float(np.linalg.norm(_lab(matrix @ _linear(first)) - _lab(matrix @ _linear(second))))


def _linear(colour: str) -> Vector:
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear: Vector = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear


def _lab(rgb: Vector) -> Vector:
    share = _TO_XYZ @ np.clip(rgb, 0, 1) / _WHITE
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
