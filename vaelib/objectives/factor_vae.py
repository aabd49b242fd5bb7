"""FactorVAE: a critic tells samples from samples whose latents were shuffled.

>>> FactorVAE(gamma=10.0).gamma, critic(inputs=10, width=100)(torch.zeros(64, 10)).shape
(10.0, torch.Size([64, 2]))
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from vaelib.dependence import shuffled
from vaelib.layers import dense
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class FactorVAE(Objective):
    r"""FactorVAE, Kim & Mnih 2018 (arXiv 1802.05983), Eq. 2:

    $$\text{ELBO loss} + \gamma\, \mathrm{KL}(q(z) \,\|\, {\textstyle\prod_j} q(z_j)) \approx
      \text{ELBO loss} + \gamma\, \mathbb{E}_{q(z)} \log \frac{D(z)}{1 - D(z)}$$

    γ → `gamma`; D is the critic's probability that z is a real sample. In the terms of
    :class:`~vaelib.objectives.beta_tc_vae.BetaTCVAE`, γ = β − 1. Departure, as in
    disentanglement_lib: the shuffled samples come from the same batch, not from a second one.
    """

    gamma: float = 10.0  # weight of the total correlation; grid of the studies: 10 … 100
    critic_width: int = 1000  # units of each of the six hidden layers
    critic_learning_rate: float = 1e-4  # of Adam with β = (0.5, 0.9)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "gamma")

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        self.rng = rng
        self.critic = critic(vae.latent_dim, self.critic_width)
        self.adam = Adam(self.critic.parameters(), self.critic_learning_rate, betas=(0.5, 0.9))

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        # The loss must not train the critic, so it is called with weights that take no gradient.
        frozen = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        logits = functional_call(self.critic, frozen, out.z)  # (B, 2): real, shuffled
        return {
            "weighted_kl": out.posterior.kl().sum(1).mean(),
            "weighted_total_correlation": self.gamma * (logits[:, 0] - logits[:, 1]).mean(),
        }

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        real = out.z.detach()
        logits = self.critic(torch.cat([real, shuffled(out, self.rng).z.detach()]))
        labels = torch.arange(2, device=logits.device).repeat_interleave(len(real))
        self.adam.zero_grad()
        F.cross_entropy(logits, labels).backward()
        self.adam.step()
        self.noted["critic_accuracy"] = (logits.argmax(1) == labels).float().mean()

    @torch.no_grad()
    def turned(self, matrix: Tensor) -> None:
        first = self.critic[0]
        first.weight.copy_(first.weight @ torch.linalg.inv(matrix.double()).to(first.weight))

    def optimizers(self) -> dict[str, Optimizer]:
        return {"critic": self.adam}


def critic(inputs: int, width: int) -> nn.Sequential:
    """Six hidden layers with leaky ReLUs, two logits (Kim & Mnih 2018)."""
    hidden = dense([inputs] + [width] * 6, lambda: nn.LeakyReLU(0.2))
    return nn.Sequential(*hidden, nn.Linear(width, 2))
