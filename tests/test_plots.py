"""What the pictures show: the artists' data, labels and order; that text does not overlap."""

import itertools

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from vaelib import plots
from vaelib.pixels import mosaic
from vaelib.plots.palette import COLOURS, DASHES, MAP, MARKERS, look, spread
from vaelib.traversal import Traversal

KL = [0.01, 3.0, 0.5, 2.97, 0.0]  # of latents 0 … 4; by falling KL: 1, 3, 2, 0, 4


@pytest.fixture(autouse=True)
def no_window_and_no_leftover(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("a plot called plt.show"))
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before, "a plot changed the caller's settings"
    plt.close("all")


@pytest.fixture
def images():
    return np.random.default_rng(0).random((12, 1, 16, 16)).astype(np.float32)


@pytest.fixture
def log():
    step = np.arange(0, 3001, 100)
    fall = np.exp(-step / 600)
    frame = pd.DataFrame({"step": step, "seconds": step / 50})
    frame["reconstruction"] = 30 + 500 * fall
    for j, kl in enumerate(KL):
        frame[f"kl_{j}"] = kl * (1 - fall)
    frame["kl"] = frame[[f"kl_{j}" for j in range(5)]].sum(axis=1) + 1e-3
    frame["weighted_kl"] = 4 * frame["kl"]
    frame["loss"] = frame["reconstruction"] + frame["weighted_kl"]
    return frame


@pytest.fixture
def traversal():
    rng = np.random.default_rng(0)
    values = np.tile(np.linspace(-2, 2, 7), (3, 1))
    return Traversal(
        images=rng.random((3, 7, 1, 16, 16)).astype(np.float32),
        values=values,
        levels=np.linspace(0.02, 0.98, 7),
        latents=np.array([4, 0, 2]),
        kl=np.array([2.5, 1.0, 0.02]),
        active=np.array([True, True, False]),
        anchor=np.array([2.0, 9.0, -0.1, 9.0, -1.9]),  # nearest: columns 0, 6 and 3 of the rows
        original=np.zeros((1, 16, 16), np.float32),
    )


@pytest.fixture
def runs():
    rng = np.random.default_rng(0)
    rows = [
        {"objective": name, "beta": beta, "seed": seed, "kl": 20 / beta**0.5 + rng.normal(),
         "reconstruction": 20 + 9 * beta**0.6 + rng.normal(), "mig": 0.1 + rng.random() / 2}
        for name in ("BetaVAE", "FactorVAE") for beta in (1.0, 4.0, 16.0) for seed in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def notes(ax):
    return [text.get_text() for text in ax.texts]


def picture(ax):
    return np.asarray(ax.get_images()[0].get_array())


# Images


def test_image_grid_fills_row_by_row(images):
    ax = plots.image_grid(images, columns=5)
    blank = np.ones((3, 1, 16, 16), np.float32)
    expected = mosaic(np.concatenate([images, blank]).reshape(3, 5, 1, 16, 16))
    np.testing.assert_array_equal(picture(ax), expected)


def test_image_grid_labels_stand_below_their_images(images):
    ax = plots.image_grid(images, columns=5, labels=[f"n{i}" for i in range(12)])
    below = (len(picture(ax)) + 2) // 3 - 18  # pixels of room below each image
    assert below >= 1
    for i, text in enumerate(ax.texts):
        row, column = divmod(i, 5)
        assert text.get_text() == f"n{i}"
        assert text.get_position()[0] == column * 18 + 7.5
        assert text.get_position()[1] == pytest.approx(row * (18 + below) + 15.5, abs=0.6)
        assert text.get_va() == "top"


def test_image_grid_refuses_a_wrong_number_of_labels(images):
    with pytest.raises(ValueError, match="12 images need as many labels, got 2"):
        plots.image_grid(images, labels=["a", "b"])


def test_originals_stand_above_reconstructions(images):
    ax = plots.reconstructions(images, 1 - images, nats=np.arange(12.0))
    np.testing.assert_array_equal(picture(ax)[:16, :16, 0], images[0, 0])
    np.testing.assert_array_equal(picture(ax)[18:, :16, 0], 1 - images[0, 0])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["image", "reconstruction"]
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(i) for i in range(12)]
    assert "nats" in ax.get_xlabel()
    with pytest.raises(ValueError, match="must match"):
        plots.reconstructions(images, images[:3])


