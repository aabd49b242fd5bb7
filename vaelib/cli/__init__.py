"""The command line: `vaelib COMMAND …`. Each command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from vaelib import __version__
from vaelib.cli import data, drawing, exploring, listing, reporting, scoring, study, training
from vaelib.cli.command import indent

EXAMPLES = """
vaelib train -o beta=8 --steps 5000     train a β-VAE on dSprites
vaelib evaluate runs                    score what is in runs/
vaelib report --preset smoke            run the notebooks, make a report"""


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(
        prog="vaelib",
        description="Train, score and look at disentangling VAEs.\n"
        "`vaelib COMMAND --help` tells more of a command and gives an example.",
        epilog=f"examples:\n{indent(EXAMPLES)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    text = "show the version and end"
    main.add_argument("--version", action="version", version=f"vaelib {__version__}", help=text)
    main.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = main.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (training, scoring, drawing, exploring, reporting, study, data, listing):
        module.add(commands)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 all well, 1 something failed, 2 wrong use, 130 stopped by Ctrl-C."""
    args = parser().parse_args(arguments)
    try:
        status = args.command(args)
        sys.stdout.flush()  # a full disk shows here, and not when Python ends
        return status
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on where it was", file=sys.stderr)
        return training.INTERRUPTED
    except BrokenPipeError:  # the reader, `| head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, RuntimeError) as error:
        if args.debug:
            raise
        print(f"vaelib: {_text(error)}", file=sys.stderr)
        return 1 if isinstance(error, RuntimeError) else 2


def _text(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename and error.strerror:
        return f"there is no file {error.filename}"
    if isinstance(error, PermissionError) and error.filename:
        return f"no permission for {error.filename}: choose another place, or change its rights"
    return str(error) or type(error).__name__
