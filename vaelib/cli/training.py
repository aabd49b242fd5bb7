"""`vaelib train` and `vaelib resume`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.cli import find
from vaelib.cli.command import add_command, add_options, typed
from vaelib.cli.fields import SIMPLE, Field, fields_in, make
from vaelib.report.values import parse

if TYPE_CHECKING:
    from vaelib.datasets import FactorData
    from vaelib.train import TrainConfig

INTERRUPTED = 130  # the exit status after Ctrl-C, as shells have it


def add(commands: argparse._SubParsersAction) -> None:
    _add_train(commands)
    _add_resume(commands)


def _add_train(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "train", train)
    _add_part(parser, "objective", "what is minimised", "-o", "--option")
    _add_part(parser, "data", "the images: a data set, or the path of a file or folder")
    _add_worlds(parser)
    _add_part(parser, "network", "the encoder and decoder")
    _add_part(parser, "sampling", "which images each step sees")
    _add_part(parser, "schedule", "how the learning rate changes")
    for field in training_fields():
        _add_field(parser, field)
    _add_how(parser)
    text = "where the run goes (default: a folder in runs/ named after what is trained)"
    parser.add_argument("--folder", metavar="FOLDER", help=text)


def _add_part(parser: argparse.ArgumentParser, name: str, text: str, *flags: str) -> None:
    """Two options: the class of a part of the configuration, and the options of this class."""
    text = f"{text} (default: %(default)s)"
    parser.add_argument(f"--{name}", default=default_part(name), metavar="NAME", help=text)
    flags = flags or (f"--{name}-option",)
    add_options(parser, f"the {name}", *flags, dest=f"{name}_option")


def _add_worlds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--correlate",
        action="append",
        default=[],
        nargs=3,
        metavar=("FACTOR", "FACTOR", "SIGMA"),
        help="correlate two factors in training; a smaller sigma is a stronger correlation; "
        "repeat it for more pairs",
    )
    parser.add_argument(
        "--wrap",
        action="append",
        default=[],
        nargs="+",
        metavar=("NAME", "OPTION=VALUE"),
        help="draw the images in another way, such as `--wrap FixedSample n=20000`",
    )


def _add_resume(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "resume", resume)
    parser.add_argument("folder", metavar="FOLDER", help="the folder of the run")
    _add_how(parser)


def _add_how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def training_fields() -> list[Field]:
    """The fields of TrainConfig that are numbers or words."""
    return [field for field in all_fields() if field.type in SIMPLE]


@cache
def all_fields() -> list[Field]:
    """The fields of TrainConfig, read without importing it."""
    source = (Path(__file__).parents[1] / "train.py").read_text("utf-8")
    return fields_in(source, "TrainConfig")


def default_part(name: str) -> str:
    """The class that TrainConfig takes for this part of it unless told."""
    text = next(f.default for f in all_fields() if f.name == name)
    return text.split("default_factory=")[1].rstrip(")")


def _add_field(parser: argparse.ArgumentParser, field: Field) -> None:
    parser.add_argument(
        f"--{field.name.replace('_', '-')}",
        dest=field.name,
        type=typed(field.type),
        metavar=field.type.upper(),
        help=f"{field.help or field.name.replace('_', ' ')} (default: {field.default})".replace(
            "%", "%%"
        ),
    )


def train(args: argparse.Namespace) -> int:
    """Train a VAE.

    Train a VAE and keep it in a folder, the run. A run that was stopped goes on where its
    last checkpoint is; one that is finished is left as it is. `vaelib list` shows the names
    that the parts take, --objective, --data and so on, and their options.

    vaelib train --objective BetaVAE -o beta=8 --correlate pos_x pos_y 0.2 --steps 5000
    vaelib train --objective PairTurns -o 'objective=BetaTCVAE(beta=6)' --steps 5000
    """
    return _run(config_from(args), args.folder, not args.quiet)


def resume(args: argparse.Namespace) -> int:
    """Go on with a run that was stopped.

    Go on with a run from its last checkpoint, with the configuration that it began with.
    On the same machine the result is the same, bit for bit, as without the stop.

    vaelib resume runs/BetaVAE-DSprites-0-1a2b3c4d5e6f
    """
    from vaelib.runs import Run

    run = Run(args.folder)
    return _run(run.config, run.folder, not args.quiet)


def config_from(args: argparse.Namespace) -> TrainConfig:
    """The configuration that the command line describes."""
    from vaelib.train import TrainConfig

    given = {f.name: getattr(args, f.name) for f in training_fields()}
    return TrainConfig(
        data=data_from(args),
        objective=_make(find.objectives(), args, "objective"),
        network=_make(find.networks(), args, "network"),
        sampling=_make(find.samplings(), args, "sampling"),
        schedule=_make(find.schedules(), args, "schedule"),
        **{name: value for name, value in given.items() if value is not None},
    )


def _make(found: Mapping[str, type], args: argparse.Namespace, what: str) -> Any:
    cls = find.by_name(found, getattr(args, what), what)
    return make(cls, getattr(args, f"{what}_option"))


def data_from(args: argparse.Namespace) -> Any:
    """The data set, then its correlations, then its wrappers in the order given."""
    from vaelib.datasets import Correlated

    data = named_data(args.data, args.data_option)
    pairs: dict[tuple[str, str], float] = {}
    for first, second, sigma in args.correlate:
        if {(first, second), (second, first)} & pairs.keys():
            raise ValueError(f"--correlate is given twice for {first} and {second}")
        pairs[first, second] = parse("float", sigma)
    data = Correlated(data, pairs) if pairs else data
    for name, *options in args.wrap:
        data = make(find.by_name(find.wrappers(), name, "wrap"), options, data=data)
    return data


def named_data(text: str, options: Sequence[str]) -> FactorData:
    """The data set of this name, or the one at this path."""
    from vaelib.datasets.recognise import recognise

    found = find.data()
    is_path = Path(text).suffix or Path(text).exists() or len(Path(text).parts) > 1
    if text not in found and is_path:
        cls, field = recognise(text)
        return make(cls, options, **{field: text})
    return make(find.by_name(found, text, "data"), options)


def _run(config: TrainConfig, folder: str | Path | None, progress: bool) -> int:
    from vaelib import machine
    from vaelib.paths import runs_dir
    from vaelib.train import train

    folder = Path(folder or runs_dir() / config.folder_name)
    if told := _finished(folder, config):
        print(told)
        return 0
    print(machine.plan(config.device, config.precision, config.speedups), flush=True)
    try:
        run = train(config, folder, progress=progress)
    except KeyboardInterrupt:
        print(f"\nstopped; go on with: vaelib resume {shlex.quote(str(folder))}")
        return INTERRUPTED
    print(f"{run.label}: {config.steps:,} steps\n{run.folder}")
    return 0


def _finished(folder: Path, config: TrainConfig) -> str:
    """What to say of a run that is done already, and was perhaps trained in another way; or ""."""
    from vaelib.runs import Run
    from vaelib.train import HOW

    if not (folder / "config.json").exists():
        return ""
    run = Run(folder)
    if not run.finished or run.config.key != config.key:
        return ""
    was = {name: getattr(run.config, name) for name in HOW}
    other = [f"{name} {value}" for name, value in was.items() if value != getattr(config, name)]
    how = f", with {', '.join(other)}: to train it in another way, give a --folder" if other else ""
    return f"{run.label}: trained already{how}\n{run.folder}"
