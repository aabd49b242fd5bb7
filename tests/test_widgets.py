"""Sliders without a browser: moving one changes the bytes of the picture, as the model says."""

import base64
import io
import time

import ipywidgets as ipw
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from torch import nn

from vaelib import widgets
from vaelib.datasets import Correlated, DSprites
from vaelib.networks import Burgess
from vaelib.traversal import aggregate_posterior
from vaelib.types import Posterior
from vaelib.vae import VAE

GAIN = torch.tensor([0.0, 4.0, 2.0, 8.0])


class Glass(nn.Module):
    """Latent j reads pixel j of a 2 × 2 image, and its logit is pixel j."""

    latent_dim = 4
    decoded = 0

    def encode(self, images):
        mean = GAIN * (images.flatten(1) - 0.5)
        return Posterior(mean, torch.zeros_like(mean))

    def decode(self, z):
        self.decoded += 1
        return z.reshape(-1, 1, 2, 2)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((40, 1, 2, 2)).astype(np.float32)


@pytest.fixture
def view(images):
    return widgets.traverse(Glass(), images, rng=np.random.default_rng(5))


def shown(view):
    """The decoded image as it stands in the PNG: a 2 × 2 image, from the middles of its pixels."""
    array = np.asarray(Image.open(io.BytesIO(view.image.value)))[..., 0] / 255
    right = array[-192:, -192:]
    return right[48::96, 48::96]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def own_code(images, index):
    return GAIN.numpy() * (images[index].ravel() - 0.5)


def check_shown(view, code):
    np.testing.assert_allclose(shown(view).ravel(), sigmoid(code), atol=1 / 255)
    np.testing.assert_allclose(view.code, code, atol=1e-6)


def test_there_is_one_slider_an_active_latent_by_falling_kl(view, images):
    kl = aggregate_posterior(Glass(), images).kl
    assert list(view.sliders) == [3, 1, 2]  # latent 0 tells nothing
    assert [s.description for s in view.sliders.values()] == [
        f"z{j}  {kl[j]:.2f} nats" for j in (3, 1, 2)
    ]


def test_it_starts_at_the_code_of_the_first_image(view, images):
    check_shown(view, own_code(images, 0))


def test_moving_a_slider_redraws_with_that_latent_moved(view, images):
    before = view.image.value
    view.sliders[1].value = 1.5
    assert view.image.value != before
    code = own_code(images, 0)
    code[1] = 1.5
    check_shown(view, code)


def test_another_anchor_moves_the_sliders_and_the_original(view, images):
    view.sliders[1].value = 1.5
    view.anchor.value = 7
    check_shown(view, own_code(images, 7))
    left = np.asarray(Image.open(io.BytesIO(view.image.value)))[-192:, :192, 0][48::96, 48::96]
    np.testing.assert_allclose(left, 255 * images[7, 0], atol=0.51)


def test_every_image_can_be_the_anchor_without_clipping(view, images):
    for index in range(len(images)):
        view.anchor.value = index
        np.testing.assert_allclose(view.code, own_code(images, index), atol=1e-6)


def test_reset_and_shuffle(view, images):
    view.sliders[3].value = 0.5
    view.reset_button.click()
    check_shown(view, own_code(images, 0))
    view.sliders[3].value = 0.5
    view.shuffle_button.click()
    expected = int(np.random.default_rng(5).integers(40))
    assert view.anchor.value == expected
    check_shown(view, own_code(images, expected))


def test_shuffle_puts_the_sliders_back_even_when_it_draws_the_same_image(images):
    view = widgets.traverse(Glass(), images[:1], rng=np.random.default_rng(0))
    view.sliders[3].value = view.sliders[3].min
    view.shuffle_button.click()
    check_shown(view, own_code(images, 0))


def test_a_reset_draws_once(view):
    model = view._vae
    before = model.decoded
    view.anchor.value = 3
    assert model.decoded == before + 1
    view.reset_button.click()
    assert model.decoded == before + 2


def test_a_move_takes_less_than_50_ms_of_computing():
    torch.manual_seed(0)
    images = np.random.default_rng(0).random((64, 1, 64, 64)).astype(np.float32)
    vae = VAE(Burgess(), (1, 64, 64), 10).eval()
    with torch.no_grad():  # an untrained encoder tells nothing: make its codes vary
        vae.encoder[-1].weight *= 100
    view = widgets.traverse(vae, images)
    slider = next(iter(view.sliders.values()))
    spent = []
    for value in np.linspace(slider.min, slider.max, 12):
        start = time.process_time()  # not the wall clock: other programs may be running
        slider.value = value
        spent.append(time.process_time() - start)
    assert np.median(spent) < 0.05


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


@pytest.mark.parametrize("which", ["traverse", "factors"])
def test_only_what_works_in_colab_is_used(which, view):
    tree = view if which == "traverse" else widgets.show_factors(DSprites())
    parts = list(walk(tree))
    allowed = ("VBox", "HBox", "Image", "IntSlider", "FloatSlider", "Button", "HTML")
    assert {w._model_name for w in parts} <= {f"{name}Model" for name in allowed}
    assert sum(isinstance(w, ipw.Image) for w in parts) == 1
    assert len(repr(tree)) < 110 and "run this cell" in repr(tree)  # what GitHub shows


def test_what_is_displayed_has_a_picture_for_places_without_widgets(view):
    bundle, _ = DisplayFormatter().format(view)
    if not bundle:  # ipywidgets 7 displays by itself
        bundle = view._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == view.image.value
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert "run this cell" in bundle["text/plain"]


def rendered(view):
    array = np.asarray(Image.open(io.BytesIO(view.image.value)))[..., 0]
    return array[1::3, 1::3] / 255  # 64 pixels at three times their size


def test_factor_sliders_render_their_factors():
    data = DSprites()
    view = widgets.show_factors(data)
    assert list(view.sliders) == list(data.factor_names)
    assert [s.max + 1 for s in view.sliders.values()] == list(data.factor_sizes)
    view.sliders["shape"].value = 2
    view.sliders["pos_x"].value = 31
    view.sliders["scale"].value = 4
    expected = data.render(np.array([[2, 4, 0, 31, 0]]))[0, 0]
    np.testing.assert_array_equal(rendered(view), expected)


def test_factor_shuffle_draws_from_the_data_sets_own_distribution():
    data = Correlated(DSprites(), {("pos_x", "pos_y"): 0.1})
    view = widgets.show_factors(data, rng=np.random.default_rng(0))
    drawn = []
    for _ in range(30):
        view.shuffle_button.click()
        drawn.append(view.factors)
        np.testing.assert_array_equal(rendered(view), data.render(view.factors[None])[0, 0])
    x, y = np.array(drawn)[:, 3:].T
    assert np.corrcoef(x, y)[0, 1] > 0.8
