"""The variational autoencoder: encode, sample, decode. It knows no objective."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vaelib.networks import Network, Shape
from vaelib.types import Posterior, VAEOutput


class VAE(nn.Module):
    """A VAE with a diagonal Gaussian posterior (Kingma & Welling 2013, arXiv 1312.6114).

    Under autocast the networks may compute in bfloat16; what comes out has the inputs' type, so
    that an objective always sums in float32.

    >>> from vaelib.networks import Fast
    >>> vae = VAE(Fast(), (1, 64, 64), latent_dim=10)
    >>> vae(torch.zeros(2, 1, 64, 64)).logits.shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, network: Network, image_shape: Shape, latent_dim: int):
        super().__init__()
        if latent_dim < 1:
            raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
        self.image_shape, self.latent_dim = tuple(image_shape), latent_dim
        self.when_turned: list[Callable[[], None]] = []  # told when the latents are other ones
        self.encoder = network.encoder(self.image_shape, 2 * latent_dim)
        self.decoder = network.decoder(self.image_shape, latent_dim)

    def encode(self, images: Tensor) -> Posterior:
        """q(z|x) of images (B, C, H, W) in [0, 1]: mean and logvar, (B, D) each."""
        _check(images, "images", self.image_shape)
        mean, logvar = self.encoder(images).to(images.dtype).chunk(2, dim=1)
        return Posterior(mean, logvar)

    def decode(self, z: Tensor) -> Tensor:
        """Bernoulli logits (B, C, H, W) of latents (B, D)."""
        _check(z, "latents", (self.latent_dim,))
        return self.decoder(z).to(z.dtype)

    def forward(self, images: Tensor, rng: torch.Generator | None = None) -> VAEOutput:
        """Encode, draw one sample a posterior, decode."""
        posterior = self.encode(images)
        z = posterior.sample(rng)
        return VAEOutput(posterior, z, self.decode(z))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Pixel probabilities (B, C, H, W), decoded from the posterior means."""
        return self.decode(self.encode(images).mean).sigmoid()


def _check(given: Tensor, what: str, shape: tuple[int, ...]) -> None:
    """ValueError unless it is a batch of floats of this shape: nothing waits for its values."""
    if not isinstance(given, Tensor) or not given.is_floating_point():
        kind = given.dtype if isinstance(given, Tensor) else type(given).__name__
        raise ValueError(f"{what} must be a tensor of floats, got {kind}")
    if tuple(given.shape[1:]) != shape:
        wanted = ", ".join(["B", *map(str, shape)])
        raise ValueError(f"{what} must have shape ({wanted}), got {tuple(given.shape)}")
