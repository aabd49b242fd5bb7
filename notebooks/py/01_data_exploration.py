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
# # 1 · Data exploration: the world behind the pictures
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/01_data_exploration.ipynb)
#
# Before a model learns anything, let us see what it is given. This chapter opens dSprites: small
# pictures of which, for once, we know everything.
#
# **You will learn**
# - what a *factor* is, and how five numbers make 737,280 images;
# - what it means that factors are *correlated*, and how strong a given σ really is;
# - why the orientation of a square can hardly be read;
# - how the first 100,000 images of a file can fool you.
#
# **Time** 30 minutes to read, half a minute to compute. No GPU. · Next: [2 · β-VAE](02_beta_vae.ipynb) ·
# Words: [glossary](../docs/glossary.md)

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import matplotlib.pyplot as plt
import numpy as np

from vaelib import __version__, plots, widgets
from vaelib.datasets import Correlated, DSprites
from vaelib.exercises import data_exploration as exercises
from vaelib.fast import budget
from vaelib.flipbook import flipbook

# %matplotlib inline
print("vaelib", __version__)

# %% tags=["parameters"]
samples: int = 20_000  # images behind each average [100, 1000000] (smoke 2000, full 200000)
sigma: float = 0.2  # correlation of pos_x and pos_y where one is shown; inf is none [0.02, inf]
seed: int = 0  # of every random draw [0, 1000000]

# %%
samples = budget(samples, smoke=2_000)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1 Five numbers make an image
#
# Every dSprites image shows one white sprite on black. Five numbers, its **factors**, decide all
# 64 × 64 pixels; there is nothing else in it.

# %% tags=["nbval-check-output"]
data = DSprites()
for name, size in zip(data.factor_names, data.factor_sizes, strict=True):
    print(f"{name:12} {size:2} values")

# %% [markdown]
# Move them yourself. **Predict first:** one slider has two positions that give exactly the same
# image. Which slider, and which positions? (Section 6 tells.)

# %%
widgets.show_factors(data)


# %% [markdown]
# *Figure 1.1: One slider a factor. Where no kernel runs it is a picture of the first image.*

# %% [markdown]
# The same without a mouse: start from a large upright heart in the middle and change one factor at
# a time.

# %%
def row(factor, columns=8):
    """Images (columns, 1, 64, 64) along one factor; white where it has fewer values."""
    values = np.unique(np.linspace(0, data.factor_sizes[factor] - 1, columns).round().astype(int))
    factors = np.tile([2, 5, 0, 16, 16], (len(values), 1))
    factors[:, factor] = values
    white = np.ones((columns - len(values), *data.image_shape), np.uint8)
    return np.concatenate([data.render(factors), white])


# %% [markdown]
# ### One factor moves, four stand still

# %% tags=["report"]
ax = plots.image_grid(np.concatenate([row(factor) for factor in range(5)]), columns=8)
for line, name in enumerate(data.factor_names):
    ax.text(-6, 66 * line + 32, name, ha="right", va="center", fontsize=9)

# %% [markdown]
# *Figure 1.2: Each row moves one factor through its values; the other four stand still.*

# %% [markdown]
# ## 2 The grid of all images
#
# Every combination of values is one image. How many are there?

# %% tags=["nbval-check-output"]
print(" × ".join(map(str, data.factor_sizes)), f"= {len(data):,} images")

# %% [markdown]
# They stand in a fixed order, like the digits of a number: the last factor, `pos_y`, runs fastest,
# and the first, `shape`, slowest. Remember this order; it will bite us in section 7.

# %% tags=["nbval-check-output"]
print("         index", *(f"{name:>11}" for name in data.factor_names))
for index in (0, 1, 32, 1_024, 245_760):
    print(f"{index:14,}", *(f"{value:11}" for value in data.factors([index])[0]))

# %% [markdown]
# Usually one downloads these images. vaelib draws each when it is asked for: of 65,013 official
# images, 65,004 come out identical and each of the other nine differs in one pixel
# ([data/README.md](../data/README.md); 2,000 of them are compared in the tests).

