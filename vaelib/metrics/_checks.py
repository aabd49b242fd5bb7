"""What every metric asks of its codes before it counts."""

from __future__ import annotations

import numpy as np

from vaelib.types import Codes


def varying(codes: Codes, metric: str, samples: int, factors: int = 1) -> Codes:
    """`codes` without the factors that never vary: they can be neither encoded nor missed.

    Raises ValueError under `samples` samples or when fewer than `factors` factors vary.
    """
    if len(codes) < samples:
        raise ValueError(f"{metric} needs at least {samples} samples, got {len(codes)}")
    moves = (codes.factors != codes.factors[:1]).any(axis=0)
    if moves.sum() < factors:
        raise ValueError(
            f"{metric} needs at least {factors} factors with two or more values, got "
            f"{moves.sum()} among {codes.names}"
        )
    return codes if moves.all() else codes.select(*np.array(codes.names)[moves])
