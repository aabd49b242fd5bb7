"""A report from beginning to end: check, execute, convert, collect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from vaelib.fast import is_fast
from vaelib.paths import in_clone, notebooks_dir
from vaelib.report import parameters
from vaelib.report.execution import Outcome, execute
from vaelib.report.parameters import Parameter
from vaelib.report.scrub import scrub_file
from vaelib.report.state import State, file_name, hold, notebook_key, write_plain_json
from vaelib.report.tables import QUICK, evaluate_new

# Seconds for a cell and for a notebook. A training that is only tested should not take long; a full
# one may take hours on a laptop.
LIMITS = {"smoke": (900, 1800), "quick": (3600, 4 * 3600), "full": (24 * 3600, 72 * 3600)}


@dataclass(frozen=True)
class Settings:
    """What a report is made of."""

    notebooks: tuple[str, ...] = ()  # names, or beginnings of names, or paths; none means all
    preset: str = "quick"  # smoke, quick or full
    name: str = ""  # of the folder; "" is made of the preset and what was given
    given: Mapping[str, Any] = field(default_factory=dict)  # parameters that were set by hand
    folder: Path | None = None  # where reports go; None is reports/ of the clone, or ./reports
    cell_timeout: int | None = None  # seconds for one cell; None goes by the preset
    timeout: int | None = None  # seconds for one notebook; None goes by the preset
    again: bool = False  # run finished notebooks again
    metrics: tuple[str, ...] = QUICK  # to score the runs that the notebooks left without scores


@dataclass(frozen=True)
class Report:
    """Where a report is and how its notebooks ended."""

    folder: Path
    records: dict[str, dict[str, Any]]  # by notebook: seconds, error, parameters …

    @property
    def failed(self) -> list[str]:
        return [name for name, record in self.records.items() if record["error"]]


def build(settings: Settings, progress: bool = True) -> Report:
    """Make the report; a notebook that fails does not stop the others.

    Everything is checked before the first notebook runs: ValueError for unknown notebooks and for
    parameters that do not fit. A report that was killed goes on where it was.
    """
    from vaelib import metrics

    sources = choose(settings.notebooks)
    offered = {name: parameters.read(path) for name, path in sources.items()}
    values = parameters.resolve(offered, settings.preset, settings.given)
    metrics.chosen(settings.metrics)  # refuses unknown names
    folder = report_folder(settings)
    with hold(folder) as lock:
        made = Maker(settings, folder, sources, offered, values, lock)
        return made.run(progress)


@dataclass
class Maker:
    """One report while it is made; all dictionaries are by notebook."""

    settings: Settings
    folder: Path
    sources: dict[str, Path]
    offered: dict[str, list[Parameter]]
    values: dict[str, dict[str, Any]]
    lock: int | None

    def __post_init__(self) -> None:
        self.state = State(self.folder / "state.json")
        self.ended: set[str] = set()  # notebooks dealt with in this call
        self.fast = is_fast() or self.settings.preset == "smoke" and not self._explicit_budget()

    def _explicit_budget(self) -> bool:
        """Whether a parameter that the presets set was given by hand: then it is meant."""
        return any(
            p.presets and p.name in self.settings.given for ps in self.offered.values() for p in ps
        )

    def run(self, progress: bool) -> Report:
        from tqdm import tqdm

        write_plain_json(
            self.folder / "params.json",
            {"preset": self.settings.preset, "given": self.settings.given, "values": self.values},
        )
        with tqdm(total=len(self.sources), unit="notebook", disable=not progress) as bar:
            for name in self.sources:
                bar.set_description(name)
                self.notebook(name, progress)
                self.write()  # so that what is there can be read if the rest is stopped
                bar.update()
        if self.settings.metrics:
            evaluate_new(self.folder / "runs", self.settings.metrics, progress)
        return self.write()

    def write(self) -> Report:
        """The index page and the files for machines, from what has run so far."""
        from vaelib.report.index import write_index

        records = {n: self.state.notebooks[n] for n in self.sources if n in self.ended}
        report = Report(self.folder, records)
        write_index(report, self.settings, self.offered, self.fast)
        return report

    def notebook(self, name: str, progress: bool) -> None:
        """Execute one notebook, unless it ran through before with the same key."""
        from vaelib.report.page import write_page

        key = notebook_key(self.sources[name], self.values[name], {"fast": self.fast})
        page = self.folder / "notebooks" / f"{file_name(name)}.html"
        target = page.with_suffix(".ipynb")
        self.ended.add(name)
        if self.state.finished(name, key) and page.exists() and not self.settings.again:
            return
        outcome = self.execute(name, target, self.environment(), progress)
        if target.exists():
            scrub_file(target, self.folder)
        write_page(target, page, name, outcome.error, list(self.sources))
        self.state.record(
            name,
            {
                "key": key,
                "page": f"notebooks/{page.name}",
                "seconds": round(outcome.seconds, 2),
                "error": outcome.error,
                "ended": datetime.now().astimezone().isoformat(timespec="seconds"),
                "parameters": self.values[name],
            },
        )

    def execute(
        self, name: str, target: Path, environment: dict[str, str], progress: bool
    ) -> Outcome:
        from tqdm import tqdm

        cell_limit, limit = LIMITS[self.settings.preset]
        with tqdm(
            desc="  cells", unit="cell", leave=False, disable=not progress, position=1
        ) as bar:

            def show(done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            return execute(
                self.sources[name],
                target,
                self.values[name],
                environment,
                self.settings.cell_timeout or cell_limit,
                self.settings.timeout or limit,
                show,
                self.lock,
            )

    def environment(self) -> dict[str, str]:
        """What the kernels see: trained runs land in the report's folder."""
        found = {"VAELIB_RUNS": str(self.folder / "runs")}
        return found | ({"VAELIB_FAST": "1"} if self.fast else {})


