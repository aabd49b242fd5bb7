"""`vaelib traverse`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.cli.command import add_command, add_number

if TYPE_CHECKING:
    from vaelib.traversal import Traversal

STEPS = {".png": 11, ".gif": 24}  # columns of the picture; steps of the film


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "traverse", traverse)
    parser.add_argument("run", metavar="RUN", help="the folder of a finished run")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="the picture to write: .png or .gif"
    )
    text = "only these latents, counted from 0 (default: all)"
    parser.add_argument("--latents", type=int, nargs="+", metavar="J", help=text)
    text = f"values of each latent (default: {STEPS['.png']} in a png, {STEPS['.gif']} in a gif)"
    parser.add_argument("--steps", type=int, metavar="N", help=text)
    add_number(parser, "--anchor", 0, "which of the sampled images is moved", "I")
    add_number(parser, "--samples", 512, "images that say which values each latent takes")
    add_number(parser, "--seed", 0, "of the sampled images")


def traverse(args: argparse.Namespace) -> int:
    """Draw what each latent of a run does.

    Encode one image, move one latent at a time, decode: a picture (png) with one row a
    latent, or a film (gif) in which all latents move. Rows are ordered by KL, in nats:
    how much the latent tells about the image.

    vaelib traverse runs/my-run --out traversal.png
    vaelib traverse runs/my-run --out traversal.gif --latents 3 7
    """
    import numpy as np

    from vaelib.runs import Run
    from vaelib.traversal import traverse

    path = Path(args.out)
    if path.suffix.lower() not in STEPS:
        raise ValueError(f"--out must end in .png or .gif, got {args.out!r}")
    run = Run(args.run)
    if args.samples < 1:
        raise ValueError(f"--samples must be at least 1, got {args.samples}")
    images = run.config.data.sample(args.samples, np.random.default_rng(args.seed))
    steps = STEPS[path.suffix.lower()] if args.steps is None else args.steps
    _save(traverse(run.vae, images, args.anchor, steps, args.latents), path)
    print(path)
    return 0


def _save(traversal: Traversal, path: Path) -> None:
    if path.suffix.lower() == ".gif":
        from vaelib.animation import save_gif

        save_gif(traversal, path)
        return
    import matplotlib

    matplotlib.use("Agg")
    from vaelib import plots
    from vaelib.files import write_whole

    write_whole(path, plots.traversal(traversal).figure.savefig)
