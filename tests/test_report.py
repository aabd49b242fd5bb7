"""The report: pages that load nothing, failures that cost nothing else, kills that lose nothing."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vaelib.cli import parser
from vaelib.cli.reporting import settings_from
from vaelib.report.build import (
    Report,
    Settings,
    build,
    choose,
    default_name,
    report_folder,
)
from vaelib.report.formulas import replace_in_text, to_mathml
from vaelib.report.html import duration
from vaelib.report.index import command
from vaelib.report.markdown import to_html
from vaelib.report.offline import offline
from vaelib.report.pictures import last_heading, pictures
from vaelib.report.scrub import scrub
from vaelib.report.state import State, hold, notebook_key, package_key
from vaelib.report.tables import arranged, evaluate_new, score_tables, write_csv

ROOT = Path(__file__).resolve().parents[1]


def write(path, *cells):
    """A notebook of these cells: text is code, `# …` Markdown, a pair is (code, tag)."""
    notebook = new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    for cell in cells:
        if isinstance(cell, tuple):
            notebook.cells.append(new_code_cell(cell[0], metadata={"tags": [cell[1]]}))
        elif cell.startswith("#"):
            notebook.cells.append(new_markdown_cell(cell))
        else:
            notebook.cells.append(new_code_cell(cell))
    nbformat.write(notebook, path)
    return str(path)


TEXT = r"""# The $\beta$-VAE

[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/x)

$$\mathcal{L} = \mathbb{E}_{q(z|x)}[\log p(x|z)] - \beta\,\mathrm{KL}(q(z|x)\,\|\,p(z))$$

\begin{align} a &= \sum_{j=1}^{D} \mu_j^2 \\ b &\ge 0 \end{align}

<details><summary>Answer</summary>
It is $\sqrt{2}$ and <img src="https://example.org/a.png" alt="a remote picture">.
</details>

The [last](03_last.ipynb#part) chapter, its [solution](solutions/03_last_one.ipynb).

`$not a formula$` costs \$5 or \$6.

```mermaid
graph TD
```
"""  # noqa: E501
OUTPUTS = r"""
from IPython.display import HTML, Javascript, Latex, Markdown, display
display(HTML('<script src="https://cdn.example.org/require.js"></script>'
             '<link rel="stylesheet" href="//example.org/a.css">'
             '<style>@import url("https://example.org/b.css"); p {color: red}</style>'
             '<p style="background: url(http://example.org/c.png)">where $x^2$ grows</p>'
             '<iframe srcdoc="&lt;script src=&quot;https://example.org/d.js&quot;&gt;&lt;/script&gt;'
             'kept"></iframe>'))
display(Javascript('require(["https://example.org/e.js"])'),
        Latex(r'$$\frac{a}{b}$$'), Markdown(r'so $\sigma$'))
"""
WIDGET = """
import io
import ipywidgets
from PIL import Image
buffer = io.BytesIO()
Image.new("RGB", (7, 5), "navy").save(buffer, "PNG")
ipywidgets.VBox([
    ipywidgets.Image(value=buffer.getvalue()),
    ipywidgets.HBox([ipywidgets.FloatSlider(value=0.25, description="z3"),
                     ipywidgets.Dropdown(options=["square", "heart"], value="heart")]),
])
"""
FIGURE = """
import matplotlib.pyplot as plt
plt.plot([0, 1]); plt.show()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of three notebooks, of which the second fails."""
    folder = tmp_path_factory.mktemp("report")
    good = write(
        folder / "01_good.ipynb",
        TEXT,
        (
            "beta: float = 4.0  # weight of the KL [0, inf]\nflag: bool = True  # a word",
            "parameters",
        ),
        "import os; print(beta, flag, os.environ['VAELIB_RUNS'])",
        OUTPUTS,
        "## A figure of $\\beta$",
        (FIGURE, "report"),
        "## A slider",
        (WIDGET, "report"),
    )
    bad = write(
        folder / "02_bad.ipynb",
        "# It fails",
        ("beta: float = 1.0", "parameters"),
        "raise RuntimeError(f'no luck with {beta}')",
        "print('never reached')",
    )
    last = write(folder / "03_last.ipynb", "# The last one", "print('ran all the same')")
    settings = Settings((good, bad, last), given={"beta": "inf", "flag": "false"}, name="made")
    settings = Settings(**{**vars(settings), "folder": folder / "reports"})
    return build(settings, progress=False)


def page(made, name):
    return (made.folder / name).read_text("utf-8")


def soup(made, name):
    return BeautifulSoup(page(made, name), "html.parser")


PAGES = ("index.html", "notebooks/01_good.html", "notebooks/02_bad.html", "notebooks/03_last.html")


def loads(html):
    """All that a browser would fetch for this page, frames within included."""
    tree = BeautifulSoup(html, "html.parser")
    found = []
    for tag in tree.find_all(True):
        names = ("src", "srcset", "poster", "data", "background", "xlink:href", "formaction")
        found += [str(tag[name]) for name in names if tag.get(name)]
        if tag.name in ("link", "base", "use", "image"):
            found += [str(tag.get("href", ""))]
        if tag.name == "iframe" and tag.get("srcdoc"):
            found += loads(tag["srcdoc"])
    for css in [*tree.find_all("style"), *(t["style"] for t in tree.find_all(style=True))]:
        text = css if isinstance(css, str) else css.get_text()
        found += re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']?([^"';]+)""", text)
    for script in tree.find_all("script"):
        found += re.findall(
            r"""(?:import|require|fetch)\s*\(?\[?\s*["']([^"']+)""", script.get_text()
        )
    return ["".join(f) if isinstance(f, tuple) else f for f in found]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_from_a_network(made, name):
    found = loads(page(made, name))
    assert found, "the search itself works: each page has at least its font"
    remote = [f for f in found if not f.startswith(("data:", "figures/"))]
    assert remote == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_forbids_the_browser_to_load_anything(made, name):
    policy = soup(made, name).find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_the_search_for_loads_finds_each_kind():
    html = """<link href="https://a"><img srcset="https://b"><style>@import "https://c";</style>
    <p style="background: url('https://d')"><script>import("https://e")</script>
    <iframe srcdoc="&lt;script src='https://f'&gt;&lt;/script&gt;"></iframe>"""
    assert {f.strip() for f in loads(html)} == {f"https://{c}" for c in "abcdef"}
    assert loads(offline(html)) == ["https://e"]  # what a script does is for the policy to stop