# %%
plots.image_grid(data.sample(30, rng).images);

# %% [markdown]
# *Figure 1.3: Thirty images drawn at random, every factor uniform.*

# %% [markdown]
# ## 3 Sprites between the pixels
#
# One step of `pos_x` moves a sprite by 32/31 of a pixel, so nearly all sprites lie *between* the
# pixels. **Predict:** does a heart that moves to the right keep its number of white pixels?

# %%
close, labels = [], []
for x in range(0, 32, 4):
    image = data.render(np.array([[2, 0, 0, x, 16]]))[0]  # (1, 64, 64), the smallest heart
    middle = 16 + round(32 * x / 31)
    close.append(image[:, 23:42, middle - 9 : middle + 9])
    labels.append(f"{image.sum()} pixels")
plots.image_grid(np.stack(close), columns=8, labels=labels);


# %% [markdown]
# *Figure 1.4: The smallest heart at eight places. Its number of white pixels changes although only its place does.*

# %% [markdown]
# It does not. So an image cannot be made by shifting another one; each has to be drawn. For an
# upright square that takes ten lines: a pixel is white when its middle lies inside the square, whose
# corners are rounded to 1/256 of a pixel, as graphics cards do it.

# %%
def edges(position, scale):
    """Where a square begins and ends along one axis, in 1/256 of a pixel."""
    centre = 16 + 32 * position / 31
    half = 9.6 * (0.5 + 0.1 * scale)  # its side is 19.2 pixels at the largest scale
    return round(256 * (centre - half)), round(256 * (centre + half))


def square(scale, pos_x, pos_y):
    """The pixels (64, 64) of an upright square."""
    middle = 256 * np.arange(64) + 128  # of each pixel
    (left, right), (top, bottom) = edges(pos_x, scale), edges(pos_y, scale)
    columns = (left <= middle) & (middle < right)
    rows = (top < middle) & (middle <= bottom)
    return rows[:, None] & columns


# %% tags=["nbval-check-output"]
upright = np.array([[0, s, 0, x, y] for s in range(6) for x in range(32) for y in range(32)])
by_hand = np.stack([square(*factors) for factors in upright[:, [1, 3, 4]]])
same = (data.render(upright)[:, 0] == by_hand).all(axis=(1, 2))
print(f"{same.sum():,} of {len(same):,} squares are equal to the library's, pixel for pixel")

# %% [markdown]
# ## 4 The image of someone who knows nothing
#
# Average many images and the sprite dissolves into a cloud. The cloud is the best single guess about
# an image that one has not seen.

# %% [markdown]
# ### How often each pixel is white

# %% tags=["report"]
mean_image = data.sample(samples, rng).images.mean(axis=0)[0]  # (64, 64)
with plots.style():
    fig, ax = plt.subplots(figsize=(3.6, 3))
    picture = ax.imshow(100 * mean_image, cmap="Blues", vmin=0)
    ax.set(xticks=[], yticks=[], title="Mean image")
    fig.colorbar(picture, label="white, in % of the images")

# %% [markdown]
# *Figure 1.5: The mean image: how often each pixel is white. It is what one guesses who knows nothing.*

# %% [markdown]
# How good is that guess? If it gives pixel $p$ the chance $m_p$ to be white, it costs on average
#
# $$H = -\sum_p \left( m_p \ln m_p + (1 - m_p) \ln (1 - m_p) \right)$$
#
# *nats* an image (a nat is a bit with the natural logarithm: 1 nat = 1.44 bits).

# %%
m = mean_image.clip(1e-9, 1 - 1e-9)
print(f"knowing nothing costs {-(m * np.log(m) + (1 - m) * np.log(1 - m)).sum():.0f} nats an image")


# %% [markdown]
# Keep this number in mind. In chapter 2 a model will get stuck at it for a while, and you will know
# what it is drawing.

