# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9 · Your own data: images of which little is known
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/09_your_own_data.ipynb)
#
# dSprites is a toy: every combination of factors is there, once. Real images come as they come. This
# chapter takes handwritten digits, real ones, through everything, and then it takes yours:
# `vaelib report --data my.npz` runs this chapter on your file.
#
# **You will learn**
# - in which form images and factors must be, and what is refused and why;
# - what still can be measured when a few factors are known, and when none is;
# - to correlate the factors of images that were taken long ago, by weights.
#
# **Time** 20 minutes to read; the cells compute for two to three minutes on two CPU cores. ·
# Before: [8 · A study](08_correlated_study.ipynb); [6 · Metrics](06_metrics.ipynb) is enough ·
# Words: [glossary](../docs/glossary.md)

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from vaelib import __version__, information, metrics, plots, traversal
from vaelib.datasets import ArrayData, Correlated
from vaelib.evaluate import evaluate
from vaelib.exercises import your_own_data as exercises
from vaelib.fast import budget
from vaelib.objectives import BetaVAE
from vaelib.runs import encode
from vaelib.train import TrainConfig, train

# %matplotlib inline
print("vaelib", __version__)

# %% tags=["parameters"]
images: str = ""  # a file or a folder of your images; empty: the digits of scikit-learn
size: int = 32  # pixels that they are resized to, each way {32, 64, 128}
beta: float = 2.0  # weight of the KL [0.1, 100]
train_steps: int = 1_000  # of each of three trainings (smoke 20, full 20000) [10, 1000000]
sigma: float = 0.2  # correlation of the first two factors in section 5 [0.02, inf]
seed: int = 0  # of every random draw [0, 1000000]

# %%
train_steps = budget(train_steps)
rng = np.random.default_rng(seed)


# %% [markdown]
# ## 1 Images in
#
# scikit-learn carries 1,797 handwritten digits of 8 × 8 pixels. Of each we know what was written; a
# second factor we measure, the ink: is the digit among the lightest third, the middle, or the
# darkest? `ArrayData` takes images and factors as arrays, or the path of a file or a folder.

# %%
def digits():
    """Handwritten digits, with what was written and the third that their ink is in."""
    found = load_digits()
    ink = found.images.mean(axis=(1, 2))
    third = np.digitize(ink, np.quantile(ink, [1 / 3, 2 / 3]))
    factors = np.column_stack([found.target, third])
    return ArrayData(found.images / 16, factors, names=("digit", "ink"), size=size)


data = digits() if images == "" else ArrayData(images, size=size)

# %% tags=["nbval-check-output"]
print(data.describe())


# %% [markdown]
# The last line is the difference to dSprites. Each factor alone is nearly balanced, but their
# combinations are not, and an image is not determined by its factors: many different threes are of
# middle ink. (So there is a third column, `copy`, that counts them. It is needed to find an image
# again, and no score asks for it.)

# %% [markdown]
# ### Images as the model will see them

# %% tags=["report"]
def label(factors):
    """What is known of an image, a line for each factor."""
    known = zip(data.scored, factors, strict=False)
    return "\n".join(f"{name} {data.values(name)[value]}" for name, value in known)


some = data.sample(20, rng)
plots.image_grid(some, labels=[label(row) for row in some.factors] if data.scored else ());

# %% [markdown]
# *Figure 9.1: Twenty images as the model sees them, with what is known of each.*

# %% [markdown]
# What fits:
#
# | you have | you write |
# |---|---|
# | arrays | `ArrayData(images, factors, names=("digit", "ink"), size=64)` |
# | an npz or hdf5 file | `ArrayData("my.npz", size=64)`, with the arrays `images`, `factors`, `names` |
# | a folder of pictures | `ArrayData("folder", size=64)`, with a table `factors.csv` if you have one |
# | a torch Dataset | `ArrayData(dataset, size=64)`, of images or of pairs (image, factors) |
#
# Images are bytes, or floats in [0, 1]; one or three channels, first or last. Factors are numbers or
# words, a column each, and may be left out. What is not square loses its edges; what is larger is
# averaged, area by area. To look at a file beforehand: `vaelib data check my.npz`.
#
# **Predict:** a hundred images of 28 × 28 pixels. Why is each of these four refused?

