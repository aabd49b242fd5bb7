"""Chapter 4: equal pressure, fixed points, controllers, and the angle of a rotated code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Real

import numpy as np

from vaelib.exercises.verdict import compare, exercise, number


@exercise("Right: twelve times as many numbers an image, twelve times the β.")
def check_same_pressure(beta: float) -> Iterator[str]:
    """The β on 128×128 RGB images with the pressure of β = 4 on 64×64 grey ones, 10 latents."""
    if not isinstance(beta, Real):
        yield f"Give a number, got {beta!r}."
    known = {
        4.0: "Then the reconstruction, a sum of twelve times as many numbers, would drown the KL.",
        16.0: "That is for the pixels alone; each of them has three colours.",
        12.0: "Three colours: ×3. And the side is doubled: how many times more pixels is that?",
        8.0: "The side is doubled; the number of pixels is not.",
        1 / 3: "The other way round: a larger reconstruction needs a larger weight against it.",
    }
    rest = "Keep β·D/N: latents D, pixels times colours N. How much larger is N?"
    yield from compare(beta, 48, known, rest)


@exercise("Right: the gradient vanishes there, and the larger the loss, the smaller its weight.")
def check_fixed_point(fixed_point: Callable[[float, float], float]) -> Iterator[str]:
    """`fixed_point(loss, strength)`: the σ² that minimises loss/(2σ²) + strength·σ²."""
    for loss, strength in ((36.0, 2.0), (15.0, 2.0), (0.1, 1.0)):
        got, right = number(fixed_point(loss, strength)), math.sqrt(loss / (2 * strength))
        known = {
            right**2: "That is σ⁴: take the square root once more.",
            math.sqrt(right): "That is σ; the question is σ².",
            math.sqrt(loss / strength): "The 2 of loss/(2σ²) was lost on the way.",
        }
        rest = (
            f"For loss {loss:g} and strength {strength:g} it gives σ² = {got:.4g}; the minimum is "
            f"at {right:.4g}. Set the derivative with respect to σ² to zero."
        )
        yield from compare(got, right, known, rest)


@exercise("Right: it remembers only β, so nothing can wind up.")
def check_step(step: Callable[[float, float, float], float]) -> Iterator[str]:
    """`step(beta, error, before)`: the next β of DynamicVAE's controller.

    K_p = 0.1, K_i = 0.01, β between 1 and 100; the error is the target minus the KL.
    """
    yield from _signs(number(step(10.0, -5.0, -5.0)), number(step(10.0, 5.0, 5.0)))
    for beta, error, before in ((10.0, -5.0, -5.0), (10.0, 1.0, -1.0), (3.0, -0.5, 2.0)):
        change = 0.1 * (_logistic(-error) - _logistic(-before)) - 0.01 * error
        got = number(step(beta, error, before))
        if np.isclose(got, beta + 0.1 * _logistic(-error) - 0.01 * error):
            yield "The proportional part adds its *change*: subtract that of the error before."
        if not np.isclose(got, beta + change, atol=1e-6):
            yield (
                f"β = {beta:g}, error {error:g}, before {before:g}: the next β is "
                f"{beta + change:.4f}, yours is {got:.4f}."
            )
    if float(step(1.0, 50.0, 50.0)) < 1:
        yield "β fell below 1: hold it between its bounds."
    if float(step(100.0, -50.0, -50.0)) > 100:
        yield "β rose above 100: hold it between its bounds."


def _signs(above: float, below: float) -> Iterator[str]:
    """Advice on β = 10 after a KL above and one below the target."""
    if above < 10 < below:
        yield (
            "The sign is wrong: with the KL 5 nats above its target (error −5) β must rise, "
            f"yours falls to {above:.2f}. This controller would run away."
        )


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@exercise("Right: equal effects turn by 45° at any correlation; else it leans to the stronger one.")
def check_angle(angle: Callable[[float, float, float], float]) -> Iterator[str]:
    """`angle(rho, a, b)`: how far the first principal axis is turned from the first factor.

    In degrees. Two factors of variance 1 and correlation `rho` change the image along orthogonal
    directions, by `a` and `b` a unit.
    """
    for rho, a, b in ((0.78, 1.0, 0.5), (0.41, 1.0, 0.75), (0.17, 1.0, 1.0), (0.5, 0.5, 1.0)):
        right = math.degrees(0.5 * math.atan2(2 * rho * a * b, a**2 - b**2))
        got = number(angle(rho, a, b))
        if np.isclose(got, math.radians(right), rtol=1e-3):
            yield "That is in radians; the question is degrees."
        if np.isclose(got, 90 - right, atol=0.01) and right != 45:
            yield "That is the angle from the second factor; measure from the first."
        if np.isclose(got, 2 * right, atol=0.01):
            yield "That is twice the angle: tan 2θ = 2ρab/(a² − b²)."
        if np.isclose(got, right - 90, atol=0.01) and b > a:
            yield "That is the second principal axis: with b > a the first leans to the second."
        away = abs((got - right + 90) % 180 - 90)  # an axis has two ends
        if away > 0.01:
            yield f"For ρ = {rho:g}, a = {a:g}, b = {b:g} it is {right:.2f}°; yours is {got:.2f}°."