# %% [markdown]
# ## 5 When factors go together
#
# So far every combination was equally likely. The world is not like that: tall people are heavier,
# cows stand on grass. Träuble et al. (2021, arXiv 2006.07886) tie two factors by one number σ, with
# both factors scaled to $[0, 1]$:
#
# $$p(c_1, c_2) \propto \exp \left( -\frac{(c_1 - c_2)^2}{2 \sigma^2} \right)$$
#
# Small σ ties strongly, and σ = ∞ not at all.

# %%
def joint(sizes, sigma):
    """The probability of each pair of values, (n1, n2), adding up to 1."""
    c1, c2 = (np.arange(size) / (size - 1) for size in sizes)
    p = np.exp(-((c1[:, None] - c2) ** 2) / (2 * sigma**2))
    return p / p.sum()


# %% [markdown]
# Two numbers measure the tie. Pearson's $r$ asks how well a straight line predicts one factor from
# the other. The **mutual information** asks how much the one tells about the other at all:
#
# $$I = \sum_{c_1, c_2} p(c_1, c_2) \ln \frac{p(c_1, c_2)}{p(c_1) \, p(c_2)}$$

# %%
def information(p):
    """The mutual information of two factors with these joint probabilities, in nats."""
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    return (p * np.log(p / independent)).sum()


def pearson(p):
    """The correlation coefficient of two factors with these joint probabilities."""
    x, y = np.indices(p.shape)
    x, y = x - (x * p).sum(), y - (y * p).sum()  # measured from their means
    return (x * y * p).sum() / np.sqrt((x**2 * p).sum() * (y**2 * p).sum())


# %% [markdown]
# **Predict** before you run the next cell: that paper studies σ = 0.7, 0.4 and 0.2. What is $r$ at
# σ = 0.4? Knowing `pos_x` fully would be worth $\ln 32 = 3.47$ nats; how much of it do you get?

# %% tags=["nbval-check-output"]
strengths = (np.inf, 0.7, 0.4, 0.2)
for s in strengths:
    p = joint((32, 32), s)
    print(f"σ = {s:<4}  r = {pearson(p):.2f}   I = {information(p):.2f} nats")

# %% [markdown]
# Surprised? σ = 0.7 is next to nothing and 0.4 is weak; only 0.2 is a marked correlation. When a
# paper says "correlated", ask for $r$.

# %% [markdown]
# ### Where the pairs of positions fall

# %% tags=["report"]
pair = ("pos_x", "pos_y")
histograms = {}
for s in strengths:
    p = joint((32, 32), s)
    title = f"σ = {s}\nr = {pearson(p):.2f}, I = {information(p):.2f}"
    drawn = Correlated(data, {pair: s}).sample_factors(10 * samples, rng)
    histograms[title] = (drawn[:, 3], drawn[:, 4])
plots.joint_histograms(histograms, (32, 32), pair);


# %% [markdown]
# *Figure 1.6: How often each pair of positions occurs, from independent (left) to strongly tied (right). Above: correlation r and mutual information I in nats.*

# %% [markdown]
# Those are many draws. You rarely have so many, so here are 300. Move σ. **From which value on
# would you have noticed the tie without the numbers?**

# %%
def crowd(s):
    """300 pairs of positions drawn at σ = s, as a picture."""
    drawn = Correlated(data, {pair: s}).sample_factors(300, np.random.default_rng(seed))
    with plots.style():
        ax = plt.subplots(figsize=(3.2, 3))[1]
        ax.plot(drawn[:, 3], drawn[:, 4], "o", ms=3, alpha=0.6)
        ax.set(xlabel="pos_x", ylabel="pos_y", xlim=(-1, 32), ylim=(-1, 32), aspect="equal")
    return ax


flipbook(crowd, (np.inf, 1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05), name="σ")

# %% [markdown]
# *Figure 1.7: 300 draws of the two positions; the slider moves σ.*

