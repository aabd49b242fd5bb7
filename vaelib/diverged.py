"""What is told when a loss stops being finite.

>>> losses = [torch.tensor(1.0), torch.tensor(2.0)]
>>> check_finite(losses, step=1, run=None)  # finite: they are forgotten
>>> losses
[]
>>> issubclass(TrainingDiverged, RuntimeError)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from vaelib.runs import Run


class TrainingDiverged(RuntimeError):
    """The loss stopped being finite."""


def check_finite(losses: list[Tensor], step: int, run: Run) -> None:
    """Raise if one of the losses of the steps up to `step` is NaN or infinite; forget them."""
    finite = torch.isfinite(torch.stack(losses)) if losses else torch.ones(0, dtype=torch.bool)
    bad = (~finite).nonzero()
    if len(bad):
        at = step + 1 - len(losses) + int(bad[0]) + 1
        good = run.checkpoints.paths()
        last = f"the last good checkpoint is {good[-1]}" if good else "no checkpoint was saved yet"
        raise TrainingDiverged(
            f"the loss became {losses[int(bad[0])].item()} at step {at} of {run.label}; {last}. "
            "A lower learning_rate, a smaller weight, or precision='float32' usually helps"
        )
    losses.clear()