def test_of_what_has_no_text_nothing_is_left():
    html = '<picture><source srcset="https://a/b.webp"><img src="data:," alt="one"></picture>'
    assert offline(html) == '<picture><img alt="one" src="data:,"/></picture>'


@pytest.mark.parametrize("name", PAGES)
def test_no_formula_is_left_raw(made, name):
    tree = soup(made, name)
    for tag in tree.find_all(["code", "pre", "script", "style"]):
        tag.decompose()
    text = tree.get_text()
    assert not re.search(r"\\[A-Za-z]+", text)
    assert not re.search(r"\$[^$\d]", text)


def test_formulas_in_every_place_become_mathml(made):
    tree = soup(made, "notebooks/01_good.html")
    formulas = [m["alttext"] for m in tree.find_all("math")]
    for latex in (r"\beta", r"\sqrt{2}", "x^2", r"\frac{a}{b}", r"\sigma"):
        assert latex in formulas
    assert sum(m["display"] == "block" for m in tree.find_all("math")) == 3
    assert "$not a formula$" in tree.get_text() and "costs $5 or $6" in tree.get_text()


def test_remote_pictures_become_their_text_and_frames_stay(made):
    tree = soup(made, "notebooks/01_good.html")
    badge = tree.find("a", href="https://colab.research.google.com/x")
    assert badge.get_text() == "Open in Colab" and not badge.find("img")
    assert "a remote picture" in tree.get_text()
    assert "kept" in tree.find("iframe")["srcdoc"]


def test_links_to_notebooks_lead_to_their_pages(made):
    links = {
        a.get_text(): a.get("href") for a in soup(made, "notebooks/01_good.html").find_all("a")
    }
    assert links["last"] == "03_last.html#part"
    assert links["solution"] is None  # not in the report: text


def test_a_widget_is_drawn_as_it_stood(made):
    widget = soup(made, "notebooks/01_good.html").find(class_="widget")
    assert widget.img["src"].startswith("data:image/png;base64,")
    text = widget.get_text(" ")
    assert "z3" in text and "0.25" in text and "heart" in text and "square" not in text


def test_parameters_reach_the_notebook_with_their_types(made):
    text = soup(made, "notebooks/01_good.html").get_text()
    assert "inf False reports/made/runs" in text  # `false` is not the word, and the path is short


