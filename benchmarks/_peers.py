"""A training step of a peer, run by the interpreter of benchmarks/peers.sh: the same network, the
same batch, their forward pass, their loss and Adam as their trainers use it.

    python _peers.py disent    reads numbers of steps from stdin, answers with CPU seconds a step
"""

from __future__ import annotations

import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from vaelib.datasets import DSprites  # noqa: E402
from vaelib.networks import Burgess  # noqa: E402

SHAPE, D, B = (1, 64, 64), 10, 64
# disent imports it for data sets and a perceptual loss, which this step does not use. Each of its
# wheels fits one build of torch, so it is not installed.
for part in ("", ".datasets", ".models", ".transforms", ".transforms.functional"):
    name = f"torchvision{part}"
    sys.modules[name] = MagicMock(ImageFolder=object, __spec__=ModuleSpec(name, None))


def disent() -> tuple[nn.Module, object]:
    from disent.frameworks.vae import BetaVae
    from disent.model import AutoEncoder, DisentDecoder, DisentEncoder

    class Encoder(DisentEncoder):
        def __init__(self):
            super().__init__(x_shape=SHAPE, z_size=D, z_multiplier=2)
            self.net = Burgess().encoder(SHAPE, 2 * D)

        def encode(self, x: Tensor) -> Tensor:
            return self.net(x)

    class Decoder(DisentDecoder):
        def __init__(self):
            super().__init__(x_shape=SHAPE, z_size=D, z_multiplier=1)
            self.net = Burgess().decoder(SHAPE, D)

        def decode(self, z: Tensor) -> Tensor:
            return self.net(z)

    cfg = BetaVae.cfg(beta=4, recon_loss="bce", loss_reduction="mean_sum", optimizer="adam")
    framework = BetaVae(AutoEncoder(Encoder(), Decoder()), cfg)
    framework.log_dict = lambda *args, **kwargs: None  # goes to Lightning's trainer
    return framework, lambda x: framework.do_training_step({"x": (x,), "x_targ": (x,)}, 0)


def pythae() -> tuple[nn.Module, object]:
    from pythae.models import BetaVAE, BetaVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = Burgess().encoder(SHAPE, 2 * D)

        def forward(self, x: Tensor) -> ModelOutput:
            mean, logvar = self.net(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = Burgess().decoder(SHAPE, D)

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.net(z).sigmoid())

    config = BetaVAEConfig(input_dim=SHAPE, latent_dim=D, beta=4.0, reconstruction_loss="bce")
    model = BetaVAE(config, Encoder(), Decoder())
    return model, lambda x: model({"data": x}).loss


def main(name: str) -> None:
    torch.set_num_threads(1)
    model, loss = {"disent": disent, "pythae": pythae}[name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    rng = np.random.default_rng(0)
    for line in sys.stdin:
        began = time.process_time()
        for _ in range(int(line)):
            images = torch.from_numpy(DSprites().sample(B, rng).images).float()
            optimizer.zero_grad()
            loss(images).backward()
            optimizer.step()
        print((time.process_time() - began) / int(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