def test_traversal_rows_are_latents_by_kl(traversal):
    ax = plots.traversal(traversal)
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names == ["z4 2.50 nats", "z0 1.00 nats", "z2 0.02 nats"]
    assert ax.get_yticks().tolist() == [7.5, 25.5, 43.5]  # the middle of each row: top is first
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2 %", "50 %", "98 %"]


def test_traversal_pales_inactive_rows_only(traversal):
    ax = plots.traversal(traversal)
    expected = mosaic(traversal.images)
    np.testing.assert_allclose(picture(ax)[:34], expected[:34], atol=1e-6)
    np.testing.assert_allclose(picture(ax)[36:], 1 - 0.3 * (1 - expected[36:]), atol=1e-6)
    colours = [t.get_color() for t in ax.get_yticklabels()]
    assert colours[0] == colours[1] != colours[2]


def test_traversal_frames_the_anchor(traversal):
    ax = plots.traversal(traversal)
    frames = [p for p in ax.patches if isinstance(p, Rectangle)]
    middles = [(p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in frames]
    assert middles == [(7.5, 7.5), (6 * 18 + 7.5, 25.5)]  # the third latent is inactive


# Training


def test_losses_draws_the_columns_of_the_log(log):
    left, right = plots.losses(log)
    for name in ("loss", "reconstruction", "kl"):
        np.testing.assert_array_equal(lines(left)[name].get_xdata(), log["step"])
        np.testing.assert_array_equal(lines(left)[name].get_ydata(), log[name])
    for j in range(5):
        np.testing.assert_array_equal(lines(right)[f"kl_{j}"].get_ydata(), log[f"kl_{j}"])
    assert left.get_yscale() == "log"
    assert "nats" in left.get_ylabel() and "nats" in right.get_ylabel()


def test_latents_are_labelled_at_their_ends_by_falling_kl(log):
    ax = plots.latent_kl(log)
    assert notes(ax) == ["z1", "z3", "z2", "2 inactive"]
    for text, column in zip(ax.texts[:3], ["kl_1", "kl_3", "kl_2"], strict=True):
        assert text.xy[1] == log[column].iloc[-1]
        assert text.get_color() == lines(ax)[column].get_color()


def test_all_latents_may_be_active_or_none(log):
    all_active = log.drop(columns=["kl_0", "kl_4"])
    assert notes(plots.latent_kl(all_active)) == ["z1", "z3", "z2"]
    assert notes(plots.latent_kl(log[["step", "kl_0", "kl_4"]])) == ["2 inactive"]


def test_a_negative_loss_gets_a_linear_scale(log):
    assert plots.loss_curves(log.assign(loss=log["loss"] - 100)).get_yscale() == "linear"


def test_the_log_must_have_its_columns(log):
    with pytest.raises(ValueError, match=r"the columns \['reconstruction'\]"):
        plots.loss_curves(log.drop(columns="reconstruction"))
    with pytest.raises(ValueError, match="kl_0"):
        plots.latent_kl(log[["step", "loss"]])


def test_kl_bars_fall_from_the_top():
    ax = plots.kl_bars(KL)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == sorted(KL, reverse=True)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["z1", "z3", "z2", "z0", "z4"]
    assert ax.yaxis_inverted()
    assert notes(ax) == ["3.00", "2.97", "0.50", "0.01", "0.00"]
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert len(set(colours[:3])) == 1 and colours[0] != colours[3] == colours[4]
    assert ax.get_title().startswith("3 of 5 latents are active: 6.5 nats")


# Factors


def test_mutual_information_rows_follow_kl_and_cells_say_their_value():
    matrix = np.array([[0.0, 0.1], [1.2, 0.2], [0.3, 0.9]])
    ax = plots.mutual_information(matrix, ["shape", "scale"], kl=[0.0, 1.0, 2.0])
    np.testing.assert_array_equal(picture(ax), matrix[[2, 1, 0]])
    assert notes(ax) == ["0.30", "0.90", "1.20", "0.20", "0.00", "0.10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["z2", "z1", "z0"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["shape", "scale"]
    framed = [(round(p.get_x() + 0.48), round(p.get_y() + 0.45)) for p in ax.patches]
    assert framed == [(0, 1), (1, 0)]  # shape is told best by z1, scale by z2
    assert ax.get_images()[0].colorbar.ax.get_ylabel() == "nats"


def test_mutual_information_refuses_names_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(D, 2\).*got \(3, 4\)"):
        plots.mutual_information(np.zeros((3, 4)), ["a", "b"])


def test_joint_histogram_counts_pairs():
    first, second = np.array([0, 0, 2, 1]), np.array([1, 1, 0, 1])
    ax = plots.joint_histogram(first, second, (3, 2), ("a", "b"))
    shown = picture(ax)  # rows are values of the second factor, from the bottom up
    expected = np.zeros((2, 3))
    for a, b in zip(first, second, strict=True):
        expected[b, a] += 0.25
    np.testing.assert_array_equal(shown, expected)
    assert ax.get_images()[0].origin == "lower"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


def test_joint_histograms_share_their_shades():
    rng = np.random.default_rng(0)
    flat = (rng.integers(0, 4, 999), rng.integers(0, 4, 999))
    axes = plots.joint_histograms({"flat": flat, "same": (flat[0], flat[0])}, (4, 4), ("a", "b"))
    assert [ax.get_title() for ax in axes] == ["flat", "same"]
    tops = [ax.get_images()[0].norm.vmax for ax in axes]
    assert tops[0] == tops[1] == max(picture(axes[1]).max(), picture(axes[0]).max())


@pytest.mark.parametrize("second", [np.array([0, 1, 2]), np.array([0, -1]), np.array([[0, 1]])])
def test_joint_histogram_refuses_what_is_not_a_pair_of_factors(second):
    with pytest.raises(ValueError, match="values"):
        plots.joint_histogram(np.array([0, 1]), second, (2, 2), ("a", "b"))


# Sweeps


def test_sweep_draws_means_ranges_and_runs(runs):
    part = runs[runs["objective"] == "BetaVAE"]
    ax = plots.sweep(part, "beta", "mig")
    by_beta = part.groupby("beta")["mig"]
    bars = ax.containers[0]
    np.testing.assert_allclose(bars[0].get_xdata(), [1, 4, 16])
    np.testing.assert_allclose(bars[0].get_ydata().astype(float), by_beta.mean())
    segments = np.array(bars[2][0].get_segments())  # (3 settings, 2 ends, x and y)
    np.testing.assert_allclose(segments[:, 0, 1], by_beta.min())
    np.testing.assert_allclose(segments[:, 1, 1], by_beta.max())
    np.testing.assert_allclose(ax.get_lines()[-1].get_ydata(), part["mig"])
    assert "3 seeds" in ax.get_title() and ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "4", "16"]


def test_sweep_names_its_groups_and_tells_them_apart_without_colour(runs):
    ax = plots.sweep(runs, "beta", "mig", group="objective")
    assert notes(ax) == ["BetaVAE", "FactorVAE"]
    one, two = (bar[0] for bar in ax.containers)
    assert one.get_linestyle() != two.get_linestyle() and one.get_marker() != two.get_marker()
    assert (one.get_xdata() < two.get_xdata()).all()  # side by side, around the setting
    np.testing.assert_allclose(np.sqrt(one.get_xdata() * two.get_xdata()), [1, 4, 16])


def test_rate_distortion_draws_runs_and_means(runs):
    part = runs[runs["objective"] == "BetaVAE"]
    ax = plots.rate_distortion(part)
    means = part.groupby("beta")[["kl", "reconstruction"]].mean()
    curve, *marks = ax.get_lines()
    np.testing.assert_allclose(curve.get_xydata(), means.to_numpy())
    for beta, small, large in zip(means.index, marks[::2], marks[1::2], strict=True):
        wanted = part.loc[part["beta"] == beta, ["kl", "reconstruction"]]
        np.testing.assert_allclose(small.get_xydata(), wanted.to_numpy())
        np.testing.assert_allclose(large.get_xydata()[0], means.loc[beta])
        assert small.get_markersize() < large.get_markersize()
    assert sorted(notes(ax)) == ["β = 1", "β = 16", "β = 4"]
    for text in ax.texts:
        np.testing.assert_allclose(text.xy, means.loc[float(text.get_text()[4:])])
    assert "nats" in ax.get_xlabel() and "nats" in ax.get_ylabel()


def test_single_runs_are_not_called_a_mean(runs):
    part = runs[(runs["objective"] == "BetaVAE") & (runs["seed"] == 0)]
    assert "one run each" in plots.sweep(part, "beta", "mig").get_title()


def test_a_table_must_have_the_columns_asked_for(runs):
    with pytest.raises(ValueError, match=r"\['sap'\]"):
        plots.sweep(runs, "beta", "sap")
    with pytest.raises(ValueError, match="the table needs rows, it has none"):
        plots.rate_distortion(runs[:0])


# The look


def luminance(colour):
    return np.dot([0.299, 0.587, 0.114], to_rgb(colour))


def test_the_heat_map_is_ordered_in_grey():
    shades = [luminance(c) for c in matplotlib.colormaps[MAP](np.linspace(0, 1, 64))[:, :3]]
    assert (np.diff(shades) < 0).all() and shades[0] > 0.95 and shades[-1] < 0.3


def test_no_two_series_look_alike_without_colour():
    assert len(set(MARKERS)) == len(MARKERS) == len(COLOURS)
    dashes = [look(i)["linestyle"] for i in range(6)]
    assert len(set(dashes)) == 6
    assert len({str(look(i)) for i in range(20)}) == 20
    assert len(DASHES) == len(COLOURS)
    assert all(luminance(c) < 0.72 for c in COLOURS)  # seen on white


def test_labels_are_moved_apart_as_little_as_needed():
    new = spread([0.0, 1.0, 50.0, 0.5], gap=10)
    assert np.argsort(new).tolist() == [0, 3, 1, 2]
    assert np.diff(np.sort(new)).min() >= 10 - 1e-6
    assert new[2] == 50  # what is alone stays
    assert np.mean(new[[0, 1, 3]]) == pytest.approx(0.5)
    assert len(spread([], 10)) == 0


def test_labels_are_not_pushed_below_the_axes():
    np.testing.assert_allclose(spread([0.2, 0.0, 0.1, 90.0], gap=10, floor=0), [20, 0, 10, 90])


def test_a_given_axes_is_used_and_returned(images, log, traversal, runs):
    pair = (np.zeros(3, int), np.ones(3, int))
    draw = {
        "grid": lambda ax: plots.image_grid(images, ax=ax),
        "reconstructions": lambda ax: plots.reconstructions(images, images, ax=ax),
        "prior": lambda ax: plots.prior_samples(images, ax=ax),
        "traversal": lambda ax: plots.traversal(traversal, ax=ax),
        "loss": lambda ax: plots.loss_curves(log, ax=ax),
        "latents": lambda ax: plots.latent_kl(log, ax=ax),
        "bars": lambda ax: plots.kl_bars(KL, ax=ax),
        "mi": lambda ax: plots.mutual_information(np.eye(3), list("abc"), ax=ax),
        "joint": lambda ax: plots.joint_histogram(*pair, (2, 2), ("a", "b"), ax=ax),
        "sweep": lambda ax: plots.sweep(runs, "beta", "mig", ax=ax),
        "rate": lambda ax: plots.rate_distortion(runs, ax=ax),
    }  # fmt: skip
    for name, plot in draw.items():
        _, ax = plt.subplots()
        figures = plt.get_fignums()
        assert plot(ax) is ax, name
        assert plt.get_fignums() == figures, name
        assert name == "grid" or ax.get_title(), name  # a title says what is seen
        plt.close("all")


def test_text_stays_inside_and_apart(images, log, traversal, runs, monkeypatch):
    pair = (np.arange(32), np.arange(32)[::-1])
    names = ["shape", "scale", "orientation", "pos_x", "pos_y"]
    drawn = [
        plots.image_grid(images, labels=[f"{i} 5 39 31 3" for i in range(12)]),
        plots.reconstructions(images[:10], images[:10], nats=np.full(10, 123.0)),
        plots.prior_samples(images),
        plots.traversal(traversal),
        plots.losses(log)[0],
        plots.kl_bars(KL),
        plots.mutual_information(np.full((10, 5), 1.23), names, kl=range(10)),
        plots.joint_histogram(*pair, (32, 32), ("pos_x", "pos_y")),
        plots.joint_histograms({f"σ = 0.{i}": pair for i in range(4)}, (32, 32), ("a", "b"))[0],
        plots.sweep(runs, "beta", "mig", group="objective"),
        plots.rate_distortion(runs),
        plots.rate_distortion(runs.assign(kl=runs["kl"] / 1000)),  # three that nearly coincide
        plots.rate_distortion(runs.assign(kl=1.0, reconstruction=2.0)),
    ]
    written = []
    draw = Text.draw
    monkeypatch.setattr(Text, "draw", lambda self, r: (written.append(self), draw(self, r)))
    for ax in drawn:
        written.clear()
        ax.figure.canvas.draw()
        check_text([t for t in written if t.get_text().strip()], ax.figure.bbox.padded(1))


def check_text(texts, inside):
    assert texts
    boxes = [(t.get_text(), t.get_window_extent().padded(-0.5)) for t in texts if t.get_visible()]
    for text, box in boxes:
        assert inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1), text
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), (one, two)
