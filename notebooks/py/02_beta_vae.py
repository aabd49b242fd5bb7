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
# # 2 · β-VAE: a few numbers for each image
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/02_beta_vae.ipynb)
#
# Chapter 1 made images from five factors. Now we go the other way: a model sees only the images and
# must find a few numbers, its *latents*, from which it can draw each image again. Will they be the
# factors?
#
# **You will learn**
# - the whole method in 25 lines of plain torch, and then as the library does it;
# - what the two parts of the loss want, in nats, and what β trades between them;
# - to see which latents are in use and what each one draws, without fooling yourself;
# - what a larger β buys and what it costs.
#
# **Time** 45 minutes to read; the cells compute for about two minutes on two CPU cores. ·
# Before: [1 · Data exploration](01_data_exploration.ipynb) ·
# Next: [3 · Capacity control](03_capacity_control.ipynb) ·
# Words: [glossary](../docs/glossary.md)

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import math
from itertools import product

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from vaelib import __version__, information, pixels, plots, traversal, widgets
from vaelib.datasets import Correlated, DSprites
from vaelib.evaluate import evaluate
from vaelib.exercises import beta_vae as exercises
from vaelib.explorer import explore
from vaelib.fast import budget
from vaelib.live import LivePlot
from vaelib.objectives import BetaVAE
from vaelib.runs import encode, table
from vaelib.train import TrainConfig, load_or_train, train

# %matplotlib inline
print("vaelib", __version__, "· torch", torch.__version__)

# %% tags=["parameters"]
beta: float = 4.0  # weight of the KL in the live trainings [0, 1000]
sigma: float = float("inf")  # correlation of pos_x and pos_y in them; inf is none [0.02, inf]
steps: int = 1500  # of the library's live training [1, 1000000] (smoke 40, full 30000)
seed: int = 0  # of the live trainings and of every random draw [0, 1000000]

# %%
steps, hand_steps, many = budget(steps), budget(400), budget(15_000, smoke=1_000)
rng = np.random.default_rng(seed)
torch.manual_seed(seed)
scores = ["mig", "factor_vae_score"]
data = DSprites() if math.isinf(sigma) else Correlated(DSprites(), {("pos_x", "pos_y"): sigma})

# %% [markdown]
# ## 1 Two networks and a narrow way
#
# The **encoder** looks at an image $x$ and answers with a Gaussian $q(z|x)$, the **posterior**: for each of
# ten latents a mean and a variance, *about here, give or take this much*. A sample $z$ of it goes to the
# **decoder**, which gives each pixel a chance to be white. The loss has two parts:
#
# $$\mathrm{loss} = -\mathbb{E}_{q(z|x)} [\ln p(x|z)] + \beta \, \mathrm{KL}(q(z|x) \, \| \, \mathcal{N}(0, I))$$
#
# The first is the **reconstruction error**: how surprised the decoder is by the image. The second,
# the **KL**, is the price of telling it anything: the distance to the **prior** $\mathcal{N}(0, I)$, mean
# 0 and variance 1 for each latent, which is what one would say without seeing the image. Both are in
# nats, so they can be added.
#
# The price of the code is the sum over its latents, and that of one latent is short enough to do by
# hand:
#
# $$\mathrm{KL}(\mathcal{N}(\mu, s^2) \, \| \, \mathcal{N}(0, 1)) = \frac{1}{2} \left( \mu^2 + s^2 - 1 - \ln s^2 \right)$$
#
# **Predict:** which of these three answers of an encoder costs nothing?

# %% tags=["nbval-check-output"]
answers = {"mean 0, s 1": (0, 1), "mean 2, s 1": (2, 1), "mean 0, s 0.1": (0, 0.1)}
for answer, (mean, s) in answers.items():
    print(f"{answer:14} {(mean**2 + s**2 - 1 - math.log(s**2)) / 2:.2f} nats")