# %% tags=["nbval-check-output"]
pixels = np.random.default_rng(0).integers(0, 256, (100, 28, 28))
attempts = {
    "A": lambda: ArrayData(pixels.astype(float), size=32),
    "B": lambda: ArrayData(pixels.astype(np.uint8)),
    "C": lambda: ArrayData(np.moveaxis(pixels, 0, -1), size=32),
    "D": lambda: ArrayData(pixels, np.zeros(100), size=32),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except ValueError as error:
        print(f"{name}: {error}\n")

# %% [markdown]
# Unchecked, A would train on a loss without meaning, and C on slices through all images; neither
# stops by itself. That is why they are stopped here. (Give B a `size`, and it fits.)

# %% [markdown]
# ## 2 Training
#
# Nothing changes. The images are read once into a table in the data folder; each batch reads its own
# rows, so that a set larger than the memory trains too ([data/README.md](../data/README.md): MPI3D,
# 12.7 GB, in less than 2 GB).

# %%
configs = [
    TrainConfig(data=data, objective=BetaVAE(beta=beta), steps=train_steps, seed=seed + i)
    for i in range(3)
]
run = train(configs[0])
print(f"{run.label}: {run.log['seconds'].iloc[-1]:.0f} s")

# %% [markdown]
# ### Images and their reconstructions

# %% tags=["report"]
shown = data.sample(14, rng)
posterior = traversal.aggregate_posterior(run, shown)
plots.reconstructions(shown, traversal.decode(run, posterior.mean));

# %% [markdown]
# *Figure 9.2: Images (above) and their reconstructions (below).*

# %% [markdown]
# ### What each latent in use draws

# %% tags=["report"]
sample = data.sample(1_000, rng)
posterior = traversal.aggregate_posterior(run, sample)
used = posterior.order[posterior.active[posterior.order]] if posterior.active.any() else [0]
plots.traversal(traversal.traverse(run, sample, latents=used));

# %% [markdown]
# *Figure 9.3: Each row moves one latent in use from the code of one image.*

# %% [markdown]
# No latent is "the digit": it is a choice of ten, and a latent is a line. What comes out instead are
# ways to bend the strokes: how a curve runs, how open a loop is, where the weight lies. They are
# factors too, of which nobody told us.

# %% [markdown]
# ## 3 With a few factors known
#
# **Predict:** which of digit and ink will a single latent know more about?

# %%
codes = encode(run)  # each image once, with the factors that scores ask for
print(f"{len(codes):,} codes; known factors: {', '.join(data.scored) or 'none'}")

# %% [markdown]
# ### What each latent knows about each factor

# %% tags=["report"]
if data.scored:
    nats = information.mutual_information(information.bins(codes.means), codes.factors)
    plots.mutual_information(nats, codes.names, kl=posterior.kl)
else:
    print("No factor is known: there is nothing to compare the latents with.")

# %% [markdown]
# *Figure 9.4: What each latent knows about each known factor, in nats.*

# %% [markdown]
# With the digits the answer is the digit, in nats and as a share: in the run of this page one latent knows a
# quarter of it, another a sixth of the ink. The ink is a line, and one latent leans to it. The digit is spread
# over several: each rules out a few of the ten. (A silent latent, pale in the figure, may seem to tell of it
# too: its values differ by a hair, and bins count hairs, as in chapter 2.) So MIG, which wants *one* latent for each factor, is low, and it should be: it was
# made for worlds whose factors are independent and rule the image. Take the scores of your own data
# as comparisons of models on the same images, never as marks. They say so themselves:

# %%
scores = evaluate(run, metrics=["mig", "unsupervised_scores"])
print("scored on the distribution:", *run.scores)
rows = [(m, k, v) for m, values in scores["scores"].items() for k, v in values.items()]
print(pd.DataFrame(rows, columns=["metric", "score", "value"]).round(3).to_string(index=False))

# %% [markdown]
# *empirical*: on the images as they come. A table never mixes these with scores on the even grid of
# dSprites.

# %% [markdown]
# ## 4 With none
#
# Then two questions remain. Do the latents depend on each other? That is `unsupervised_scores`, above.
# And: does the model find the same latents again, when it starts from another seed? What comes out
# the same way each time is rather in the data than in the dice. **UDR** (unsupervised disentanglement
# ranking, Duan et al. 2020, arXiv 1905.12614) asks this of every pair of models: do their latents match
# one to one?

# %%
runs = [run, *(train(config) for config in configs[1:])]
matched = metrics.udr([encode(r) for r in runs], seed=seed)
for config, value in zip(configs, matched.values(), strict=True):
    print(f"seed {config.seed}: UDR {value:.2f}")


# %% [markdown]
# (0.9 is the most that it gives, 0 the least.) Of several settings the one with the higher UDR is the
# better guess. But a guess: models can agree on something wrong. In chapter 4 correlated factors turn
# a linear model by an angle that no seed changes.

# %% [markdown]
# ## 5 Correlated after all
#
# Chapter 1 correlated the factors of dSprites by drawing other combinations. Here nobody can draw:
# there are the images that there are. But they can be drawn *more or less often*. An image whose
# factors should have probability $p$ and are shared by $n$ images gets the weight $p / n$:

# %%
def chances(first, second, sigma):
    """Of images with these values of two factors, (N,) each, the chance to be drawn, (N,)."""
    c1, c2 = first / first.max(), second / second.max()
    wanted = np.exp(-((c1 - c2) ** 2) / (2 * sigma**2))  # as in chapter 1, up to a constant
    pairs = np.column_stack([first, second])
    _, pair, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    weights = wanted / count[pair.ravel()]
    return weights / weights.sum()


# %% [markdown]
# `Correlated` does the same. Only a combination of which there is no image at all, no weight brings
# to life.

# %% [markdown]
# ### The first two factors: as they come, and correlated

# %% tags=["report"]
pair = data.scored[:2]
if len(pair) == 2:
    correlated = Correlated(data, {pair: sigma})
    drawn = {"as they come": data, f"σ = {sigma:g}": correlated}
    drawn = {name: world.sample_factors(20_000, rng)[:, :2].T for name, world in drawn.items()}
    plots.joint_histograms(drawn, data.factor_sizes[:2], pair)
else:
    print("This takes two factors or more.")

# %% [markdown]
# *Figure 9.5: How often each pair of values of the first two factors occurs: as they come, and by weights.*

# %%
if len(pair) == 2:
    p = chances(*data.combinations[:, :2].T, sigma)
    print(f"the most likely image is drawn {p.max() * len(data):.0f} times as often as on average")
    batch = correlated.sample(10, rng)
    plots.image_grid(batch, labels=[label(row) for row in batch.factors])


# %% [markdown]
# *Figure 9.6: Ten images drawn by these weights.*

# %% [markdown]
# `TrainConfig(data=correlated, …)` trains on these, and scores are on `data`, as everywhere in this
# book. The price: images with large weights come again and again, and the model may learn them by
# heart. Exercise 3 counts how many images are really left.

# %% [markdown]
# ## Summary
#
# - Images with few or no known factors train like any others. What changes is what can be scored.
# - Scores on data that are not an even grid compare models on the same images, no more.
# - Without factors, ask whether other seeds find the same latents.
# - Weights correlate what was never drawn for it, as far as the combinations exist.
#
# ## Your turn
#
# ```python
# np.savez("my.npz", images=images, factors=factors, names=names)  # the last two if you have them
# ```
# ```
# vaelib data check my.npz --data-option size=64      what is in it
# vaelib train --data my.npz --data-option size=64    a run
# vaelib report --data my.npz -p size 64              this chapter, on your images
# ```

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of each `...` and run the cell; the check tells you how it went.
# [Solutions](solutions/09_your_own_data.ipynb)
#
# **1. To bytes.** Many pipelines give images as floats in [−1, 1]. Make bytes of them.

# %% tags=["nbval-check-output"]
def prepare(images):
    """Floats in [−1, 1] → uint8 in 0..255, the same shape."""
    return ...


exercises.check_prepare(prepare)


# %% [markdown]
# **2. Holes.** How many combinations of the values that occur never occur together?

# %% tags=["nbval-check-output"]
def missing_cells(factors):
    """A whole number, for factors (N, K)."""
    return ...


exercises.check_missing(missing_cells)


# %% [markdown]
# **3. How many are left?** Images are drawn with unequal chances. How many images with *equal* chances
# would repeat themselves as often? (How likely is it that two draws give the same image?)

# %% tags=["nbval-check-output"]
def effective(chances):
    """A number between 1 and N, for chances (N,) that add up to 1."""
    return ...


exercises.check_effective(effective)

# %% [markdown]
# ---
# Before: [8 · A study](08_correlated_study.ipynb) · [Contents](../README.md#the-chapters)
