"""The explorer's parts: what Python packs, JavaScript in a real Chromium computes as torch does."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
from browser_parts import until
from PIL import Image
from torch import nn

from vaelib.cli import main
from vaelib.datasets import ArrayData, Blobs, Correlated, DSprites
from vaelib.explorer import compare, explore
from vaelib.explorer.contents import Subject, coarse_grid, contents
from vaelib.explorer.layers import describe
from vaelib.explorer.packing import Pack, quantise, rounded
from vaelib.explorer.page import script, to_json
from vaelib.layers import Places
from vaelib.networks import MLP, Broadcast, Burgess, Fast, Locatello
from vaelib.paths import shipped_dir
from vaelib.runs import find
from vaelib.train import TrainConfig, train
from vaelib.vae import VAE
from vaelib.vit import ClassToken, LatentAttention, MeanPooling, ViT, attention_maps

SHIPPED = {run.folder.name: run for run in find(shipped_dir())}
NETWORKS = [
    Fast(16, 32), Burgess(8, 32), Broadcast(16), Locatello(), Locatello(deep_kernel=2), MLP(48)
]  # fmt: skip
SHAPES = [(1, 64, 64), (3, 64, 64), (1, 32, 32), (3, 128, 128)]


@pytest.fixture(scope="module")
def engine(browser):
    """Runs JavaScript after all of the explorer's scripts; `job` is what Python passes."""
    context = browser.new_context(offline=True)
    page = context.new_page()

    def run(code: str, job: object = None):
        return page.evaluate(f"async (job) => {{\n{script()}\n{code}\n}}", job)

    yield run
    context.close()


COMPUTE = """
const f = network(job.layers, await unpack(job.blob), job.shape);
const bytes = Uint8Array.from(atob(job.inputs), (c) => c.charCodeAt(0));
const inputs = new Float32Array(bytes.buffer), n = inputs.length / job.count;
const outputs = [], started = performance.now();
for (let i = 0; i < job.count; i++) outputs.push(f(inputs.subarray(i * n, (i + 1) * n)).slice());
const ms = (performance.now() - started) / job.count;
let text = "";
for (const out of outputs) {
  for (const byte of new Uint8Array(out.buffer)) text += String.fromCharCode(byte);
}
return { outputs: btoa(text), ms };
"""


def computed(engine, module: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, float]:
    """What the browser makes of inputs (N, …), (N, outputs), and its milliseconds for each."""
    pack = Pack()
    job = {"layers": describe(module, pack), "blob": pack.text(), "shape": list(inputs.shape[1:])}
    # as base64: lists of numbers take the driver of the browser seconds
    data = base64.b64encode(inputs.numpy().astype("<f4").tobytes()).decode()
    found = engine(COMPUTE, {**job, "inputs": data, "count": len(inputs)})
    outputs = np.frombuffer(base64.b64decode(found["outputs"]), "<f4").copy()
    return torch.from_numpy(outputs).view(len(inputs), -1), found["ms"]


# The networks

POOLINGS = [LatentAttention(), MeanPooling(), ClassToken()]


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 32, 32)], ids=str)
@pytest.mark.parametrize("pooling", POOLINGS, ids=repr)
def test_transformers_are_computed_as_torch_does(engine, pooling, shape):
    torch.manual_seed(0)
    vae = VAE(ViT(16, 2, 1, 2, adapters=3, pooling=pooling), shape, 5).requires_grad_(False)
    for weight in vae.parameters():
        weight.add_(0.1 * torch.randn(weight.shape))  # adapters too do something
    images, codes = torch.rand(2, *shape), torch.randn(2, 5)
    encoded, _ = computed(engine, vae.encoder, images)
    decoded, _ = computed(engine, vae.decoder, codes)
    torch.testing.assert_close(encoded, vae.encoder(images), atol=1e-3, rtol=0)
    torch.testing.assert_close(decoded, vae.decoder(codes).flatten(1), atol=1e-3, rtol=0)