# %% [markdown]
# To answer $\mathcal{N}(0, 1)$, the same about every image, is free. To move the mean or to be precise
# costs, and the model pays only for what helps it to draw.

# %% [markdown]
# ## 2 By hand
#
# All of it in plain torch: two small networks with ten latents, and the two parts of the loss.

# %%
encoder = nn.Sequential(nn.Flatten(), nn.Linear(4096, 400), nn.ReLU(), nn.Linear(400, 20))
decoder = nn.Sequential(nn.Linear(10, 400), nn.ReLU(), nn.Linear(400, 4096))


def loss_terms(images):
    """Reconstruction error and KL of images (B, 1, 64, 64), both in nats an image."""
    mean, logvar = encoder(images).chunk(2, dim=1)  # (B, 10) each
    z = mean + (logvar / 2).exp() * torch.randn_like(mean)  # (B, 10), a sample of q(z|x)
    logits = decoder(z).view_as(images)  # (B, 1, 64, 64)
    wrong = F.binary_cross_entropy_with_logits(logits, images, reduction="none")
    kl = (mean**2 + logvar.exp() - 1 - logvar) / 2  # (B, 10)
    return wrong.sum() / len(images), kl.sum() / len(images)


# %% [markdown]
# **Predict** the loss of the first step. The decoder has learned nothing, so it gives each of the
# 4,096 pixels a chance of about one half. (A fair coin surprises by $\ln 2 = 0.69$ nats.)
#
# The next cell takes about 10 seconds. Expect some 200 nats at its end.

# %%
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
history = []
for step in range(1, hand_steps + 1):
    images = data.sample(64, rng).to("cpu").images
    reconstruction, kl = loss_terms(images)
    loss = reconstruction + beta * kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append((step, loss.item(), reconstruction.item(), kl.item()))
    if step in (1, 10) or step % 100 == 0:
        print(f"step {step:3}  loss {loss.item():5.0f} nats")

# %% [markdown]
# $4096 \ln 2 = 2839$. Then the loss falls below what knowing nothing costs (section 4 of chapter 1):
# from there on the ten numbers must tell something about the image.

# %%
m = data.sample(5_000, rng).images.mean(axis=0).clip(1e-9, 1 - 1e-9)  # the mean image
nothing = -(m * np.log(m) + (1 - m) * np.log(1 - m)).sum()
log = pd.DataFrame(history, columns=["step", "loss", "reconstruction", "kl"])
ax = plots.loss_curves(log)
ax.axhline(nothing, color="grey", lw=0.8)
ax.text(hand_steps, 1.15 * nothing, f"knowing nothing: {nothing:.0f}", ha="right", fontsize=8);

# %% [markdown]
# *Figure 2.1: The training by hand: loss, reconstruction and KL, in nats. The grey line is what the mean image costs.*

# %% [markdown]
# ## 3 With the library
#
# The same in the library: a `TrainConfig` says everything that defines a training, and `train` does
# it. Its loop is the one above, plus a log, checkpoints and a progress bar; a killed training goes
# on where it was. The network is a small convolutional one.
#
# About a minute on two cores, and `LivePlot` lets you watch: the curves, and below them what the
# latents draw by now. Expect a plateau near 600 nats, then a fall to about 150. (Run the cell twice:
# the second time it returns at once, for the finished run is kept in a folder.)

# %%
config = TrainConfig(
    data=data, objective=BetaVAE(beta=beta), steps=steps, seed=seed, checkpoint_every=150
)
run = train(config, on_log=LivePlot(config), progress=False)
print(run.label)

# %% [markdown]
# ### Live training: loss, and KL of each latent

# %% tags=["report"]
plots.losses(run.log);


# %% [markdown]
# *Figure 2.2: The live training with the library. Left: loss and its parts; right: the KL of each latent.*

# %% [markdown]
# The plateau is the cloud of chapter 1: the decoder draws the mean image and the latents are silent.
# Then they wake up all at once. On the right you see them compete: some fall silent again, for a
# latent that does not help with the drawing is not worth its price.

