"""Pages as people use them, in a real Chromium without a network: they show what torch says.

The fixture `tab` also checks that a page met no error and asked for nothing that is not in it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from browser_parts import until
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from torch import nn

from vaelib.datasets import Correlated, DSprites, FactorData, FixedSample
from vaelib.explorer import compare, explore
from vaelib.explorer.page import style
from vaelib.networks import Burgess, Fast
from vaelib.paths import shipped_dir
from vaelib.report.page import render
from vaelib.runs import Run
from vaelib.vae import VAE

LEVEL = 1.5 / 255 + 1e-3  # a canvas holds whole levels
PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
}"""


@pytest.fixture(scope="module")
def run() -> Run:
    return Run(shipped_dir() / "dsprites_beta_4")


@pytest.fixture(scope="module")
def one(run, tmp_path_factory) -> Path:
    return explore(run, samples=300).save(tmp_path_factory.mktemp("one") / "explorer.html")


@pytest.fixture(scope="module")
def two(run, tmp_path_factory) -> Path:
    other = Run(shipped_dir() / "dsprites_beta_8")
    path = tmp_path_factory.mktemp("two") / "compare.html"
    return compare(run, other, samples=300, megabytes=4).save(path)


def visit(tab, path: Path) -> None:
    tab.goto(path.as_uri())
    until(tab, "window.explorer")
    settle(tab)


def settle(page) -> None:
    """Wait until what was changed is drawn: two frames."""
    page.evaluate("new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)))")


def picture(tab, selector: str) -> np.ndarray:
    """What stands on a canvas, in [0, 1]."""
    return np.array(tab.locator(selector).first.evaluate(PIXELS), float).reshape(64, -1) / 255


def code(tab) -> torch.Tensor:
    return torch.tensor([tab.evaluate("[...explorer.code]")])


def decoded(run: Run, z: torch.Tensor) -> np.ndarray:
    return run.vae.decode(z).sigmoid().numpy()[0, 0]


def sliders(tab):
    return tab.locator(".sliders > .latent input")


# One model


def test_a_slider_moves_one_latent_and_the_picture_is_torchs(tab, one, run):
    visit(tab, one)
    before = code(tab)
    assert np.abs(picture(tab, ".big canvas") - decoded(run, before)).max() < LEVEL
    latent = tab.evaluate("explorer.model.used[1]")
    slider = sliders(tab).nth(1)
    slider.focus()
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        tab.keyboard.press(key)
    settle(tab)
    after = code(tab)
    assert (after != before).nonzero()[:, 1].tolist() == [latent]
    assert float(after[0, latent]) == pytest.approx(float(slider.input_value()), abs=1e-5)
    assert np.abs(picture(tab, ".big canvas") - decoded(run, after)).max() < LEVEL
    tab.keyboard.press("ArrowDown")  # on to the next slider
    assert sliders(tab).nth(2).evaluate("(e) => e === document.activeElement")
    tab.click("text=Reset")
    settle(tab)
    torch.testing.assert_close(code(tab), before)


def test_the_start_image_has_the_code_that_torch_gives_it(tab, one, run):
    visit(tab, one)
    tab.click("[aria-label='start from image 5']")
    settle(tab)
    image = DSprites().sample(300, np.random.default_rng(0)).to("cpu").images[4:5]
    torch.testing.assert_close(code(tab), run.vae.encode(image).mean, atol=1e-3, rtol=0)
    assert np.array_equal(picture(tab, ".small canvas"), image.numpy()[0, 0])
    assert tab.inner_text(".cue").startswith("● inside")


def test_codes_of_few_images_are_inside(tab, run, tmp_path):
    """Each of 40 is drawn ten times: its copies do not say how far images are apart."""
    few = Run.create(tmp_path / "few", replace(run.config, data=FixedSample(DSprites(), 40)))
    few.finish(run.vae, few.config.objective)
    visit(tab, explore(few, samples=400).save(tmp_path / "explorer.html"))
    assert 0.05 < tab.evaluate("explorer.model.usual") < 5
    for image in (2, 7):
        tab.click(f"[aria-label='start from image {image}']")
        settle(tab)
        assert tab.inner_text(".cue").startswith("● inside")


def test_latents_are_sorted_by_kl_and_silent_ones_folded(tab, one):
    visit(tab, one)
    kl, active = tab.evaluate("[explorer.model.kl, explorer.model.active]")
    names = tab.locator(".latent > label").all_inner_texts()  # "" where folded away
    order = [int(name[1:]) for name in tab.locator(".latent > label").all_text_contents()]
    assert [kl[j] for j in order] == sorted(kl, reverse=True)
    assert [bool(name) for name in names] == sorted(active, reverse=True)
    tab.click("summary")
    assert all(tab.locator(".latent > label").all_inner_texts())


