"""How strongly two values of a correlated pair go together: log weights on the grid of a pair.

>>> gaussian(3, 3, 0.5)
array([[-0. , -0.5, -2. ],
       [-0.5, -0. , -0.5],
       [-2. , -0.5, -0. ]])
>>> float(np.isfinite(line(32, 32, 0.2)).mean().round(2))  # elsewhere nothing ever occurs
0.63
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def gaussian(n1: int, n2: int, sigma: float) -> np.ndarray:
    """−(c1 − c2)² / (2σ²) on the grid of two factors scaled to [0, 1]: (n1, n2)."""
    c1, c2 = np.linspace(0, 1, n1), np.linspace(0, 1, n2)
    with np.errstate(over="ignore"):  # a tiny σ: −inf
        return -(((c1[:, None] - c2) / sigma) ** 2) / 2


def line(n1: int, n2: int, width: float) -> np.ndarray:
    """What Träuble et al.'s released code draws from instead: the log of a blurred line, (n1, n2).

    A white line from corner to corner of an image, as wide as `width` (what the paper calls σ) of
    its shorter side, then blurred; 1 and above is uniform. It is much stronger than the formula at
    the same number (two factors of 32 values at 0.2: r = .88 instead of .78), and cells away from
    the line never occur. The line is drawn here as a band. Against cv2.line and cv2.GaussianBlur
    (OpenCV 4.8) the joints of dSprites' orientation and positions differ by 0.02 or less in total
    variation; with fewer than 10 values and a width below 0.4 they can differ much more.
    """
    from scipy.ndimage import gaussian_filter

    if width >= 1:
        return np.zeros((n1, n2))
    short, long = sorted((n1, n2))
    thick = math.ceil(width * short)
    half = (thick + thick % 2) / 2 if thick > 1 else 0  # OpenCV's odd lines are one pixel wider
    reach = half * math.hypot(n1, n2) / long + (0.75 if n1 == n2 else 0.5)  # with the pixel's own
    rows, columns = np.indices((n1, n2))
    image = 255.0 * (np.abs(rows * n2 - columns * n1) / long <= reach)
    size = short // 4 + (short // 4 + 1) % 2  # of the kernel, odd
    spread = 0.3 * ((size - 1) / 2 - 1) + 0.8  # OpenCV's rule for a kernel of this size
    image = gaussian_filter(image, spread, mode="mirror", radius=size // 2)
    with np.errstate(divide="ignore"):
        return np.log(np.rint(image))  # 8-bit pixels: the blur ends where it rounds to 0


STYLES: dict[str, Callable[[int, int, float], np.ndarray]] = {
    "gaussian": gaussian,
    "line": line,
}