# %% [markdown]
# ### Live training: images and what is left of them

# %%
def drawn_by(run, images):
    """What a run makes of images, as chances to be white, and its error in nats an image."""
    seen = run.vae.reconstruct(images)
    return seen, F.binary_cross_entropy(seen, images, reduction="none").sum((1, 2, 3))


# %% tags=["report"]
batch = data.sample(10, rng).to("cpu")
plots.reconstructions(batch.images, *drawn_by(run, batch.images));


# %% [markdown]
# *Figure 2.3: Ten images (above) and what the live run makes of them (below), with the error of each in nats.*

# %% [markdown]
# Place and size come first: they decide the most pixels, so they save the most nats. The outline
# comes later, if at all.
#
# How much does each latent know about each factor? We cut its values into 20 bins and compute the
# mutual information of chapter 1, on images whose factors are uncorrelated. (A latent cannot tell
# more than its KL, so we set the silent ones to 0: their values differ by a hair, and bins would
# count the hairs.)

# %%
def knowledge(run, kl):
    """The mutual information of each latent and factor, (10, 5), in nats."""
    codes = encode(run, n=many)  # means of q(z|x), with the factors of the images
    knows = information.mutual_information(information.bins(codes.means), codes.factors)
    knows[kl < traversal.ACTIVE_NATS] = 0
    return knows


# %% [markdown]
# ### Live training: which latent knows which factor

# %% tags=["report"]
kl = run.log.filter(regex=r"kl_\d").iloc[-1].to_numpy()
plots.mutual_information(knowledge(run, kl), data.factor_names, kl=kl);

# %% [markdown]
# *Figure 2.4: What each latent (row) knows about each factor (column), in nats, after the live training.*

# %% [markdown]
# A row with one dark cell is a latent that stands for one factor; that is what *disentangled* means.
# Two dark cells in a row: the latent mixes two factors. Two in a column: two latents share one.
#
# Two scores put this into one number each. **MIG** (mutual information gap) asks of each factor how
# much more its best latent knows than the second best, the **FactorVAE score** whether holding a
# factor still can be told from which latent holds still. 1 is best. Each says on which images it was
# computed: a model may be trained on correlated factors and scored on uncorrelated ones.

# %%
worlds = {world.distribution: world for world in (data.uncorrelated(), data)}
for world in worlds.values():
    evaluate(run, world, metrics=scores, n=many)
rows = pd.concat([table([run], distribution) for distribution in run.scores])
rows[["beta", "distribution", *scores]].round(2)

# %% [markdown]
# ## 4 The long run
#
# 1,500 steps are a glimpse. The workbook ships the same model after 30,000 steps; `load_or_train`
# finds it by its configuration, so the next cell takes a second. (If you change the configuration,
# it will train, for half an hour or more.)

# %%
long = load_or_train(TrainConfig(data=DSprites(), objective=BetaVAE(beta=4.0)))
minutes = long.log["seconds"].iloc[-1] / 60
print(f"{long.label}: {long.config.steps:,} steps, trained in {minutes:.0f} minutes")

# %% [markdown]
# **Predict:** ten latents, five factors. How many latents are in use after 30,000 steps, that is,
# have a KL of at least 0.05 nats?

# %%
plots.losses(long.log);

# %% [markdown]
# *Figure 2.5: The long run. Left: loss and its parts; right: the KL of each latent.*

# %% [markdown]
# ### The long run: the KL of each latent

# %% tags=["report"]
sample = DSprites().sample(1_000, rng)
posterior = traversal.aggregate_posterior(long, sample)
plots.kl_bars(posterior.kl);

# %% [markdown]
# *Figure 2.6: The KL of each latent of the long run, by size.*

# %% [markdown]
# The others are switched off. Their $q(z|x)$ is $\mathcal{N}(0, 1)$ for every image: they say
# nothing and cost nothing. Nobody told the model how many numbers an image needs.
#
# Five factors need not mean five latents. Orientation is an angle, and an angle does not fit on a
# line: its two ends would have to meet. A model that keeps all of it needs two latents for it.