def test_of_a_model_that_says_nothing_all_latents_are_folded(tab, tmp_path):
    vae = VAE(Fast(4, 8), (1, 64, 64), 3)
    vae.encoder = nn.Sequential(nn.Flatten(), nn.Linear(4096, 6)).requires_grad_(False)
    vae.encoder[1].weight.zero_()
    vae.encoder[1].bias.zero_()
    visit(tab, explore(vae, data=DSprites(), samples=100).save(tmp_path / "page.html"))
    assert tab.inner_text(".sliders summary").startswith("3 latents say nothing")
    assert sliders(tab).count() == 0
    tab.click("text=Play")
    settle(tab)
    assert tab.evaluate("explorer.playing") is not None


def test_a_drawing_is_read_as_torch_reads_it(tab, one, run):
    visit(tab, one)
    tab.click("role=tab[name='Draw']")
    box = tab.locator(".drawing").bounding_box()
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 50, middle[1] + 20, steps=4)
    tab.mouse.up()
    settle(tab)
    drawn = picture(tab, ".drawing")
    assert 50 < drawn.sum() < 800 and set(drawn.ravel()) == {0, 1}
    posterior = run.vae.encode(torch.tensor(drawn, dtype=torch.float32)[None, None])
    torch.testing.assert_close(code(tab), posterior.mean, atol=1e-3, rtol=0)
    nats = float(posterior.kl().sum())
    said = tab.inner_text("[role='tabpanel']:not([hidden]) .note[role='status']")
    assert f"It tells {nats:.1f} nats" in said
    tab.focus(".drawing")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Space")  # a spot without a mouse
    settle(tab)
    assert tab.evaluate("explorer.start.name") == "your drawing"


def test_far_from_the_data_the_page_says_so(tab, one):
    visit(tab, one)
    tab.evaluate("explorer.setCode(explorer.code.map(() => 6))")
    settle(tab)
    assert tab.inner_text(".cue").startswith("✕ outside")


def test_the_pad_moves_two_latents(tab, one):
    visit(tab, one)
    pad = tab.locator(".two .pad")
    pad.scroll_into_view_if_needed()
    pad.click(position={"x": 200, "y": 60})
    settle(tab)
    x, y = tab.evaluate("explorer.pair")
    low, high = tab.evaluate("[explorer.model.low, explorer.model.high]")
    at = [(v / 264 - 0.08) / 0.84 for v in (200, 264 - 60)]
    moved = code(tab)[0]
    assert float(moved[x]) == pytest.approx(low[x] + at[0] * (high[x] - low[x]), abs=0.05)
    assert float(moved[y]) == pytest.approx(low[y] + at[1] * (high[y] - low[y]), abs=0.05)
    tab.keyboard.press("ArrowUp")
    settle(tab)
    step = float(code(tab)[0, y] - moved[y])
    assert step == pytest.approx((high[y] - low[y]) / 40, abs=1e-4)


def test_play_moves_a_latent_until_it_is_stopped(tab, one):
    visit(tab, one)
    play = tab.locator(".latent .play").first
    play.click()
    before = code(tab)
    tab.wait_for_timeout(200)
    assert (code(tab) != before).sum() == 1 and play.get_attribute("aria-pressed") == "true"
    play.click()
    settle(tab)
    before = code(tab)
    tab.wait_for_timeout(100)
    assert torch.equal(code(tab), before)


def test_between_two_images_lie_their_mixed_codes(tab, one, run):
    visit(tab, one)
    tab.click("role=tab[name='Between']")
    tab.locator("[aria-label='from A to B']").evaluate(
        "(e) => { e.value = 0.5; e.dispatchEvent(new Event('input')) }"
    )
    settle(tab)
    images = DSprites().sample(300, np.random.default_rng(0)).to("cpu").images[:2]
    middle = run.vae.encode(images).mean.mean(0, keepdim=True)
    torch.testing.assert_close(code(tab), middle, atol=1e-3, rtol=0)


def test_questions_reveal_their_answers(tab, one):
    visit(tab, one)
    tab.click("role=tab[name='Predict']")
    for _ in range(2):  # one of each kind
        tab.click("text=Reveal")
        assert tab.locator("button.right").count() == 1
        tab.click("text=Another question")


@pytest.mark.parametrize(("button", "kind"), [("PNG", b"\x89PNG"), ("GIF", b"GIF89a")])
def test_downloads(tab, one, button, kind):
    visit(tab, one)
    with tab.expect_download() as download:
        tab.click(f".stage >> text={button}")
    assert Path(download.value.path()).read_bytes().startswith(kind)


