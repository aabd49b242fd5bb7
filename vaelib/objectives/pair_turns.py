"""PairTurns: an objective during which pairs of latents are turned to the axes of their factors."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.objectives.beta_vae import BetaVAE
from vaelib.objectives.wrapper import Wrapper
from vaelib.support import Bank
from vaelib.turning import find_turn, outer_layers, turn
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class PairTurns(Wrapper):
    """`objective`, and now and then each pair of latents is turned to its flattest axes. Ours.

    A β-VAE that is trained on two correlated factors of equal effect learns their sum and their
    difference. It hardly ever leaves that code: the loss is nearly the same at all angles, and
    what little pull there is points away from the axes, where the two latents depend on each other
    and the KL asks for that. So the code is *turned*, at once: by the rotation that makes its
    marginals flattest (:func:`~vaelib.turning.flattest_rotation`), written into the two layers next
    to the latents, so that the model draws what it drew before. No labels, no gradient, and
    nothing to weigh against the loss. In a pair of factors that are uniform each, correlated up to
    about σ = 0.2, the flattest axes are the factors', as long as latents that copy each other are
    told from axes (:func:`~vaelib.turning.contrast`). Latents more peaked than a Gaussian take no
    part.

    The first turn is after `after` steps, when there is a code, then one is tried every `every`
    steps, on the means of the last `bank` images. Turning also shows a dependence that the turned
    code had hidden, so that prices and priors that adapt to it (:class:`PairwiseBeta`) can see it.

    What objectives keep of single codes turns along; averages over many, as :class:`PairwiseBeta`
    has of the dependence, and Adam's moments of the weights do not.

    Fails where factors are not about uniform each, are correlated more strongly (a code of
    two positions that lies on its diagonals ends about 22° off the axes at σ = 0.1, 12° at 0.15, up
    to 10° at 0.2), or spread over more latents than there
    are factors: the code is then made flat, whatever that means. ValueError: counts below 1, or a
    network whose layers next to the latents are not linear.

    >>> PairTurns(BetaVAE(4.0), after=500)
    PairTurns(objective=BetaVAE(beta=4.0), after=500, every=500, bank=4096, gain=0.1)
    """

    objective: Objective = field(default_factory=lambda: BetaVAE(4.0))
    after: int = 1_500  # steps
    every: int = 500  # steps
    bank: int = 4_096  # posterior means
    gain: float = 0.1  # contrast of both latents together: what a turn must save

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self, 1, "after", "every", "bank")
        at_least_zero(self, "gain")

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        outer_layers(vae)
        super().prepare(vae, data_size, rng)
        self.model = [vae]  # in a list: the model is not a part of its objective
        self.means, self.variances = (Bank(self.bank, vae.latent_dim) for _ in range(2))
        self.register_buffer("degrees", torch.tensor(0.0))  # the last turn's greatest
        self.register_buffer("turns", torch.tensor(0))

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective(batch, out, step)

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        super().learn(batch, out, step)
        self.means.add(out.posterior.mean)
        self.variances.add(out.posterior.logvar.exp())
        done = step + 1 - self.after
        if done >= 0 and done % self.every == 0:
            self._turn()

    @torch.no_grad()
    def _turn(self) -> None:
        width = self.variances.held().mean(0).sqrt()
        found = find_turn(self.means.held(), width, self.gain)
        cosines = found.rotation.diagonal().clamp(-1, 1)
        self.degrees.copy_(cosines.acos().rad2deg().max())
        if self.degrees > 0:
            turn(self.model[0], found)
            self.turns += 1
            self.turned(found.matrix)

    def turned(self, matrix: Tensor) -> None:
        self.means.turn(matrix)
        self.variances.turn(matrix.square())  # of a Gaussian whose latents are independent
        super().turned(matrix)

    def extra_log(self) -> dict[str, float]:
        own = {"turned_degrees": float(self.degrees), "turns": float(self.turns)}
        return {**self.objective.extra_log(), **own}
