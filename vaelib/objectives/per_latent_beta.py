"""PerLatentBeta: one learned weight for the KL of each latent."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaelib.objectives.l_vae import LVAE


@dataclass(eq=False)
class PerLatentBeta(LVAE):
    r"""One learned weight a latent, **our reading** of the mdL-VAE in Moğultay Özcan's thesis (METU
    2024, handle 11511/110813), whose abstract says this much:

    $$\frac{L_R}{2\sigma_R^2} + \text{regulariser}(\sigma_R^2)
      + \sum_j \Big[\frac{\mathrm{KL}_j}{2\sigma_j^2} + \text{regulariser}(\sigma_j^2)\Big]$$

    As :class:`~vaelib.objectives.l_vae.LVAE`, with D weights on the KL side. At the fixed point
    each summand is concave in KL_j: strong latents pay less a nat, weak ones are pushed off. It
    rescales latents but has no term that mixes them, so it cannot undo a rotation of two of them.

    >>> PerLatentBeta().reading.fixed_point(1.0)
    1.0
    """

    def kl_parts(self, kl: Tensor) -> Tensor:
        return kl.mean(0)

    def extra_log(self) -> dict[str, float]:
        betas = self.weights.effective_beta().tolist()
        return {
            "reconstruction": float(self.raw),
            **{f"beta_{j}": beta for j, beta in enumerate(betas)},
        }