# %% [markdown]
# ## 5 What does each latent draw?
#
# Move one latent, hold the others still, decode: a **traversal**. The obvious way starts from
# $z = 0$ and moves each latent from −3 to 3. Do you trust this picture?

# %%
used = posterior.order[posterior.active[posterior.order]]  # the latents in use, by falling KL
values = np.tile(np.linspace(-3, 3, 11), (len(used), 1))  # of each of them, (L, 11)
codes = traversal.codes_along(np.zeros(10), used, values)  # (L, 11, 10)
naive = traversal.decode(long, codes)  # (L, 11, 1, 64, 64)
ax = plots.image_grid(naive.reshape(-1, 1, 64, 64), columns=11)
for line, j in enumerate(used):
    ax.text(-6, 66 * line + 32, f"z{j}", ha="right", va="center", fontsize=9)


# %% [markdown]
# *Figure 2.7: Each row moves one latent from −3 to 3, all others at 0.*

# %% [markdown]
# Sprites shrink to dots and vanish. Has the model ever seen such images? Count the pictures that
# have less white than the smallest sprite there is.

# %%
def too_small(images):
    """How many of these images have less white than any image of dSprites."""
    hearts = np.array(list(product([2], [0], range(40), range(32), range(32))))  # the smallest
    smallest = np.unpackbits(DSprites().packed(hearts), axis=1).sum(axis=1).min()
    white = images.sum(axis=(-1, -2, -3))
    return f"{(white < smallest).sum()} of {white.size} pictures have fewer than {smallest} pixels"


print("from z = 0:", too_small(naive))

# %% [markdown]
# $z = 0$ is the middle of the prior, but hardly any image lives there: what the decoder draws between
# all sprites, it did not learn, and every row of the picture passes through that place. The fix: start
# from the code of a **real image**, and move each latent over the values that it takes on real images.

# %% [markdown]
# ### A traversal that starts from a real image

# %% tags=["report"]
anchor = int((sample.factors[:, :2] == [2, 4]).all(axis=1).argmax())  # a heart, rather large
real = traversal.traverse(long, sample, anchor=anchor)
plots.traversal(real)
print("from a real image:", too_small(real.images[real.active]))

# %% [markdown]
# *Figure 2.8: A traversal that starts from the code of a real heart. Frames mark what is nearest to it; silent latents are pale.*

# %% [markdown]
# Better, not perfect: where latents depend on each other, moving one alone can still leave the data.
# But each row now shows what one latent does to this image, and the silent ones, pale, do nothing.
#
# A picture stands still. The smallest slider that there is takes eight lines (and a running kernel):

# %%
slider = ipywidgets.FloatSlider(min=-3, max=3, description=f"z{used[0]}")
view = ipywidgets.Image(width=192)


def draw(change=None):
    code = traversal.codes_along(posterior.mean[anchor], used[:1], np.array([[slider.value]]))
    view.value = pixels.png(pixels.mosaic(traversal.decode(long, code)))


slider.observe(draw, "value")
draw()
widgets.Pictured([slider, view], image=view)

# %% [markdown]
# *Figure 2.9: The smallest slider: one latent of the real heart's code.*

# %% [markdown]
# ### Move them yourself
#
# And this is the explorer. The networks themselves are inside it, so it needs no kernel: it moves in
# an exported page too (`vaelib explore RUN -o explorer.html` makes one). Grey hills show where the
# codes of the data lie, and the frame of the picture says when you leave them. Try
#
# - **Can you turn the sprite without changing its shape?** Then try it with a square.
# - *Draw* a sprite that is no square, ellipse or heart: a ring, or two sprites at once. What does the
#   model make of it, and does the page warn you?
# - *Predict* asks you which latent does what. Are you better than chance?
# - *Move factors* goes the other way: how many bars move when you change `pos_x` alone?

