"""Chapter 6: what it writes by hand is what the library does, its checks advise, its lab moves."""

from __future__ import annotations

import base64
import io
import math
import time

import ipywidgets as ipw
import numpy as np
import pytest
from hand_made import noisy, turned, with_means, world
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from sklearn.ensemble import GradientBoostingClassifier
from test_exercises import advice
from test_lessons import LONGEST, cells_with, lesson, lines_of

from vaelib import information, metric_lab, metrics
from vaelib.evaluate import standard_errors
from vaelib.exercises import metrics as exercises
from vaelib.metric_lab import Knobs, hand_made, scores
from vaelib.types import Codes

SIX = "06_metrics"


def doubled(codes: Codes) -> Codes:
    return with_means(codes, np.hstack([codes.means, codes.means]))


CODES = {
    "perfect": noisy(idle=0, noise=0.05),
    "idle": noisy(),
    "turned": turned(noisy(), 30),
    "doubled": doubled(noisy()),
    "random": with_means(noisy(), np.random.default_rng(3).standard_normal((1200, 4))),
    "float32": with_means(noisy(), noisy().means.astype(np.float32)),
    "constant": with_means(noisy(), np.ones((1200, 3))),
}
all_codes = pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
moving_codes = pytest.mark.parametrize(
    "codes", [code for name, code in CODES.items() if name != "constant"]
)


# By hand


@all_codes
def test_mig_by_hand_is_that_of_the_library(codes):
    by_hand = lesson(SIX, "def known", "def mig", np=np)
    library = metrics.mig(codes)["mig"]
    assert by_hand["mig"](codes.means, codes.factors) == pytest.approx(library, abs=1e-9)
    gap = lesson(SIX, "def known", "def gap", np=np)["gap"]
    assert gap(codes.means, codes.factors) == pytest.approx(library, abs=1e-9)


@all_codes
def test_what_is_known_by_hand_is_the_information_per_entropy(codes):
    known = lesson(SIX, "def known", np=np)["known"]
    nats = information.mutual_information(information.bins(codes.means), codes.factors)
    parts = nats / information.entropy(codes.factors)
    by_hand = [[known(z, v) for v in codes.factors.T] for z in codes.means.T]
    np.testing.assert_allclose(by_hand, parts, atol=1e-9)


@pytest.mark.parametrize("name", ["perfect", "turned", "doubled", "random"])
def test_votes_by_hand_give_the_librarys_score_up_to_chance(name):
    codes = CODES[name]
    by_hand = lesson(SIX, "def vote", np=np)["factor_vae_score"]
    got = by_hand(codes.means, codes.factors, np.random.default_rng(0), votes=800)
    library = metrics.factor_vae_score(codes)["factor_vae_score"]
    assert got == pytest.approx(library, abs=0.06)  # three standard errors of 800 votes


@pytest.mark.parametrize("name", ["perfect", "turned"])
def test_dci_by_hand_is_that_of_the_library(name):
    codes = CODES[name][:450]
    by_hand = lesson(
        SIX, "def importances", np=np, GradientBoostingClassifier=GradientBoostingClassifier
    )
    train, _ = codes.split()
    table = by_hand["importances"](train.means, train.factors)
    library = metrics.dci(codes, trees="gradient_boosting")
    assert by_hand["concentration"](table) == pytest.approx(library["disentanglement"], abs=1e-3)
    assert by_hand["concentration"](table.T) == pytest.approx(library["completeness"], abs=1e-3)


@moving_codes
def test_sap_by_hand_is_that_of_the_library(codes):
    sap = lesson(SIX, "def sap", np=np)["sap"]
    library = metrics.sap(codes)["sap_continuous"]
    assert sap(codes.means, codes.factors) == pytest.approx(library, abs=1e-9)


def test_error_bars_by_hand_are_those_of_the_library():
    error_bar = lesson(SIX, "def error_bar", np=np)["error_bar"]
    codes = CODES["turned"]
    library = standard_errors(codes, 4, ["mig"], seed=3)["mig"]["mig"]
    by_hand = error_bar(lambda c: metrics.mig(c)["mig"], codes, 4, np.random.default_rng(3))
    assert by_hand == pytest.approx(library)


def test_the_methods_by_hand_are_short():
    words = ("def known", "def mig", "def vote", "def importances", "def sap", "def error_bar")
    for cell in cells_with(SIX, *words):
        assert lines_of(cell) <= LONGEST


# What the chapter claims


def correlated_pair(rho: float, n: int = 200_000) -> np.ndarray:
    return np.random.default_rng(0).multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_sap_of_a_pair_has_the_closed_forms_of_the_chapter(rho):
    sap, v = lesson(SIX, "def sap", np=np)["sap"], correlated_pair(rho)
    sums = v @ np.array([[1, 1], [-1, 1]])
    assert sap(v, v) == pytest.approx(1 - rho**2, abs=0.01)
    assert sap(sums, v) == pytest.approx(rho, abs=0.01)