def test_a_failing_notebook_costs_nothing_else(made):
    assert made.failed == ["02_bad"]
    bad, last = soup(made, "notebooks/02_bad.html"), soup(made, "notebooks/03_last.html")
    banner = bad.find(class_="banner")
    assert "RuntimeError: no luck with inf" in banner.get_text()
    assert bad.find(id=banner.a["href"][1:]), "the banner leads to the cell"
    assert "Traceback" in bad.get_text()
    assert "ran all the same" in last.get_text() and last.find(class_="banner") is None


def test_the_index_shows_all(made):
    tree = soup(made, "index.html")
    text = tree.get_text()
    for part in ("1 failed", "no luck with inf", "weight of the KL", "torch", "numpy", "cpu"):
        assert part in text
    links = [a["href"] for a in tree.find_all("a")]
    assert {f"notebooks/{n}.html" for n in ("01_good", "02_bad", "03_last")} <= set(links)
    for link in links:
        file, _, anchor = link.partition("#")
        assert (made.folder / file).exists()
        assert not anchor or soup(made, file).find(id=anchor)


def test_pictures_of_tagged_cells_have_their_heading(made):
    figures = soup(made, "index.html").find_all("figure")
    captions = [f.figcaption.get_text() for f in figures]
    assert captions == ["A figure of β", "A slider"]
    for figure in figures:
        png = (made.folder / figure.img["src"]).read_bytes()
        assert png.startswith(b"\x89PNG")


def test_files_for_machines(made):
    params = json.loads(page(made, "params.json"))
    assert params["preset"] == "quick" and params["given"] == {"beta": "inf", "flag": "false"}
    assert params["values"]["01_good"] == {"beta": "inf", "flag": False}
    metrics = json.loads(page(made, "metrics.json"), parse_constant=pytest.fail)
    assert metrics["notebooks"]["01_good"]["seconds"] > 0
    assert "no luck" in metrics["notebooks"]["02_bad"]["error"]


def test_executed_notebooks_are_valid_and_name_no_home(made):
    for path in made.folder.glob("notebooks/*.ipynb"):
        text = path.read_text("utf-8")
        nbformat.validate(nbformat.reads(text, as_version=4))
        assert str(made.folder) not in text and str(Path.home()) + os.sep not in text


def test_a_cell_and_a_notebook_have_their_limit(tmp_path):
    slow = write(tmp_path / "slow.ipynb", "print('first')", "import time; time.sleep(600)", "1")
    start = time.monotonic()
    one = build(Settings((slow,), folder=tmp_path, name="cell", cell_timeout=1), progress=False)
    assert "timed out" in one.records["slow"]["error"]
    assert "first" in (one.folder / "notebooks/slow.html").read_text()
    all_ = build(Settings((slow,), folder=tmp_path, name="all", timeout=4), progress=False)
    assert "longer than 4 s" in all_.records["slow"]["error"]
    assert time.monotonic() - start < 120


@pytest.mark.parametrize("given, seen", [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_wait_briefly_unless_the_environment_says_how(tmp_path, monkeypatch, given, seen):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)  # make sets it for the tests too
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    cell = "import os; print('spins', os.environ['GOMP_SPINCOUNT'])"
    spins = write(tmp_path / "spins.ipynb", cell)
    report = build(Settings((spins,), folder=tmp_path, name="made"), progress=False)
    assert f"spins {seen}\n" in page(report, "notebooks/spins.html")


def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path):
    ran = tmp_path / "ran"
    one = write(
        tmp_path / "one.ipynb",
        ("n: int = 1  # a number [0, 9]", "parameters"),
        f"open({str(ran)!r}, 'w')",
    )
    for given in ({"m": 1}, {"n": "x"}, {"n": 10}):
        with pytest.raises(ValueError, match=r"n +int +default 1 +\[0, 9\] +a number"):
            build(Settings((one,), given=given, folder=tmp_path, name="no"), progress=False)
    with pytest.raises(ValueError, match="metrics must be among"):
        build(Settings((one,), metrics=("migg",), folder=tmp_path, name="no"), progress=False)
    assert not ran.exists() and not (tmp_path / "no").exists()