def test_where_each_latent_looks_is_what_torch_says(engine):
    torch.manual_seed(0)
    vae, pack = VAE(ViT(16, 2, 1, 2), (1, 32, 32), 3).requires_grad_(False), Pack()
    image = torch.rand(1, 1, 32, 32)
    job = {"layers": describe(vae.encoder, pack), "blob": pack.text(), "x": image.ravel().tolist()}
    code = "const f = network(job.layers, await unpack(job.blob), [1, 32, 32]); f(job.x);"
    found = np.reshape(engine(code + "return [...f.maps()];", job), (3, 4, 4))
    np.testing.assert_allclose(found, attention_maps(vae, image)[0], atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_every_network_of_the_library_is_computed_as_torch_does(engine, network, shape):
    torch.manual_seed(0)
    vae = VAE(network, shape, 5).requires_grad_(False)
    images, codes = torch.rand(2, *shape), torch.randn(2, 5)
    encoded, _ = computed(engine, vae.encoder, images)
    decoded, _ = computed(engine, vae.decoder, codes)
    torch.testing.assert_close(encoded, vae.encoder(images), atol=1e-4, rtol=0)
    torch.testing.assert_close(decoded, vae.decoder(codes).flatten(1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_computed_within_two_thousandths(engine, name):
    vae, data = SHIPPED[name].vae, SHIPPED[name].config.data
    images = data.sample(8, np.random.default_rng(1)).to("cpu").images
    mean = vae.encode(images).mean
    encoded, _ = computed(engine, vae.encoder, images)
    decoded, _ = computed(engine, vae.decoder, mean)
    assert (encoded[:, : mean.shape[1]] - mean).abs().max() < 1e-3
    assert (decoded.sigmoid() - vae.decode(mean).sigmoid().flatten(1)).abs().max() < 2e-3


@pytest.mark.parametrize("network", [Fast(), Burgess()], ids=["Fast", "Burgess"])
def test_a_picture_takes_a_fraction_of_a_frame(engine, network, record_property):
    """16 ms are a frame; the loose bound lets a busy machine pass, the number is printed."""
    decoder = VAE(network, (1, 64, 64), 10).decoder.requires_grad_(False)
    _, ms = computed(engine, decoder, torch.randn(60, 10))
    print(f"{type(network).__name__}: {ms:.1f} ms a picture")
    record_property("milliseconds", ms)
    assert ms < 160


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Linear(5, 7), nn.Tanh()],
        [nn.Linear(5, 12), nn.Unflatten(1, (3, 2, 2)), nn.Conv2d(3, 5, 3, 1, 1), nn.ReLU()],
        [nn.Linear(5, 18), nn.Unflatten(1, (2, 3, 3)), nn.ConvTranspose2d(2, 3, 5, 3, 1)],
        [nn.Linear(5, 6), Places(3, 6), nn.Conv2d(6, 4, 1), nn.PixelShuffle(2)],
        [nn.Linear(5, 16), nn.Unflatten(1, (4, 2, 2)), nn.PixelShuffle(2), nn.PixelUnshuffle(4)],
    ],
    ids=lambda layers: "-".join(type(layer).__name__ for layer in layers),
)
def test_odd_sizes(engine, layers):
    """Kernels and channels that are no multiples of what the loops take at a time."""
    torch.manual_seed(1)
    module = nn.Sequential(*layers).requires_grad_(False)
    inputs = torch.randn(3, 5)
    found, _ = computed(engine, module, inputs)
    torch.testing.assert_close(found, module(inputs).flatten(1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.GELU()), "got a GELU"),
        (nn.Conv2d(4, 4, 3, groups=2), "without groups"),
        (nn.Conv2d(4, 4, (3, 5)), "square"),
        (nn.Conv2d(4, 4, 3, padding="same"), "square"),
        (nn.ConvTranspose2d(4, 4, 3, 2, output_padding=1), "output_padding"),
        (nn.Linear(2, 2, bias=False), "with a bias"),
        (nn.Flatten(2), "whole images"),
        (nn.Unflatten(1, (2, 2)), r"\(C, H, W\)"),
    ],
)
def test_what_the_browser_cannot_compute_is_refused(module, said):
    with pytest.raises(ValueError, match=said):
        describe(module, Pack())