@pytest.mark.parametrize(("tie", "better"), [(0.0, 0.0), (0.9, 45.0)])
def test_mig_ranks_the_turned_code_first_on_correlated_images_and_the_angle_never(tie, better):
    knobs = [Knobs(angle=angle, noise=0.05, tie=tie) for angle in (0.0, 45.0)]
    codes = {k.angle: hand_made(k).select("x", "y") for k in knobs}
    gaps = {angle: metrics.mig(code)["mig"] for angle, code in codes.items()}
    turns = {angle: metrics.plane_angle(code)["x+y"] for angle, code in codes.items()}
    assert max(gaps, key=gaps.get) == better
    assert turns == pytest.approx({0.0: 0.0, 45.0: 45.0}, abs=2)


def test_two_scores_rank_doubled_and_packed_in_opposite_orders():
    factors = world(3000, sizes=(3, 4, 6))
    scaled = factors / factors.max(axis=0)
    packed = np.column_stack([4 * factors[:, 0] + factors[:, 1], factors[:, 2]])
    packed, twice = Codes(packed, factors), Codes(np.hstack([scaled, scaled]), factors)
    assert metrics.mig(packed)["mig"] > 0.95 > 0.05 > metrics.mig(twice)["mig"]
    for name in ("modularity", "factor_vae_score"):
        metric = getattr(metrics, name)
        assert metric(twice)[name] > 0.95 > metric(packed)[name]


# The laboratory


@pytest.fixture(scope="module")
def lab():
    return metric_lab.metric_lab()


def shown(lab) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(lab.image.value)).convert("RGB"))


@pytest.fixture(autouse=True)
def reset(request):
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").reset()


def test_the_laboratory_is_a_picture_where_no_widget_is_shown(lab):
    bundle, _ = DisplayFormatter().format(lab)
    bundle = bundle or lab._repr_mimebundle_()  # ipywidgets 7 displays by itself
    assert base64.b64decode(bundle["image/png"]) == lab.image.value


@pytest.mark.parametrize(
    ("name", "value", "falls", "stays"),
    [
        ("angle", 45.0, ("upright x, y", "MIG of x, y", "D (DCI)", "MIG"), ("I (DCI)",)),
        ("copy", 0.5, ("MIG", "InfoC"), ("upright x, y", "D (DCI)", "C (DCI)", "FactorVAE score")),
        ("noise", 0.7, ("MIG", "I (DCI)", "IRS"), ("FactorVAE score",)),
        ("tie", 0.9, ("MIG", "modularity", "InfoM"), ("upright x, y",)),
    ],
)
def test_a_slider_changes_the_picture_and_the_scores_as_it_should(lab, name, value, falls, stays):
    before, picture = lab.scores, shown(lab)
    lab.sliders[name].value = value
    after = lab.scores
    assert not np.array_equal(shown(lab), picture)
    assert getattr(lab.knobs, name) == value
    for score in falls:
        assert after[score] < before[score] - 0.1, score
    for score in stays:
        assert after[score] == pytest.approx(before[score], abs=0.06), score


def test_the_bars_are_as_long_as_the_scores(lab):
    lab.sliders["angle"].value = 30.0
    widths = [bar.get_width() for bar in lab._chart._bars]
    assert widths == pytest.approx(list(lab.scores.values()))


def test_the_scores_are_those_of_the_library(lab):
    lab.sliders["tie"].value = 0.5
    codes = hand_made(Knobs(tie=0.5))
    assert lab.scores["MIG"] == metrics.mig(codes)["mig"]
    assert lab.scores["upright x, y"] == 1 - metrics.plane_angle(codes)["x+y"] / 45
    trees = metrics.dci(codes)
    for name, value in (("D", "disentanglement"), ("C", "completeness"), ("I", "informativeness")):
        assert lab.scores[f"{name} (DCI)"] == pytest.approx(trees[value], abs=0.03)


def test_reset_puts_everything_back(lab):
    before = lab.image.value
    lab.sliders["noise"].value = 0.5
    lab.sliders["angle"].value = 20.0
    lab.reset_button.click()
    assert lab.knobs == Knobs() and lab.image.value == before


def test_a_place_seen_before_is_not_scored_again(lab):
    spent = []
    for angle in (65.0, 70.0, 75.0, 65.0, 70.0, 75.0):
        start = time.process_time()  # not the wall clock: other programs may be running
        lab.sliders["angle"].value = angle
        spent.append(time.process_time() - start)
    assert sum(spent[3:]) < sum(spent[:3])