COUNTING = """
from pathlib import Path
with open(Path({folder!r}) / {name!r}, "a") as file:
    file.write("run ")
"""
TRAINING = """
import os, time
from pathlib import Path
import vaelib.checkpoint
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE
from vaelib.train import TrainConfig, train
def run(beta, steps):
    config = TrainConfig(objective=BetaVAE(beta), network=MLP(8), latent_dim=2, batch_size=4,
                         steps=steps, log_every=10, checkpoint_every=10)
    return train(config, progress=False)
run(1.0, 20)
Path({folder!r}, "kernel").write_text(str(os.getpid()))
save = vaelib.checkpoint.Checkpoints.save
def slow(self, step, state):
    save(self, step, state)
    if not Path({folder!r}, "go").exists():
        time.sleep(1)
vaelib.checkpoint.Checkpoints.save = slow
run(2.0, 100)
"""


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def start(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "vaelib", "report", "--quiet", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for(condition, process, seconds=240.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")  # a zombie that its new parent has not yet buried is gone too
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def kill(report, kernel):
    """kill -9 the report, and see that nothing goes on writing behind it."""
    report.send_signal(signal.SIGKILL)
    report.communicate()
    end = time.monotonic() + 15
    while not gone(kernel):
        assert time.monotonic() < end, "the kernel went on without its report"
        time.sleep(0.05)


def finish(report):
    output, _ = report.communicate(timeout=240)
    assert report.returncode == 0, output


def test_a_killed_report_goes_on_where_it_was(tmp_path):
    """Notebooks that ended are not run again, finished runs are kept, a half-done one resumes."""
    names = {"folder": str(tmp_path), "name": "first"}
    first = write(tmp_path / "a.ipynb", COUNTING.format(**names))
    names["name"] = "second"
    second = write(tmp_path / "b.ipynb", COUNTING.format(**names), TRAINING.format(**names))
    arguments = (first, second, "--folder", str(tmp_path), "--name", "killed", "--metrics", "mig")
    folder = tmp_path / "killed" / "runs"
    report = start(*arguments)
    wait_for(lambda: len(list(folder.glob("*/state/step-*"))) > 1, report)
    kill(report, int((tmp_path / "kernel").read_text()))
    (finished,) = folder.glob("*/model.safetensors")
    written = finished.stat().st_mtime_ns
    (log,) = (p for p in folder.glob("*/log.csv") if p.parent != finished.parent)
    saved = max(int(p.stem.removeprefix("step-")) for p in folder.glob("*/state/step-*"))
    kept = [row["seconds"] for row in read_csv(log) if int(row["step"]) <= saved]

    (tmp_path / "go").touch()
    finish(start(*arguments))
    assert (tmp_path / "first").read_text() == "run "
    assert (tmp_path / "second").read_text() == "run run "
    assert finished.stat().st_mtime_ns == written
    rows = read_csv(log)
    assert [int(row["step"]) for row in rows] == [1, *range(10, 101, 10)]
    assert [row["seconds"] for row in rows][: len(kept)] == kept  # gone on with, not begun anew
    records = State(tmp_path / "killed/state.json").notebooks
    assert [record["error"] for record in records.values()] == ["", ""]

    scores = read_csv(tmp_path / "killed/scores.csv")  # and what the report says of the runs
    assert sorted(float(row["beta"]) for row in scores) == [1.0, 2.0]
    for row in scores:
        assert row["distribution"] == "uncorrelated" and 0 <= float(row["mig"]) <= 1
    index = (tmp_path / "killed/index.html").read_text()
    assert "shipped" not in index  # no notebook asked for one
    assert "Scored on uncorrelated factors" in index and "mig" in index


def test_a_key_is_of_sources_and_values_not_of_outputs(tmp_path):
    path = Path(write(tmp_path / "a.ipynb", "# Title", "1 + 1"))
    key = notebook_key(path, {"beta": 1.0}, {})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]
    notebook.cells[1].execution_count = 7
    nbformat.write(notebook, path)
    assert notebook_key(path, {"beta": 1.0}, {}) == key
    assert notebook_key(path, {"beta": 2.0}, {}) != key
    assert notebook_key(path, {"beta": 1.0}, {"fast": True}) != key
    notebook.cells[1].source = "1 + 2"
    nbformat.write(notebook, path)
    assert notebook_key(path, {"beta": 1.0}, {}) != key


@pytest.mark.parametrize("name", ["vae.py", "page/app.js", "pages/index.html.jinja"])
def test_a_report_by_other_code_is_made_again(tmp_path, monkeypatch, name):
    monkeypatch.setattr("vaelib.report.state.PACKAGE", tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("one")
    before = package_key()
    path.write_text("another")
    assert package_key() != before


def test_a_damaged_state_means_start_anew(tmp_path):
    (tmp_path / "state.json").write_text('{"a": {"key"')
    state = State(tmp_path / "state.json")
    assert not state.finished("a", "k")
    state.record("a", {"key": "k", "error": ""})
    assert State(tmp_path / "state.json").finished("a", "k")
    state.record("a", {"key": "k", "error": "ValueError"})
    assert not State(tmp_path / "state.json").finished("a", "k")


def test_two_reports_do_not_write_to_one_folder(tmp_path):
    with hold(tmp_path):
        with pytest.raises(ValueError, match="another report is being written"):
            with hold(tmp_path, patience=0.1):
                pass
    with hold(tmp_path, patience=0.1):
        pass  # free again


def test_names_of_reports():
    assert default_name(Settings()) == "quick"
    assert (
        default_name(Settings(preset="full", given={"beta": 8, "x": "a/b"})) == "full-beta_8-x_a-b"
    )
    for name in ("..", ".", "a/b", "-p"):
        with pytest.raises(ValueError, match="name of a folder"):
            report_folder(Settings(name=name))


def test_notebooks_are_chosen_by_unique_beginnings(tmp_path, monkeypatch):
    for name in ("01_a", "02_b", "02_c"):
        write(tmp_path / f"{name}.ipynb", "1")
    monkeypatch.setattr("vaelib.report.build.notebooks_dir", lambda: tmp_path)
    assert list(choose()) == ["01_a", "02_b", "02_c"]
    assert list(choose(("02_c", "01"))) == ["02_c", "01_a"]
    assert list(choose((str(tmp_path / "01_a.ipynb"),))) == ["01_a"]
    for wrong in ("02", "03", "nowhere/04.ipynb"):
        with pytest.raises(ValueError, match="01_a, 02_b, 02_c"):
            choose((wrong,))


def test_paths_of_the_machine_are_shortened():
    report = Path("/somewhere/reports/x")
    home = Path.home()
    assert (
        scrub(f"{report}/runs and {home}/a and {home}2", report)
        == f"reports/x/runs and ~/a and {home}2"
    )
    assert scrub(f'"{ROOT}/vaelib/vae.py"', report) == '"./vaelib/vae.py"'


def test_given_paths_are_shortened_too(tmp_path, monkeypatch):
    """Of one's own images, say: in pages and in files for machines."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    cell = ("images: str = ''  # your own", "parameters")
    one = write(tmp_path / "one.ipynb", cell, "print(images)")
    settings = Settings((one,), given={"images": str(tmp_path / "my.npz")}, folder=tmp_path / "r")
    made = build(settings, progress=False)
    for name in ("index.html", "params.json", "metrics.json", "state.json"):
        assert "~/my.npz" in page(made, name) and str(tmp_path) not in page(made, name)


def test_the_command_makes_the_same_report_again(tmp_path):
    settings = Settings(("02",), name="x", folder=tmp_path, cell_timeout=20, timeout=99)
    words = command(settings, Report(tmp_path / "x", {}))
    again = settings_from(parser().parse_args(words.split()[1:]))
    assert again == settings


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.21, "3.2 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3700, "1 h 1 min")],
)
def test_a_duration_in_words(seconds, text):
    assert duration(seconds) == text


def test_a_flipbook_gives_the_picture_that_it_shows_first():
    from matplotlib import pyplot as plt

    from vaelib.flipbook import flipbook

    book = flipbook(lambda x: plt.plot([0, x])[0].axes, (1, 2, 3), name="x", start=1)
    cell = new_code_cell("x", metadata={"tags": ["report"]})
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": book._repr_html_(), "text/plain": ""})
    ]
    (picture,) = pictures(new_notebook(cells=[new_markdown_cell("# A\n## B"), cell]))
    assert picture.png == book.pages[1] and picture.caption == "B"
    plt.close("all")


def test_headings_are_not_taken_from_code():
    assert last_heading("# One\ntext\n\n## Two ##\n\n```\n# not this\n```") == "Two"
    assert last_heading("no heading, #hash") == ""


@pytest.mark.parametrize(
    "latex",
    [
        r"\beta", r"\mathbb{E}_{q_\phi(z|x)}", r"\tfrac12\sum_j(\mu_j^2+\sigma_j^2-\log\sigma_j^2)",
        r"\operatorname*{arg\,max}_j I(z_j; v_k)", r"q\Big\|p",
        r"\begin{cases}1&x>0\\0&\text{else}\end{cases}",
        r"\begin{aligned}a&=b\\c&=d\end{aligned}", r"x\sim\mathcal{N}(0,I)", r"\left\|x\right\|^2",
        r"\underbrace{a}_{\text{rate}}", r"\hat{x},\bar z,\tilde y", r"\boldsymbol{\mu}", r"a<b",
    ],
)  # fmt: skip
def test_the_formulas_of_this_subject_are_understood(latex):
    mathml = to_mathml(latex)
    assert mathml.startswith("<math ")
    assert not re.search(r"\\[A-Za-z|]", re.sub(r'alttext="[^"]*"', "", mathml))
    assert "<mi>&</mi>" not in mathml  # an alignment mark that was taken for a letter


def test_sim_is_a_relation_and_log_keeps_its_distance():
    assert "<mo>&#x0223C;</mo>" in to_mathml(r"x \sim p")
    assert '<mi>log</mi><mspace width="0.17em"/>' in to_mathml(r"\log p")
    assert "mspace" not in to_mathml(r"\log(p)")


@pytest.mark.parametrize("latex", [r"\unknowncommand{x}", r"\frac{1}", "{", "", r"a_b_c"])
def test_a_formula_that_cannot_be_read_is_shown_as_code(latex):
    html = to_mathml(latex)
    assert html.startswith(("<code", "<math"))
    assert "unknowncommand" not in html or html.startswith("<code")


def test_money_is_no_formula():
    assert replace_in_text("from $5 to $10") is None
    assert "$" not in replace_in_text("the weight $\\beta$ of $z$")
    assert "<math" not in to_html("`$x$` and \\$5")


def test_tables_say_what_varies_and_put_the_common_scores_first():
    import pandas as pd

    table = pd.DataFrame(
        {
            "run": ["a", "b"], "objective": ["BetaVAE"] * 2, "beta": [1.0, 4.0], "seed": [0, 0],
            "seconds": [3.0, 4.0], "reconstruction": [9.0, 9.5], "kl": [20.0, 10.0],
            "distribution": ["uncorrelated"] * 2, "dci.completeness": [0.1, 0.2],
            "factor_vae_score": [0.5, 0.6], "pairwise_mig.a+b": [0.1, 0.1], "mig": [0.1, 0.2],
            "gamma": [float("nan"), 3.0],
        }
    )  # fmt: skip
    shown, same = arranged(table)
    assert list(shown) == [
        "beta", "gamma", "mig", "factor_vae_score", "dci.completeness",
        "reconstruction", "kl", "seconds", "run",
    ]  # fmt: skip
    assert same == {"objective": "BetaVAE", "seed": "0"}
    one, same = arranged(table[:1])
    assert "beta" in one and "objective" in one  # a single row still says what it is


def test_a_damaged_run_does_not_cost_the_report(tmp_path):
    from vaelib.networks import MLP
    from vaelib.train import TrainConfig, train

    config = TrainConfig(network=MLP(4), latent_dim=2, steps=2, batch_size=4)
    for name in ("cut", "good", "strange"):
        train(config, tmp_path / name, progress=False)
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    (tmp_path / "strange" / "config.json").write_text('{"type": "os:system", "command": "false"}')
    with pytest.warns(UserWarning, match="strange|cut"):
        evaluate_new(tmp_path, ["mig"], progress=False)
    with pytest.warns(UserWarning, match="left out of the report, strange"):
        table = score_tables(tmp_path)["uncorrelated"].set_index("run")
    assert list(table.index) == ["cut", "good"]
    assert table["mig"].notna().to_dict() == {"cut": False, "good": True}


def test_scores_on_other_images_are_told_too(tmp_path):
    from vaelib.datasets import Blobs, DSprites, Pooled
    from vaelib.evaluate import evaluate
    from vaelib.networks import MLP
    from vaelib.train import TrainConfig, train

    config = TrainConfig(Blobs(32), network=MLP(4), latent_dim=2, steps=2, batch_size=4)
    run = train(config, tmp_path / "run", progress=False)
    evaluate(run, Pooled(DSprites()), ["mig"], n=200)
    evaluate_new(tmp_path, ["mig"], progress=False)
    tables = score_tables(tmp_path)
    assert list(tables) == ["uncorrelated", "uncorrelated: Pooled(data=DSprites(), k=2)"]
    assert all(table["mig"].notna().all() for table in tables.values())
    files = write_csv(tmp_path, tables)
    assert files[0] == "scores.csv" and re.fullmatch(r"scores_uncorrelated_\w{8}\.csv", files[1])