# %%
explore(long, megabytes=1.1)

# %% [markdown]
# *Figure 2.10: The explorer of the long run: move its latents, or the factors.*

# %% [markdown]
# Another view, in the other direction. Put one heart on all 1,024 places and map what each latent
# says: red is high, blue is low. **Predict:** how does the map of a latent look that stands for
# `pos_x` and nothing else?

# %% [markdown]
# ### What each latent says about the place of one heart

# %% tags=["report"]
places = np.array([[2, 4, 0, x, y] for y in range(32) for x in range(32)])
maps = traversal.aggregate_posterior(long, DSprites().render(places)).mean  # (1024, 10)
with plots.style():
    fig, axes = plt.subplots(1, len(used), figsize=(7, 1.5), squeeze=False)
    for ax, j in zip(axes[0], used, strict=True):
        ax.imshow(maps[:, j].reshape(32, 32), cmap="RdBu_r", vmin=-3, vmax=3)
        ax.set(title=f"z{j}", xticks=[], yticks=[])

# %% [markdown]
# *Figure 2.11: What each latent in use says about one heart at 32 × 32 places: red is high, blue is low.*

# %% [markdown]
# It would be striped from top to bottom. Stripes that lean mean a latent that stands for a *slanted*
# direction, and a ring is a distance from the middle. The loss hardly minds: turn two latents that are
# equally precise into each other, turn the decoder back, and neither the KL nor the reconstruction
# changes. Nothing in the method asks for the factors as *we* name them.

# %% [markdown]
# ### The long run: which latent knows which factor

# %% tags=["report"]
plots.mutual_information(knowledge(long, posterior.kl), data.factor_names, kl=posterior.kl);

# %% [markdown]
# *Figure 2.12: What each latent of the long run knows about each factor, in nats.*

# %% [markdown]
# The column of orientation stays pale, and you know two reasons: for squares and ellipses much of it
# can hardly be seen (section 6 of chapter 1), and an angle fits on no line.

# %% [markdown]
# ## 6 What β buys
#
# β is the price of a nat. Three shipped runs differ in nothing else: β = 1 is the plain VAE, 4 the
# choice of the β-VAE paper for dSprites (Higgins et al. 2017; as a later implementation says,
# YannDubs/disentangling-vae), 8 is dear. **Predict:** what happens to the KL, the reconstruction and
# MIG as β grows?

# %%
sweep = [
    load_or_train(TrainConfig(data=DSprites(), objective=BetaVAE(beta=b))) for b in (1.0, 4.0, 8.0)
]
for one in sweep:
    if not one.scores:  # shipped runs have theirs
        evaluate(one, metrics=scores)
results = table(sweep)
results[["beta", "reconstruction", "kl", *scores, "distribution"]].round(2)

# %% [markdown]
# ### Less information, more error: the price of β

# %% tags=["report"]
plots.rate_distortion(results);

# %% [markdown]
# *Figure 2.13: KL against reconstruction error of the three shipped runs, β = 1, 4 and 8.*

# %% [markdown]
# A model stops paying where the next nat of KL would save less than β nats of reconstruction. So from
# one β to the next, each nat that is given up should cost a number between the two. Does it?

# %%
cost = -results["reconstruction"].diff() / results["kl"].diff()
for i in (1, 2):
    before, after = results["beta"][i - 1], results["beta"][i]
    print(f"from β = {before:g} to {after:g}: {cost[i]:.1f} nats of reconstruction for each of KL")

# %% [markdown]
# What goes first is what helps least, the fine outline.

# %% [markdown]
# ### The same images, drawn with β = 1, 4 and 8

# %% tags=["report"]
originals = DSprites().sample(10, rng).to("cpu").images
drawings = [originals, *(drawn_by(one, originals)[0] for one in sweep)]
ax = plots.image_grid(torch.cat(drawings), columns=10)
for line, label in enumerate(["image", *(f"β = {one.config.objective.beta:g}" for one in sweep)]):
    ax.text(-6, 66 * line + 32, label, ha="right", va="center", fontsize=9)