# %% [markdown]
# `Correlated(data, {pair: sigma})` is again a data set: it draws factors from exactly this formula
# and renders them. (The code that Träuble et al. released draws a blurred line instead, which is a
# stronger tie; `style="line"` gives it.)
#
# One of the next two rows comes from the correlated world. **Predict:** upper or lower?

# %%
tied = Correlated(data, {pair: sigma})
worlds = [data, tied]
places = rng.permutation(2)  # which world goes into which row
rows = [worlds[place].sample(10, rng).images for place in places]
plots.image_grid(np.concatenate(rows), columns=10);

# %% [markdown]
# *Figure 1.8: Two rows, one from each world, in an order that was drawn.*

# %% [markdown]
# Ten images hardly tell. No single picture is odd, for every combination can still occur; only the
# crowd gives it away.

# %% [markdown]
# ### The crowd gives it away: mean images of both worlds

# %% tags=["report"]
with plots.style():
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.6))
    for ax, place, name in zip(axes, places, ("upper row", "lower row"), strict=True):
        ax.imshow(worlds[place].sample(samples, rng).images.mean(axis=0)[0], cmap="Blues", vmin=0)
        ax.set(xticks=[], yticks=[], title=f"{name}: {worlds[place].distribution}")

# %% [markdown]
# *Figure 1.9: The mean images of the same two worlds. In the correlated one the cloud leans to the diagonal.*

# %% [markdown]
# ## 6 Twins: one image, several truths
#
# A model sees pixels, not factors. If two factor vectors give the *same* image, no model can tell
# them apart. Turn each shape and count the pixels that differ from where it began.

# %% [markdown]
# ### How far a turned shape is from its start

