"""`vaelib explore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from vaelib.cli.command import add_command, add_number


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "explore", explore)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs, up to 3")
    parser.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="the page to write: .html"
    )
    parser.add_argument(
        "--view",
        choices=("latents", "factors"),
        default="latents",
        help="what is seen first: sliders of latents, or of factors with all runs side by side "
        "(default: %(default)s)",
    )
    add_number(
        parser, "--samples", 1000, "images of the training data that say which values latents take"
    )
    add_number(parser, "--seed", 0, "of the sampled images")
    text = "the most that the page takes; weights are rounded to fit"
    add_number(parser, "--megabytes", 3.0, text, "MB")
    parser.add_argument("--title", default="", help="the page's title (default: the runs' labels)")


def explore(args: argparse.Namespace) -> int:
    """Make a page with sliders for the latents of runs.

    Put up to three runs into one page of HTML that computes their networks itself: move
    latents, draw a sprite, compare what the runs read in the same image. It opens in any
    browser without a network, and can be sent by mail or put on a web site.

    vaelib explore runs/my-run -o explorer.html
    vaelib explore runs/plain runs/pairwise --view factors -o compare.html
    """
    from vaelib.explorer import explore
    from vaelib.runs import Run

    path = Path(args.out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out must end in .html, got {args.out!r}")
    explorer = explore(
        *map(Run, args.runs),
        title=args.title,
        samples=args.samples,
        seed=args.seed,
        megabytes=args.megabytes,
        view=args.view,
    )
    explorer.save(path)
    size, page = path.stat().st_size / 1e6, explorer.page
    print(f"{path}: {size:.1f} MB, weights in {page['bits']} bits")
    return 0