# %% [markdown]
# *Figure 2.14: Ten images (top) and how the models with β = 1, 4 and 8 draw them.*

# %% [markdown]
# (To play with all three side by side: `explore(*sweep)`. Its *β atlas* sends one image, or your own
# drawing, through all of them.)
#
# And the scores? Small dots are single runs, and here there is one for each β.

# %% [markdown]
# ### MIG of the three shipped runs

# %% tags=["report"]
plots.sweep(results, "beta", "mig").set_ylim(bottom=0);


# %% [markdown]
# *Figure 2.15: MIG of the three shipped runs by β, a single seed each.*

# %% [markdown]
# Take three points for what they are: an anecdote. Another seed gives other latents and another MIG,
# and the order may be another one. Scores become evidence with many seeds, which is what the
# studies of this workbook are for.

# %% [markdown]
# ## 7 Your turn: a world that is correlated
#
# The live trainings drew their images from `data`, and a parameter decides what that is. Set
# `sigma = 0.2` in the parameters cell and run the chapter again, or let a report do it:
#
# ```
# vaelib report 02 -p sigma 0.2 -p beta 8
# ```
#
# **Predict** what happens to the two columns of `pos_x` and `pos_y` in the live heat map, when in the
# training images the one nearly tells the other. Then compare the two scores in section 3: one on
# correlated images, one on uncorrelated ones.

# %% [markdown]
# ## Summary
#
# - A β-VAE pays β for each nat it tells about an image, and tells what saves most reconstruction.
# - Latents that do not pay for themselves fall silent. What is left need not be *our* factors.
# - Start traversals from a real image. Hardly any image has its code near $z = 0$.
# - A larger β keeps less: the KL falls, the drawings blur. Whether it disentangles is a question for
#   many seeds.

# %% [markdown]
# ## Exercises: spot the bug
#
# Four slips that are easily made. Each of these pieces of code runs without an error, and the loss
# falls. Find what is wrong and write it right. [Solutions](solutions/02_beta_vae.ipynb)
#
# **1. The KL.** What does this do to β?
#
# ```python
# kl = -0.5 * torch.mean(1 + logvar - mean.pow(2) - logvar.exp())
# ```

# %% tags=["nbval-check-output"]
def kl(mean, logvar):
    """The KL in nats an image, a tensor of shape (), of means and log variances (B, D)."""
    return ...


exercises.check_kl(kl)


# %% [markdown]
# **2. The sample.** How wide is the Gaussian that this draws from?
#
# ```python
# z = mean + torch.exp(logvar) * torch.randn_like(mean)
# ```

# %% tags=["nbval-check-output"]
def sample_of(mean, logvar, noise):
    """A sample (B, D) of q(z|x), made of noise (B, D) from N(0, 1)."""
    return ...


exercises.check_sample(sample_of)


# %% [markdown]
# **3. The printed loss.** `loss` is the mean over a batch of 128 images. This prints 0.86 for a
# model whose true loss is about 110 nats an image.
#
# ```python
# total += loss.item()
# ...
# print(total / len(dataset))
# ```

# %% tags=["nbval-check-output"]
def average(losses, sizes):
    """Nats an image over all batches, from their mean losses (N,) and numbers of images (N,)."""
    return ...


exercises.check_average(average)


# %% [markdown]
# **4. The traversal.** You know this one by now.
#
# ```python
# z = torch.zeros(len(values), 10)
# z[:, latent] = values
# ```

# %% tags=["nbval-check-output"]
def along(code, latent, values):
    """Codes (S, D): `code` (D,) with one latent at each of `values` (S,). All are tensors."""
    return ...


exercises.check_codes_along(along)

# %% [markdown]
# ---
# Before: [1 · Data exploration](01_data_exploration.ipynb) · [Contents](../README.md#the-chapters) ·
# Next: [3 · Capacity control](03_capacity_control.ipynb)