def test_hand_made_codes_have_the_moments_that_the_sliders_say():
    codes = hand_made(Knobs(noise=0.3, copy=0.5, tie=0.6), n=100_000)
    assert codes.means.std(axis=0) == pytest.approx(
        [*[math.hypot(1, 0.3)] * 4, math.hypot(0.5, 0.3)], abs=0.01
    )
    assert np.corrcoef(codes.factors[:, 2:].T)[0, 1] == pytest.approx(0.6, abs=0.01)
    straight, turned = (hand_made(Knobs(noise=0.0, angle=a)).means for a in (0.0, 90.0))
    np.testing.assert_allclose(turned[:, 2], -straight[:, 3], atol=1e-12)
    np.testing.assert_allclose(turned[:, 3], straight[:, 2], atol=1e-12)


def test_the_turning_slider_needs_no_kernel():
    book = metric_lab.turning((0, 45))
    assert book.texts == ("0°", "45°") and book.pages[0] != book.pages[1]
    assert sum(map(len, book.pages)) < 2 * 20_000


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def test_only_what_works_in_colab_is_used(lab):
    parts = list(walk(lab))
    allowed = ("VBox", "HBox", "Image", "FloatSlider", "Button")
    assert {w._model_name for w in parts} <= {f"{name}Model" for name in allowed}
    assert sum(isinstance(w, ipw.Image) for w in parts) == 1
    assert len(repr(lab)) < 110 and "run this cell" in repr(lab)


def test_all_scores_of_the_clean_code_are_high():
    assert min(scores(Knobs()).values()) > 0.75


# Advice


@pytest.mark.parametrize(
    "check", [exercises.check_modularity, exercises.check_ceiling, exercises.check_fool]
)
def test_a_function_that_returns_the_dots_is_told_so(check):
    assert "Not answered yet" in advice(check, lambda *_: ...)


def modularity(table, power=2, keep_best=False, skip=False, axis=1):
    table = table if axis == 1 else table.T
    if skip:
        table = table[table.max(axis=1) > 0]
    best = table.max(axis=1) ** power
    leaks = (table**power).sum(axis=1) - (0 if keep_best else best)
    safe = np.where(best > 0, best, 1)
    return np.where(best > 0, 1 - leaks / safe / (table.shape[1] - 1), 0).mean()


def test_modularity_of_the_check_is_that_of_the_library():
    codes = CODES["turned"]
    nats = information.mutual_information(information.bins(codes.means), codes.factors)
    library = metrics.modularity(codes)["modularity"]
    assert modularity(nats) == pytest.approx(library)
    assert exercises.modularities(nats).mean() == pytest.approx(library)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda t: modularity(t, power=1), "Square the information"),
        (lambda t: modularity(t, keep_best=True), "no leak"),
        (lambda t: modularity(t, skip=True), "left out the latent"),
        (lambda t: modularity(t, axis=0), "go along the rows"),
        (lambda t: math.nan if t.shape == (4, 2) else modularity(t), "0/0"),
        (lambda t: t, "one number"),
        (lambda t: 0.7, "has modularity 1.000"),
    ],
)
def test_modularity_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_modularity, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda v, b: min(1.0, math.log(b) / math.log(v)), "share the bins evenly"),
        (lambda v, b: math.log(b) / math.log(v), "so all is kept"),
        (lambda v, b: exercises.kept(v, b) * (math.log(v) if v > b else 1), "in nats"),
        (lambda v, b: 1.0 if v <= b else b / v, "it is 0.8500"),
    ],
)
def test_ceiling_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_ceiling, wrong)


def test_ceiling_is_what_mig_gives_an_exact_code():
    factors = world(20_000, sizes=(2, 32))
    exact = metrics.mig(Codes(factors.astype(float), factors).select("factor_1"))["mig"]
    assert exact == pytest.approx(exercises.kept(32, 20), abs=0.005)


def outlier(factors, at=100.0):
    latent = 0.01 * np.random.default_rng(0).standard_normal((len(factors), 1))
    latent[0] = at
    return latent


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda f, rng: f.astype(float), "no fraud"),
        (lambda f, rng: rng.standard_normal((len(f), 2)), "99 % quantile"),
        (lambda f, rng: np.ones((len(f), 2)), "never moves"),
        (lambda f, rng: rng.standard_normal(len(f)), "(N, D)"),
        (lambda f, rng: np.full((len(f), 2), np.nan), "ValueError"),
    ],
)
def test_fool_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_fool, wrong)


def test_an_outlier_fools_irs():
    assert exercises.check_fool(lambda factors, rng: outlier(factors))


@pytest.mark.parametrize(
    ("rho", "words"),
    [(0.5, "the perfect code is still ahead"), (0.8, "the turned code is still ahead"),
     (math.sqrt(0.5), "lost half"), (1.5, "between 0 and 1"), ("x", "between 0 and 1")],
)  # fmt: skip
def test_crossing_says_what_is_wrong(rho, words):
    assert words in advice(exercises.check_crossing, rho)