# Several models


def test_models_are_compared_on_the_same_image(tab, two, run):
    visit(tab, two)
    tab.evaluate("explorer.factorsView.set(3, 5)")
    settle(tab)
    factors = np.array([tab.evaluate("explorer.factorsView.factors")])
    image = DSprites().render(factors)[0, 0]
    assert factors[0, 3] == 5 and np.array_equal(picture(tab, ".world canvas"), image)
    assert tab.locator(".card h2").all_inner_texts() == ["β = 4", "β = 8"]
    mean = run.vae.encode(torch.tensor(image, dtype=torch.float32)[None, None]).mean
    assert np.abs(picture(tab, ".card canvas") - decoded(run, mean)).max() < LEVEL + 0.01
    card = tab.locator(".card").first
    latents = [int(t[1:]) for t in card.locator(".code > span:first-child").all_inner_texts()]
    values = card.locator(".code .value").all_inner_texts()
    shown = [float(text.replace("−", "-")) for text in values]
    assert np.abs(np.array(shown) - mean.numpy()[0, latents]).max() < 0.02  # of 12 bits or more


def test_one_image_goes_through_all_models(tab, two):
    visit(tab, two)
    tab.click("text=Move latents")
    tab.click("role=tab[name='β atlas']")
    settle(tab)
    assert tab.locator("[role='tabpanel']:not([hidden]) figcaption").all_inner_texts()[-1]
    tab.click(".models >> text=β = 8")
    settle(tab)
    assert tab.evaluate("explorer.model.beta") == 8


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 32, 32)], ids=str)
def test_other_worlds_work_too(tab, tmp_path, shape):
    """Colours, other sizes, and factors on a coarse grid of values."""
    data = Striped(shape)
    torch.manual_seed(0)
    explorer = explore(VAE(Burgess(4, 16), shape, 3), data=data, samples=100)
    visit(tab, explorer.save(tmp_path / "page.html"))
    tab.click("text=Move factors")
    tab.evaluate("explorer.factorsView.set(1, 3)")
    settle(tab)
    factors = np.array([tab.evaluate("explorer.factorsView.factors")])
    shown = np.array(tab.locator(".world canvas").evaluate(PIXELS))
    assert np.array_equal(shown, data.render(factors)[0, 0].ravel())


class Striped(FactorData):
    """A white stripe and a grey level: the smallest world with images of any shape."""

    factor_names, factor_sizes, max_value = ("place", "level"), (16, 4), 255

    def __init__(self, shape: tuple[int, int, int]):
        self.image_shape = shape

    def render(self, factors: np.ndarray) -> np.ndarray:
        images = np.empty((len(factors), *self.image_shape), np.uint8)
        images[:] = 60 * factors[:, 1, None, None, None]
        for image, place in zip(images, factors[:, 0], strict=True):
            image[:, place] = 255
        return images


# Looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_at_900_pixels(tab, one, two, scheme):
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 900, "height": 700})
    for path in (one, two):
        visit(tab, path)
        for name in tab.locator("[role='tab']").all_text_contents():
            tab.get_by_role("tab", name=name, include_hidden=True).evaluate("(e) => e.click()")
            settle(tab)
            assert tab.evaluate("document.documentElement.scrollWidth") <= 900, name
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    assert dark == (scheme == "dark")


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_read(theme):
    """WCAG 2.2: a contrast of 4.5 or more for text, of 3 or more for marks that say something."""
    block = re.findall(r":root \{([^}]*)\}", style())[theme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for ground in ("ground", "panel"):
        for text in ("ink", "quiet", "good", "warn", "bad"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for mark in ("accent", "start"):
            assert contrast(colours[mark], colours[ground]) >= 3, (mark, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


def contrast(one: str, other: str) -> float:
    a, b = sorted((luminance(one), luminance(other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


def luminance(colour: str) -> float:
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_control_has_a_name(tab, two):
    visit(tab, two)
    unnamed = tab.evaluate(
        """[...document.querySelectorAll("button, input, select, [role=application], [role=img]")]
        .filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
        .map((e) => e.outerHTML)"""
    )
    assert unnamed == []


# Where it is embedded


@pytest.fixture(scope="module")
def notebook(run):
    """An executed notebook whose one cell shows the explorer."""
    shown = explore(run, samples=300)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", shown)
    cell = nbformat.v4.new_code_cell("explore(run)", outputs=[output])
    return nbformat.v4.new_notebook(cells=[cell])


def pages_of(notebook) -> dict[str, str]:
    exported, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return {"nbconvert": exported, "report": render(notebook, "A", {})}


@pytest.mark.parametrize("kind", ["nbconvert", "report"])
def test_it_moves_inside_other_pages(tab, notebook, tmp_path, run, kind):
    page = tmp_path / "page.html"
    page.write_text(pages_of(notebook)[kind], encoding="utf-8")
    tab.goto(page.as_uri())
    frame = tab.frames[1]
    until(frame, "window.explorer")
    before = frame.evaluate("[...explorer.code]")
    slider = frame.locator(".sliders > .latent input").first
    slider.focus()
    tab.keyboard.press("End")
    settle(frame)
    after = torch.tensor([frame.evaluate("[...explorer.code]")])
    assert after.tolist()[0] != before
    shown = np.array(frame.locator(".big canvas").evaluate(PIXELS)).reshape(64, 64) / 255
    assert np.abs(shown - decoded(run, after)).max() < LEVEL
    # The box follows the height of what it shows, a frame later.
    until(
        frame,
        "Math.abs(frameElement.closest('[data-explorer]').clientHeight"
        " - document.documentElement.offsetHeight) <= 2",
    )


def test_without_frames_its_picture_is_seen(tab, notebook, tmp_path):
    """As on GitHub and in notebooks that JupyterLab does not trust."""
    html = re.sub(r"<iframe.*?</iframe>", "", pages_of(notebook)["nbconvert"], flags=re.DOTALL)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    tab.goto((tmp_path / "page.html").as_uri())
    image = tab.locator("[data-explorer] img")
    assert image.is_visible() and image.evaluate("(e) => e.naturalWidth") > 500


@pytest.mark.parametrize(("sigma", "least", "most"), [(0.1, 0.6, 1), (float("inf"), 0, 0.2)])
def test_correlated_data_show_as_a_tilted_cloud(tab, tmp_path, sigma, least, most):
    """A model that reads only where the white is shows the correlation of the world itself."""
    vae = VAE(Fast(4, 8), (1, 64, 64), 3)
    vae.encoder = nn.Sequential(nn.Flatten(), nn.Linear(4096, 6)).requires_grad_(False)
    vae.encoder[1].weight.zero_()
    places = torch.linspace(-0.04, 0.04, 64)
    vae.encoder[1].weight[0] = places.repeat(64)
    vae.encoder[1].weight[1] = places.repeat_interleave(64)
    vae.encoder[1].bias.copy_(torch.tensor([0, 0, 0, -4, -4, 0]))  # the third says nothing
    data = Correlated(DSprites(), {("pos_x", "pos_y"): sigma})
    visit(tab, explore(vae, data=data, samples=400).save(tmp_path / "page.html"))
    assert tab.evaluate("explorer.pair") == [0, 1]
    r = float(re.search(r"r = (−?\d\.\d+)", tab.inner_text(".two .note"))[1].replace("−", "-"))
    assert least <= abs(r) <= most


# JupyterLab itself

LAB = (
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--IdentityProvider.token=",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The address of a JupyterLab of this test's own folders; no kernel is started."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *LAB]
    with subprocess.Popen(
        [*command, f"--ServerApp.root_dir={tmp_path}"], stderr=subprocess.PIPE, text=True
    ) as server:
        found = (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in server.stderr)
        yield next(match[0] for match in found if match)
        server.terminate()
        server.stderr.read()


def test_jupyterlab_shows_a_stored_explorer(browser, lab, tmp_path, notebook, run):
    """Its picture where the notebook is not trusted, its sliders where it is."""
    nbformat.write(notebook, tmp_path / "stranger.ipynb")
    friend = nbformat.from_dict({**notebook, "metadata": {"title": "a friend's"}})
    notary = NotebookNotary()
    notary.sign(friend)
    notary.store.close()
    nbformat.write(friend, tmp_path / "friend.ipynb")

    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{lab}lab/tree/stranger.ipynb")
    image = page.locator(".jp-OutputArea img").first
    image.wait_for()
    assert image.evaluate("(e) => e.naturalWidth") > 500
    assert page.locator(".jp-OutputArea iframe").count() == 0

    page.goto(f"{lab}lab/tree/friend.ipynb")
    page.wait_for_selector(".jp-OutputArea iframe")
    frame = next(f for f in page.frames if f.parent_frame)
    until(frame, "window.explorer")
    frame.locator(".sliders > .latent input").first.press("End")
    settle(frame)
    z = torch.tensor([frame.evaluate("[...explorer.code]")])
    shown = np.array(frame.locator(".big canvas").evaluate(PIXELS)).reshape(64, 64) / 255
    assert np.abs(shown - decoded(run, z)).max() < LEVEL
    page.close()