# %% tags=["report"]
turns = np.arange(40)
with plots.style():
    fig, ax = plt.subplots(figsize=(6, 2.8))
    for shape, name in enumerate(("square", "ellipse", "heart")):
        images = data.render(np.array([[shape, 5, turn, 16, 16] for turn in turns]))
        ax.plot(turns, (images != images[0]).sum(axis=(1, 2, 3)), label=name)
    ax.set(xlabel="orientation", ylabel="pixels that differ\nfrom orientation 0", ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# *Figure 1.10: In how many pixels a turned shape differs from where it began.*

# %% [markdown]
# The heart comes back only after a full turn. The ellipse nearly returns after half a turn and the
# square after every quarter, at 10 and 29 without one wrong pixel. (At 19 and 20 they miss: 39 steps
# do not divide into quarters, so whether a twin is exact is left to chance.)
#
# The two ends are the answer to the question of section 1: orientation 39 is a full turn, so it
# equals orientation 0. Let us ask for *every* sprite at every place.

# %% tags=["nbval-check-output"]
first = data.factors(np.arange(len(data)))
first = first[first[:, 2] == 0]
last = first + [0, 0, 39, 0, 0]
same = (data.packed(first) == data.packed(last)).all(axis=1)
print(f"{same.sum():,} of {len(first):,} sprites look the same at orientation 0 and 39")

# %% [markdown]
# There are twins by chance too. Here are all orientations of the large square in the middle:

# %% tags=["nbval-check-output"]
squares = data.render(np.array([[0, 5, turn, 16, 16] for turn in range(39)]))
differing = (squares[:, None] != squares[None]).sum(axis=(2, 3, 4))  # (39, 39) pixels
twins = [(a, b) for a in range(39) for b in range(a) if differing[a, b] == 0]
print("same image at orientations", *(f"{b} and {a}," for a, b in twins))

# %%
shown = [0, 10, 29, 5, 34]
plots.image_grid(squares[shown], columns=5, labels=[f"orientation {turn}" for turn in shown]);


# %% [markdown]
# *Figure 1.11: The square at orientations that give one image, and at others.*

# %% [markdown]
# Over the whole grid, 18,432 images are lost to orientation 39 and 3,142 more to chance: 2,620
# squares, 522 ellipses, no heart. dSprites has 737,280 images but only 715,706 different ones
# ([data/README.md](../data/README.md) has these counts).
#
# All others can be told apart in principle: only 3.6 % of the squares' images are lost. But by how
# little! Turn a square by ten steps, and of its 220 pixels (on average) some 8 change (the median
# of 2,000 squares drawn at random).
#
# **So what?** A score that asks for the orientation of squares asks for what hangs on a handful of
# pixels. That is why vaelib reports every score a second time without orientation.

# %% [markdown]
# ## 7 A classic slip: the first 100,000 images
#
# The full set is large, so it is tempting to take `range(100_000)` of it "as a random subset". Run
# this; it looks harmless. **Predict** what goes wrong. (Hint: section 2.)

# %%
def require_all_values(data, factors):
    """ValueError unless each factor takes all its values in these factor vectors."""
    for name, size, column in zip(data.factor_names, data.factor_sizes, factors.T, strict=True):
        found = len(np.unique(column))
        if found < size:
            raise ValueError(f"{name} takes only {found} of its {size} values")


# %% tags=["nbval-check-output"]
subset = np.arange(100_000)
try:
    require_all_values(data, data.factors(subset))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# The file is sorted by shape, then by scale. Its first 100,000 images are *all squares*, and small
# ones: a model trained on them cannot learn shape, for it has never seen one change.

# %% [markdown]
# ### The first 100,000 images (above) and 100,000 drawn at random (below)

# %% tags=["report"]
drawn = rng.choice(len(data), size=100_000, replace=False)
above, below = (data.factors(part[::10_000]) for part in (subset, drawn))
plots.image_grid(data.render(np.concatenate([above, below])), columns=10);

# %% [markdown]
# *Figure 1.12: Ten of the first 100,000 images (above), and ten of 100,000 drawn at random (below): the first part of the file holds squares alone.*

# %% [markdown]
# The fix is one line: draw the indices at random. (`data.sample(n, rng)` does so as well.)

# %% tags=["nbval-check-output"]
require_all_values(data, data.factors(drawn))
print("all values of all factors are there")


# %% [markdown]
# ## Summary
#
# - An image of dSprites is five numbers: shape, scale, orientation and two positions.
# - Correlation is a property of the crowd, not of an image. σ = 0.4 sounds strong and is weak.
# - Squares and ellipses all but hide which quarter or half of a turn they made: that hangs on a
#   handful of pixels.
# - A file may be sorted. Draw at random, then check what you drew.

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of each `...` and run the cell; the check tells you how it went.
# [Solutions](solutions/01_data_exploration.ipynb)
#
# **1. Index.** Section 2 said that the images are ordered like the digits of a number. Compute the
# index of each factor vector, without `data.index`.

# %% tags=["nbval-check-output"]
def index_of(factors, sizes):
    """Factor vectors (N, K) of factors with these sizes: their indices in the grid, (N,)."""
    return ...


exercises.check_index_of(index_of)

# %% [markdown]
# **2. How strong is strong?** At which σ is the correlation of `pos_x` and `pos_y` $r = 0.50$? Use
# `joint` and `pearson` from above.

# %% tags=["nbval-check-output"]
exercises.check_sigma(...)

# %% [markdown]
# **3. Twins.** Find two orientations, neither of them 39, at which some ellipse gives the same image.
# Give both factor vectors. (Shape 1 is the ellipse; small ones have more twins.)

# %% tags=["nbval-check-output"]
exercises.check_twins(..., ...)


# %% [markdown]
# **4. An honest split.** Return the indices of `train` images to learn from and of `test` images to
# test on, drawn with `rng`. No index may be in both, and both parts must hold every value of every factor.
# (A few twins of section 6 may still be in both.)

# %% tags=["nbval-check-output"]
def split(data, train, test, rng):
    """Two arrays of indices, (train,) and (test,)."""
    return ...


exercises.check_split(split)

# %% [markdown]
# ---
# [Contents](../README.md#the-chapters) · Next: [2 · β-VAE](02_beta_vae.ipynb)