def test_an_unknown_layer_in_a_page_is_named(engine):
    said = engine("try { network([{type: 'gelu'}], null, [1]) } catch (e) { return e.message }")
    assert said.startswith("unknown layer gelu; known are linear, conv")


# Numbers in a page


@pytest.mark.parametrize("bits", [16, 12, 8])
def test_numbers_come_out_of_a_pack_as_they_went_in(engine, bits):
    rng, pack = np.random.default_rng(0), Pack(bits)
    weight, few = rng.normal(size=(6, 3, 2, 2)), rng.normal(size=5)
    whole, zero = rng.integers(0, 256, (4, 9)), np.zeros((2, 3))
    places = [pack.weights(weight), pack.floats(few), pack.bytes(whole), pack.weights(zero)]
    found = engine(
        "const b = await unpack(job.blob); return job.places.map((p) => [...read(b, p)]);",
        {"blob": pack.text(), "places": places},
    )
    assert np.array_equal(np.float32(found[0]), rounded(weight, bits).ravel())
    assert np.array_equal(np.float32(found[1]), rounded(few[None], 16).ravel())
    assert found[2] == whole.ravel().tolist() and found[3] == [0] * 6


def test_rounding_is_to_the_nearest_point_of_each_rows_grid():
    values = np.array([[1.0, -0.26, 0.0], [100.0, 26.0, -100.0]])
    whole, scale = quantise(values, 3)  # -3 … 3
    assert whole.tolist() == [[3, -1, 0], [3, 1, -3]]
    assert np.allclose(scale, [1 / 3, 100 / 3])


def test_sixteen_bits_beat_half_floats():
    values = np.random.default_rng(0).normal(size=(64, 1024)).astype(np.float32)
    half = np.abs(values.astype(np.float16) - values).mean()
    assert np.abs(rounded(values, 16) - values).mean() < half / 2


def test_bits_are_checked():
    with pytest.raises(ValueError, match=r"2\.\.16, got 17"):
        Pack(17)


# Pictures that the browser draws itself


def test_sprites_are_those_of_dsprites(engine):
    data, rng = DSprites(), np.random.default_rng(0)
    factors = data.sample_factors(600, rng)
    drawn = engine("return job.map((f) => drawSprite(f).join('')).join('');", factors.tolist())
    assert drawn == "".join(map(str, data.render(factors).ravel()))


def test_the_gif_can_be_read(engine):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 90, 70))  # noise fills the table of words and clears it
    frames[1] = 7
    code = "return btoa(gif(job, 70, 90, 5).reduce((s, b) => s + String.fromCharCode(b), ''));"
    data = base64.b64decode(engine(code, [f.ravel().tolist() for f in frames]))
    colours = np.array(engine("return [...palette()];")).reshape(256, 3)
    film = Image.open(io.BytesIO(data))
    assert (film.n_frames, film.size) == (3, (70, 90))
    assert (film.info["duration"], film.info["loop"]) == (50, 0)  # ms; endless
    for i, frame in enumerate(frames):
        film.seek(i)
        assert np.array_equal(np.asarray(film.convert("RGB")), colours[frame])


# Pages


def tiny() -> VAE:
    torch.manual_seed(0)
    return VAE(Fast(4, 8), (1, 64, 64), 3)


def test_one_run_makes_a_page_of_at_most_three_megabytes(tmp_path):
    explorer = explore(SHIPPED["dsprites_beta_4"], samples=200)
    path = explorer.save(tmp_path / "explorer.html")
    assert path.stat().st_size <= 3_000_000
    assert explorer.page["bits"] == 16 and explorer.page["error"] <= 1e-3


def test_factors_of_many_values_and_none():
    many = ArrayData(np.random.default_rng(0).integers(0, 256, (400, 32, 32), dtype=np.uint8),
                     factors=np.arange(400), names=("x",))  # fmt: skip
    vae = VAE(MLP(8), (1, 32, 32), 3)
    packed, subject = Pack(), Subject.of(vae, many, 200, 0)
    first, rows, columns, size, _ = contents([subject], ["a"], packed)["models"][0]["factors"]
    assert (rows, columns, size) == (len(many.factor_names), 200, 2)
    with pytest.raises(ValueError, match=r"bytes must be in 0\.\.255, got 0\.\.399"):
        packed.bytes(np.arange(400))
    unknown = Subject.of(vae, ArrayData(many.render(many.combinations)), 200, 0)
    assert contents([unknown], ["a"], Pack())["world"] is None