def choose(wanted: tuple[str, ...] = ()) -> dict[str, Path]:
    """The notebooks by name; `wanted` are names, unique beginnings (`02`) or paths; none: all."""
    folder = notebooks_dir()
    there = {p.stem: p for p in sorted(folder.glob("*.ipynb"))}
    if not wanted and not there:
        raise ValueError(f"there are no notebooks in {folder}")
    found: dict[str, Path] = {}
    for text in wanted or there:
        name, path = _find(text, there)
        if found.setdefault(name, path) != path:
            raise ValueError(f"two notebooks are named {name}: {found[name]} and {path}")
    return found


def _find(text: str, there: dict[str, Path]) -> tuple[str, Path]:
    path = Path(text)
    if path.suffix == ".ipynb" and path.is_file():
        return path.stem, path.resolve()
    stem = path.name.removesuffix(".ipynb")
    matches = [stem] if stem in there else [name for name in there if name.startswith(stem)]
    if len(matches) != 1:
        raise ValueError(f"notebook must be a path or one of {', '.join(there)}, got {text!r}")
    return matches[0], there[matches[0]]


def report_folder(settings: Settings) -> Path:
    """Where the report goes: the folder of reports, and in it the report's name."""
    name = settings.name or default_name(settings)
    if name != Path(name).name or name in (".", "..") or name.startswith("-"):
        raise ValueError(f"the name of a report must be the name of a folder, got {name!r}")
    return (settings.folder or reports_dir()).resolve() / name


def reports_dir() -> Path:
    """reports/ of the clone, else ./reports."""
    return notebooks_dir().parent / "reports" if in_clone() else Path("reports")


def default_name(settings: Settings) -> str:
    """`quick`, or `quick-beta=8-sigma=0.2`: other parameters make another report."""
    given = [f"{name}={value}" for name, value in settings.given.items()]
    return file_name("-".join([settings.preset, *given]).replace("=", "_"))[:80]