def test_weights_are_rounded_until_the_page_fits():
    run = SHIPPED["dsprites_beta_4"]
    small = explore(run, samples=200, megabytes=1.2)
    assert len(small.html) <= 1_200_000 and small.page["bits"] < 16
    with pytest.raises(ValueError, match=r"even with 8 bits a weight, more than the 0\.2 MB"):
        _ = explore(run, samples=200, megabytes=0.2).page


def test_nothing_in_a_page_loads_anything():
    html = explore(tiny(), data=DSprites(), samples=100).html
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?:|fetch\(|XMLHttp""", html.replace(
        "link = h(\"a\", { href: URL", ""))  # fmt: skip
    assert "default-src 'none'" in html


def test_labels_cannot_end_the_script_nor_become_elements(tab, tmp_path):
    nasty = "</script><script>window.hacked = 1</script><img src=x onerror='hacked = 1'>\u2028<!--"
    explorer = explore(tiny(), data=DSprites(), samples=100, title=nasty)
    explorer.save(tmp_path / "nasty.html")
    tab.goto((tmp_path / "nasty.html").as_uri())
    until(tab, "window.explorer")
    assert tab.evaluate("typeof window.hacked") == "undefined"
    assert tab.text_content("h1") == nasty
    assert tab.title().startswith("</script>")
    assert json.loads(to_json({"a": nasty})) == {"a": nasty} and "<" not in to_json([nasty])


def test_images_without_factors_have_none_to_move(tab, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (120, 32, 32), dtype=np.uint8)
    torch.manual_seed(0)
    explorer = explore(VAE(MLP(8), (1, 32, 32), 3), data=ArrayData(images), samples=100)
    explorer.save(tmp_path / "own.html")
    tab.goto((tmp_path / "own.html").as_uri())
    until(tab, "window.explorer")
    assert tab.locator("text=Between").count() and not tab.locator("text=Move factors").count()


def test_a_notebook_gets_a_frame_and_a_picture():
    explorer = explore(tiny(), data=DSprites(), samples=100)
    shown = explorer._repr_mimebundle_()
    assert shown["text/html"].count("<iframe") == 1 and "srcdoc=" in shown["text/html"]
    assert shown["text/plain"].startswith("Latent explorer: VAE on DSprites()")
    image = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert image.width > 300
    assert shown["image/png"] in shown["text/html"]  # where frames are taken out, it is seen


def test_the_cloud_comes_from_the_data_of_training():
    world = Correlated(DSprites(), {("pos_x", "pos_y"): 0.1})
    (subject,) = explore(tiny(), data=world, samples=300).subjects
    x, y = np.asarray(subject.sample.factors)[:, 3:].T
    assert np.corrcoef(x, y)[0, 1] > 0.8
    assert np.array_equal(subject.posterior.mean.shape, (300, 3)) and subject.beta is None


def test_other_worlds_come_as_a_coarse_grid():
    sizes = (10, 10, 10, 8, 4, 15)
    grid = coarse_grid(sizes, 325)
    assert 150 < np.prod([len(values) for values in grid]) <= 325
    assert all(v[0] == 0 and v[-1] == n - 1 for v, n in zip(grid, sizes, strict=True))


@pytest.mark.parametrize(
    ("models", "options", "said"),
    [
        (0, {}, "one to three models, got 0"),
        (4, {}, "one to three models, got 4"),
        (1, {"samples": 99}, "at least 100 samples, got 99"),
        (1, {"view": "pad"}, "'latents' or 'factors', got 'pad'"),
        (1, {"data": None}, "pass data"),
        (2, {"names": ("a", "a")}, r"one a model, each another, got \['a', 'a'\]"),
    ],
)
def test_wrong_use_says_what_is_allowed(models, options, said):
    options = {"data": DSprites(), "samples": 100, **options}
    with pytest.raises(ValueError, match=said):
        explore(*[tiny()] * models, **options)


def test_models_are_named_by_what_tells_them_apart():
    names = ["dsprites_beta_1", "dsprites_beta_8"], ["dsprites_beta_8", "dsprites_capacity_25"]
    found = [explore(*(SHIPPED[n] for n in pair), samples=100).names for pair in names]
    assert found == [("β = 1", "β = 8"), ("BetaVAE", "CapacityVAE")]
    same = explore(tiny(), tiny(), data=DSprites(), samples=100)
    assert same.names == ("1: VAE on DSprites()", "2: VAE on DSprites()")
    named = explore(tiny(), tiny(), data=DSprites(), samples=100, names=("plain", "turned"))
    assert [model["name"] for model in named.page["models"]] == list(named.names)


def test_compare_begins_with_the_factors():
    assert compare(tiny(), data=DSprites(), samples=100).page["view"] == "factors"


# The widget


def test_the_widget_shares_its_code_with_python(browser):
    """Its module in a real browser, with a model that stands for the kernel's side."""
    widget = explore(tiny(), data=DSprites(), samples=100).widget()
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_content("<div id=el></div>")
    found = page.evaluate(
        """async ({ esm, state }) => {
          const { default: { render } } = await import(`data:text/javascript;base64,${esm}`);
          const heard = {};
          const model = {
            get: (name) => state[name], on: (name, f) => (heard[name] = f), saved: 0,
            set: (name, value) => (state[name] = value), save_changes: () => model.saved++,
          };
          const frames = () => new Promise((ok) => setTimeout(ok, 200));
          const el = document.getElementById("el");
          await render({ model, el });
          await frames();
          const first = state.code, slider = el.shadowRoot.querySelector(".latent input");
          slider.value = slider.max;
          slider.dispatchEvent(new Event("input"));
          await frames();
          const moved = state.code;
          state.code = [0.25, 0, 0];
          heard["change:code"]();
          await frames();
          const shown = [...el.shadowRoot.querySelectorAll(".latent")].map((e) => e.textContent);
          return { first, moved, shown, saved: model.saved };
        }""",
        {
            "esm": base64.b64encode(widget._esm.encode()).decode(),
            "state": {"page": widget.page, "style": widget.style, "code": [], "model": 0},
        },
    )
    context.close()
    assert len(found["first"]) == 3 and sum(np.array(found["first"]) != found["moved"]) == 1
    assert found["saved"] == 2  # what came from Python is not sent back
    assert any(text.startswith("z0") and "0.25" in text for text in found["shown"])


def test_the_widget_refuses_codes_that_are_none():
    widget = explore(tiny(), data=DSprites(), samples=100).widget()
    widget.code = [0.0, 1.0, 2.0]
    for code in ([0.0], [0.0, 1.0, float("nan")]):
        with pytest.raises(ValueError, match="must be 3 finite numbers"):
            widget.code = code
    with pytest.raises(ValueError, match=r"in 0\.\.0, got 1"):
        widget.model = 1


# The command line


def test_vaelib_explore_writes_a_page(tmp_path, capsys):
    page = tmp_path / "explorer.html"
    run = str(SHIPPED["dsprites_beta_8"].folder)
    assert main(["explore", run, "-o", str(page), "--samples", "200", "--title", "β = 8"]) == 0
    assert capsys.readouterr().out.strip().endswith("MB, weights in 16 bits")
    assert "<title>β = 8</title>" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["-o", "x.png"], "must end in .html"), (["-o", "x.html"], "is not a run")],
)
def test_vaelib_explore_says_what_is_wrong(tmp_path, capsys, arguments, said):
    assert main(["explore", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_models_of_different_worlds_are_refused(tmp_path):
    """A page draws the world of its first model."""
    runs = [
        train(TrainConfig(data, network=MLP(8), steps=1), tmp_path / str(data), progress=False)
        for data in (DSprites(), Blobs(size=64))
    ]
    with pytest.raises(ValueError, match="must be of data with the same factors"):
        explore(*runs)
