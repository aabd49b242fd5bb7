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
# # 6 · Metrics: what a score sees, and what it misses
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/06_metrics.ipynb)
#
# A model is trained. Is it disentangled? More than a dozen scores claim to answer, and they disagree,
# because each was made with one kind of failure in mind. This chapter makes codes *by hand*, whose
# faults we know, and looks at which score sees which fault.
#
# **You will learn**
# - three scores by hand, and what a dozen of them ask;
# - a code that fools each of them, and why one number is never enough;
# - why a perfect code of dSprites does not get a 1;
# - how a turned code comes to look *better* than the truth, on correlated images;
# - what error bars say, and to read a table of scores without fooling yourself.
#
# **Time** 45 minutes to read; the cells compute for about a minute on two CPU cores. ·
# Before: [5 · Pairwise β](05_pairwise_beta.ipynb) · Next: [7 · Adaptive architecture](07_adaptive_architecture.ipynb) ·
# Words: [glossary](../docs/glossary.md)

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier

from vaelib import __version__, metric_lab, metrics, plots, sanity
from vaelib.datasets import Correlated, DSprites
from vaelib.evaluate import sanity_scores, score, standard_errors
from vaelib.exercises import metrics as exercises
from vaelib.fast import budget
from vaelib.information import standardised
from vaelib.paths import shipped_dir
from vaelib.runs import encode, find, table
from vaelib.types import Codes

# %matplotlib inline
print("vaelib", __version__)

# %% tags=["parameters"]
samples: int = 3_000  # codes behind each score [600, 100000] (smoke 900, full 15000)
sigma: float = 0.1  # correlation of pos_x and pos_y where the model's images have one [0.02, inf]
resamples: int = 10  # random halves behind each error bar [2, 1000] (smoke 2, full 50)
seed: int = 0  # of every random draw [0, 1000000]

# %%
samples, many = budget(samples, smoke=900), budget(15_000, smoke=900)
resamples = budget(resamples, smoke=2)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1 Nine codes made by hand
#
# To a score, a model is two tables with one row an image: the *codes*, one column a latent, and the
# *factors* that made the image. So we need no model, and not even images. Here is a small world of
# four independent factors:

# %%
names, sizes = ("shape", "size", "x", "y"), (3, 4, 6, 6)
factors = rng.integers(0, sizes, size=(samples, 4))  # (N, 4)
shape, size, x, y = factors.T
own = standardised(factors)  # one latent a factor, each with mean 0 and standard deviation 1


# %% [markdown]
# And nine codes of it: a perfect one, and eight with a fault each.

# %%
def turn(means, first, second, degrees):
    """Two latents turned in their plane; the others stay."""
    means, angle = means.copy(), np.radians(degrees)
    a, b = means[:, first].copy(), means[:, second].copy()
    means[:, first] = np.cos(angle) * a - np.sin(angle) * b
    means[:, second] = np.sin(angle) * a + np.cos(angle) * b
    return means


def columns(*latents):
    """Latents as the columns of a code, each with standard deviation 1."""
    return standardised(np.column_stack(latents).astype(float))


mixing = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
means = {
    "perfect": own,
    "45° pair": turn(own, 2, 3, 45),  # x and y turned into each other
    "doubled": np.hstack([own, own]),  # two latents for each factor
    "split": columns(shape, size, x // 2, x % 2, y // 2, y % 2),  # x and y in two digits each
    "packed": columns(4 * shape + size, x, y),  # one latent holds two factors
    "mixed": own @ mixing,  # all four turned into each other
    "noisy": own + rng.normal(0, 0.5, own.shape),
    "random": rng.standard_normal(own.shape),
    "constant": np.zeros_like(own),
}
codes = {
    name: Codes(z + (name != "constant") * rng.normal(0, 0.05, z.shape), factors, names)
    for name, z in means.items()
}


# %% [markdown]
# All but the last got a little noise, as a model's have. How much does each latent know about each
# factor? We cut the latent into 20 bins, count, and express the mutual information of chapter 1 as a
# *part of the factor's entropy*: 1 is everything.

# %%
def entropy(*columns):
    """The entropy of these columns of whole numbers together, in nats."""
    _, counts = np.unique(np.stack(columns), axis=1, return_counts=True)
    return -(counts / counts.sum() * np.log(counts / counts.sum())).sum()


def known(latent, factor):
    """The part of a factor's entropy that a latent knows, both (N,)."""
    bins = np.digitize(latent, np.histogram_bin_edges(latent, 20)[:-1])
    return (entropy(bins) + entropy(factor) - entropy(bins, factor)) / entropy(factor)


# %% [markdown]
# ### Nine codes: what each latent (row) knows about each factor (column)

# %% tags=["report"]
with plots.style():
    fig, axes = plt.subplots(1, 9, figsize=(plots.WIDTH, 2.1), sharey=True)
    for ax, (name, code) in zip(axes, codes.items(), strict=True):
        knows = [[known(z, v) for v in factors.T] for z in code.means.T]
        ax.imshow(knows, cmap="Blues", vmin=0, vmax=1)
        ax.set_title(name, fontsize=8)
        ax.set_xticks(range(4), names, rotation=90)
        ax.set_yticks(range(8), [f"z{j}" for j in range(8)])
        ax.spines[:].set_visible(False)
        ax.set_ylim(7.5, -0.5)
        ax.tick_params(length=0)


# %% [markdown]
# *Figure 6.1: Nine codes that were made by hand: what each latent (row) knows about each factor (column), from nothing (white) to all (blue).*

# %% [markdown]
# **Predict:** a score is one number for such a picture. Which of the nine would you call
# disentangled, and which would you take home if you could not have the perfect one?

# %% [markdown]
# ## 2 Three scores by hand
#
# ### MIG asks each factor: is there one latent that knows you, and no other?
#
# The **mutual information gap** (Chen et al. 2018, arXiv 1802.04942) is, for each factor, what the best
# latent knows minus what the second best knows. With `known` it is one line.

# %%
def mig(z, v):
    """The mutual information gap of latents (N, D) and factors (N, K)."""
    knows = np.sort([[known(latent, factor) for factor in v.T] for latent in z.T], axis=0)
    return (knows[-1] - knows[-2]).mean()


# %% tags=["nbval-check-output"]
same = [np.isclose(mig(c.means, factors), metrics.mig(c)["mig"]) for c in codes.values()]
print("MIG by hand is the library's on all nine codes:", all(same))


# %% [markdown]
# ### The FactorVAE score asks: which latent stands still?
#
# Kim & Mnih (2018, arXiv 1802.05983) hold a factor fixed, draw 64 codes that share its value, and name
# the latent that moves least. If each latent is named for one factor only, the name tells the factor.

# %%
def vote(z, v, rng):
    """A factor that is held fixed, and the latent that then moves least."""
    fixed = rng.integers(v.shape[1])
    value = rng.choice(v[:, fixed])
    rows = rng.choice(np.flatnonzero(v[:, fixed] == value), size=64)
    return fixed, (z[rows].var(axis=0) / z.var(axis=0)).argmin()


def factor_vae_score(z, v, rng, votes=1_000):
    """How often a latent's usual factor is the one that was fixed."""
    train, test = np.zeros((2, v.shape[1], z.shape[1]))  # votes by factor and latent
    for count in (train, test):
        for _ in range(votes):
            count[vote(z, v, rng)] += 1
    return test[train.argmax(axis=0), np.arange(z.shape[1])].sum() / votes


# %%
for name in ("perfect", "45° pair", "packed", "random"):
    ours = factor_vae_score(codes[name].means, factors, np.random.default_rng(seed))
    library = metrics.factor_vae_score(codes[name])["factor_vae_score"]
    print(f"{name:10} by hand {ours:.2f}   library {library:.2f}")


# %% [markdown]
# (Equal up to chance: a thousand votes have a standard error of 0.01. The library uses 20,000.)
#
# ### DCI asks a learner what it needs
#
# Eastwood & Williams (2018) let trees predict each factor from the code, and look which latents the
# trees used. Two questions to the table of importances: does a latent (row) serve one factor?
# That is **disentanglement** D. Does a factor (column) need one latent? That is **completeness** C.

# %%
def importances(z, v):
    """How much boosted trees that predict each factor use each latent: (D, K)."""
    trees = [GradientBoostingClassifier(random_state=0).fit(z, factor) for factor in v.T]
    return np.column_stack([tree.feature_importances_ for tree in trees])


def concentration(table):
    """1 − entropy of each row, in units of its maximum; the mean, weighted by the rows' sums."""
    share = table / table.sum(axis=1, keepdims=True).clip(1e-12)
    entropies = -(share * np.log(share.clip(1e-12))).sum(axis=1) / np.log(table.shape[1])
    return np.average(1 - entropies, weights=table.sum(axis=1))


# %% [markdown]
# On the packed code, where one latent holds shape and size. **Predict:** which of D and C suffers?

# %%
some = codes["packed"][:600]
used = importances(some.means, some.factors)
print(pd.DataFrame(used, ["z0", "z1", "z2"], names).round(2), "\n")
print(f"by hand: D = {concentration(used):.2f}   C = {concentration(used.T):.2f}")
library = metrics.dci(codes["packed"])
print(f"library: D = {library['disentanglement']:.2f}   C = {library['completeness']:.2f}")

# %% [markdown]
# C is content, for every factor has its latent. D is not. (The third number of DCI is the accuracy of
# the trees, **informativeness** I. The library grows its trees in a faster way; D, C and I stay
# within 0.03 of disentanglement_lib's on two codes, tests/test_metrics_reference.py.)

# %% [markdown]
# ## 3 Predict, then reveal
#
# Thirteen scores, nine codes. In all of them 1 is the best. Those that are new: the BetaVAE score asks a
# linear classifier which factor two images share, from the difference of their codes. Explicitness asks
# how well a linear classifier ranks the values of a factor. InfoM, InfoC and InfoE (Hsu et al. 2023, arXiv
# 2305.18378) ask for modular, compact and explicit in terms of information. IRS (Suter et al. 2019, arXiv
# 1811.00007) asks whether a latent stays put while everything but its own factor changes.
#
# **Predict** before you run the next cells:
#
# 1. Which scores give the *doubled* code full marks, and which give it nothing?
# 2. Which score does not mind the *packed* code at all?
# 3. How many of them give *random* noise a zero?

# %%
COLUMNS = {
    "BetaVAE": ("beta_vae_score", "beta_vae_score"),
    "FactorVAE": ("factor_vae_score", "factor_vae_score"),
    "modularity": ("modularity", "modularity"),
    "D (DCI)": ("dci", "disentanglement"),
    "InfoM": ("infomec", "infom"),
    "MIG": ("mig", "mig"),
    "SAP": ("sap", "sap"),
    "C (DCI)": ("dci", "completeness"),
    "InfoC": ("infomec", "infoc"),
    "I (DCI)": ("dci", "informativeness"),
    "explicitness": ("explicitness", "explicitness"),
    "InfoE": ("infomec", "infoe"),
    "IRS": ("irs", "irs"),
}


def row(scores, wanted=COLUMNS):
    """Of the scores of one code, {metric: {value: number}}, those that a table shows."""
    return {label: scores[metric][value] for label, (metric, value) in wanted.items()}


def score_map(table):
    """Numbers in [0, 1] as a heat map: one code a row, one score a column."""
    with plots.style():
        ax = plt.subplots(figsize=(plots.WIDTH, 0.9 + 0.25 * len(table)))[1]
        ax.imshow(table, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
        for (line, column), value in np.ndenumerate(table.to_numpy()):
            colour = "white" if value > 0.7 else "black"
            how = {"ha": "center", "va": "center", "fontsize": 7.5, "color": colour}
            ax.text(column, line, f"{value:.2f}", **how)
        ax.xaxis.tick_top()
        ax.set_xticks(range(table.shape[1]), table.columns, rotation=35, ha="left")
        ax.set_yticks(range(len(table)), table.index)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    return ax


# %%
asked = sorted({metric for metric, _ in COLUMNS.values()})
seen = pd.DataFrame({name: row(score(code, asked, seed)) for name, code in codes.items()}).T

# %% [markdown]
# ### What thirteen scores say about nine codes

# %% tags=["report"]
score_map(seen);

# %% [markdown]
# *Figure 6.2: What thirteen scores (columns) say about the nine codes (rows).*

# %% [markdown]
# - **Doubled** gets full marks from all that ask the *latents* (up to InfoM), and 0 from MIG and SAP,
#   which allow each factor one latent only.
# - **Packed** is all but perfect for those that ask the *factors*, MIG, C and InfoC: a latent with
#   two factors costs them nothing. (SAP sees it, by the way: no line cuts twelve values in four. And
#   the BetaVAE score, which asks the latents, does not see it.)
# - **Mixed** is a turn of all four, but no even one: z1 is still 84 % shape and z3 90 % x, while z0
#   and z2 share size and y. The FactorVAE score is high, as the stillest latent is all that it looks
#   at. (Mix evenly, `own @ scipy.linalg.hadamard(4) / 2`, and it falls to 0.28, hardly more
#   than noise gets.)
# - **Noisy** has one latent for each factor, and MIG, C and D lose 0.4 to 0.5: they mix *where*
#   something is known with *how well*.
# - **Random** is not 0 everywhere. Modularity and InfoC give more than half a mark away, explicitness
#   half, InfoM and IRS a third. A number means little until you know what noise gets.
# - Even **perfect** is no 1 everywhere: SAP asks one linear classifier to tell six values apart, and
#   IRS stops at 0.92.

# %% [markdown]
# ## 4 The laboratory
#
# The same world in your hands: turn x and y into each other, give x a second latent, add noise, make x
# and y correlated. **Predict** for each slider which bar moves first, and which never does. (The orange
# marks are the clean code; *upright* is 1 − angle/45°.)

# %%
metric_lab.metric_lab()

# %% [markdown]
# *Figure 6.3: The laboratory. Where no kernel runs it is a picture of the clean code's scores.*

# %% [markdown]
# Without a kernel one slider still moves, the turning of x and y:

# %% [markdown]
# ### A pair turns, and the scores with it

# %% tags=["report"]
metric_lab.turning()

# %% [markdown]
# *Figure 6.4: The scores while x and y are turned in their plane; the slider moves the angle.*

# %% [markdown]
# - *I* never moves: trees can undo a rotation. Nor need a user of the code care, if a tree is all that
#   ever reads it.
# - The FactorVAE score and the BetaVAE score stay at 1 until the pair is nearly at 45°, and there they
#   fall all at once. A model at 30° gets full marks from both.
# - *upright* and the MIG of the pair move from the first degrees on. They look at this pair alone; in
#   the mean over all factors one turned pair is diluted by the others.
# - Turn a pair by 90° and all is as before: which latent holds which factor is nobody's business.
#
# In the laboratory, copy x with a size of 0.2: MIG falls from 0.98 to 0.88, for it asks what the copy
# tells and not how *large* it is (a full-grown copy: 0.74). And look at C: it stays at 0.99 (with a
# full-grown copy it is 0.89). Trees take the cleaner of two latents, so that a copy escapes them while
# it is noisier than the original. Then correlate x and y without turning anything. We come back to
# that.

# %% [markdown]
# ## 5 No score is enough
#
# Which is the better code, doubled or packed?

# %%
contradicting = ["FactorVAE", "modularity", "D (DCI)", "MIG", "C (DCI)", "InfoC"]
print(seen.loc[["doubled", "packed"], contradicting].round(2).to_string())

# %% [markdown]
# The two groups of scores contradict each other, and no number of samples will settle it: they ask
# different questions. So report one of each:
#
# - **modular**: does a latent speak about one factor only? (D, modularity, InfoM, FactorVAE score)
# - **compact**: does a factor speak through one latent only? (C, InfoC, MIG, SAP)
# - **explicit**: is it there at all, and easy to read? (I, explicitness, InfoE)
#
# But not modularity, InfoM or InfoC alone: they do not ask *how much* is known, and give even noise a
# good part of the marks (section 10).

# %% [markdown]
# ### One number cannot order a plane: modular (D) against compact (C)

# %% tags=["report"]
with plots.style():
    ax = plt.subplots(figsize=(4.2, 3.4))[1]
    for name, place in seen[["C (DCI)", "D (DCI)"]].iterrows():
        ax.plot(*place, "o", color=plots.COLOURS[0])
        above = 6 if name in ("doubled", "constant") else -3
        ax.annotate(name, place, (6, above), textcoords="offset points", fontsize=8)
    ax.set(xlim=(-0.05, 1.22), ylim=(-0.06, 1.09), xlabel="C: compact", ylabel="D: modular")

# %% [markdown]
# *Figure 6.5: Completeness against disentanglement (DCI) of the nine codes.*

# %% [markdown]
# Which one matters is up to what you want to do. To *change* one factor by moving one latent, you need
# a modular code: packed would change shape and size together. To *store* or *name* a factor, you need a
# compact one.

# %% [markdown]
# ## 6 The ceiling: what dSprites allows
#
# Now the factors of dSprites, with up to 40 values. Two codes: one that knows every factor (with a
# little noise), and the best to be expected of a *model*: squares look nearly the same after a
# quarter of a turn and ellipses after half a turn, so orientation is read only up to that. (In
# principle a few pixels tell more, chapter 1.)

# %%
data = DSprites()
grid = np.array(data.factor_sizes)


def scaled(values):
    """One latent a factor of dSprites (N, 5); over all images mean 0, standard deviation 1."""
    return (values - (grid - 1) / 2) / np.sqrt((grid**2 - 1) / 12)


world = data.sample_factors(many, rng)
knowing = scaled(world)
period = np.array([39 / 4, 39 / 2, 39])[world[:, 0]]  # steps after which a shape looks the same
visible = knowing.copy()
visible[:, 2] = standardised((world[:, [2]] % period[:, None]) / 39)[:, 0]
best = {
    name: Codes(z + rng.normal(0, 0.1, z.shape), world, data.factor_names)
    for name, z in (("all known", knowing), ("what can be seen", visible))
}

# %% [markdown]
# **Predict:** the first code lacks nothing. Does it get a MIG of 1?

# %%
ceilings = {}
labels = ("FactorVAE", "modularity", "D (DCI)", "MIG", "C (DCI)", "I (DCI)")
few = {label: COLUMNS[label] for label in labels}
asked = sorted({metric for metric, _ in few.values()})
without = [name for name in data.factor_names if name != "orientation"]
for name, code in best.items():
    ceilings[f"{name}, all factors"] = row(score(code, asked, seed), few)
    ceilings[f"{name}, without orientation"] = row(score(code.select(*without), asked, seed), few)

# %% [markdown]
# ### The best scores on dSprites, with and without orientation

# %% tags=["report"]
score_map(pd.DataFrame(ceilings).T);


# %% [markdown]
# *Figure 6.6: The scores of two ideal codes of dSprites, with orientation in the question and without.*

# %% [markdown]
# - 20 bins cannot tell 40 values apart, and with noise trees cannot either: in D, MIG, C and I *all
#   known* stays well below 1.
# - *What can be seen* loses more, for it leaves out what hangs on a few pixels, which a VAE hardly
#   draws. This is about the ceiling to be expected of models.
# - Without orientation in the question the two codes are nearly equal again, but for MIG, 0.79 and
#   0.71 (a folded angle has a range that tells the shape), and modularity, 0.94 and 1.00.
#
# So a MIG of 0.4 on dSprites is not "40 %". That is why every `scores.json` holds the scores a second
# time, without orientation.

# %% [markdown]
# ## 7 The illusion
#
# Chapter 1 tied `pos_x` to `pos_y` by σ. Take two codes of these factors, the perfect one and the 45°
# pair. Nothing about the codes will change now; only the *images on which we score them*.
#
# One more score by hand, since its formula is so short: **SAP** in the form for numbers (Kumar et al.
# 2018, arXiv 1711.00848) takes the squared correlation of latent and factor, and again the gap between
# the best latent and the second best.

# %%
def sap(z, v):
    """The gap of squared correlations of latents (N, D) and factors (N, K)."""
    together = np.corrcoef(z.T, v.T)[: z.shape[1], z.shape[1] :]
    squared = np.sort(together**2, axis=0)
    return (squared[-1] - squared[-2]).mean()


# %% tags=["nbval-check-output"]
c = codes["mixed"]
print("the same:", np.isclose(sap(c.means, factors), metrics.sap(c)["sap_continuous"]))

# %% [markdown]
# **Predict:** when the correlation $r$ of the two positions grows, whose SAP falls and whose rises?

# %%
pair = ("pos_x", "pos_y")
TURNS = {"perfect": 0, "45° pair": 45}


def position_codes(s):
    """Codes of images whose positions are tied by σ = s: the perfect ones, and the turned ones."""
    drawn = Correlated(data, {pair: s}).sample_factors(samples, np.random.default_rng(seed))
    noise = np.random.default_rng(seed + 1).normal(0, 0.1, (samples, 2))
    return {
        name: Codes(turn(scaled(drawn)[:, 3:], 0, 1, angle) + noise, drawn[:, 3:], pair)
        for name, angle in TURNS.items()
    }


rows = []
for s in (np.inf, 0.6, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05):
    for name, code in position_codes(s).items():
        r = np.corrcoef(code.factors.T)[0, 1]
        values = sap(code.means, code.factors), metrics.mig(code)["mig"]
        rows.append((s, r, name, *values, metrics.plane_angle(code)["max"]))
tied = pd.DataFrame(rows, columns=["sigma", "r", "code", "SAP", "MIG", "angle"])

# %% [markdown]
# ### Two codes that stay as they are, scored on more and more correlated images
# Far left: uncorrelated. Dotted: the closed forms $1 - \rho^2$ and $\rho$

# %% tags=["report"]
with plots.style():
    fig, axes = plt.subplots(1, 3, figsize=(plots.WIDTH, 2.7))
    for ax, label in zip(axes, ("SAP", "MIG", "angle"), strict=True):
        for name, lines in tied.groupby("code", sort=False):
            ax.plot(lines["r"], lines[label], marker=".", label=name)
        ax.set(xlabel="correlation of the test images", title=label, xlim=(-0.03, 1))
    rho = np.linspace(0, 1)
    axes[0].plot(rho, 1 - rho**2, color="black", ls=":", lw=0.8)
    axes[0].plot(rho, rho, color="black", ls=":", lw=0.8)
    axes[2].set(ylabel="degrees", ylim=(-2, 47))
    axes[2].legend(loc="center")

# %% [markdown]
# *Figure 6.7: Two codes that stay as they are, scored on more and more correlated images. Dotted: what theory says.*

# %% [markdown]
# On uncorrelated images (far left) every score knows which code is which. On strongly correlated ones
# **the turned code gets the better marks**, and the truth looks entangled:
#
# - *perfect*: the latent of `pos_x` now also tells about `pos_y`, for the two go together. Hardly a gap
#   is left.
# - *45° pair*: $x + y$ tells nearly all about both positions, and $x - y$ has nothing left to tell. A
#   wide gap, because both factors sit in *one* latent.
#
# Of the three only the angle is not fooled: it regresses each latent on *both* factors at once.

# %% [markdown]
# ### A failure: scoring on the distribution one trained on
# A model of a correlated world may well *have* such a turned code (chapter 4; Träuble et al. 2021,
# arXiv 2006.07886), and the images at hand are from that same world. So the natural test set is just
# the one that cannot see the fault:

# %%
for s in (sigma, np.inf):
    found = {name: metrics.mig(code)["mig"] for name, code in position_codes(s).items()}
    marks = ", ".join(f"MIG {value:.2f} for {name}" for name, value in found.items())
    print(f"test images with σ = {s:<4} {marks} → {max(found, key=found.get)}")

# %% [markdown]
# **The fix** is one call: `run.config.data.uncorrelated()` draws images with independent factors, and
# `evaluate(run)` uses it unless you say otherwise. Every score in vaelib carries the word
# `uncorrelated`, `correlated` or, for images as they come (chapter 9), `empirical`, and no table
# mixes them. (`own` is for a data set that you write yourself, with its own way to draw factors.) Trained models, too, are two models when they are scored on two distributions:

# %%
same = [run for run in find(shipped_dir()) if repr(run.config.data) == repr(data)]
runs = [run for run in same if "uncorrelated" in run.scores]  # no bare encoder (chapter 7)
print("MIG of the positions on images that are …")
for run in runs:
    both = [encode(run, d, n=samples) for d in (data, Correlated(data, {pair: sigma}))]
    gaps = [metrics.pairwise_mig(code)["pos_x+pos_y"] for code in both]
    print(f"{run.folder.name:22} uncorrelated {gaps[0]:.2f}   correlated {gaps[1]:.2f}")


# %% [markdown]
# ## 8 Same name, other number
#
# Two papers print "MIG". May you compare? Here is the usual definition, and four others: each changes
# one choice that a formula leaves open or that a paper may not mention.

# %%
def gap(z, v, bins=20, bin_factors=False, per="entropy"):
    """MIG with its silent choices as arguments."""
    cut = lambda column, n: np.digitize(column, np.histogram_bin_edges(column, n)[:-1])  # noqa: E731
    v = np.column_stack([cut(c, 20) for c in v.T]) if bin_factors else v
    z = np.column_stack([cut(c, bins) for c in z.T])
    nats = [[entropy(a) + entropy(b) - entropy(a, b) for b in v.T] for a in z.T]
    knows = np.sort(nats, axis=0)
    scale = {"entropy": [entropy(b) for b in v.T], "best": knows[-1], "nothing": 1}[per]
    return np.mean((knows[-1] - knows[-2]) / scale)


READINGS = {
    "20 bins, per entropy": {},
    "factors cut into 20 bins too": {"bin_factors": True},
    "100 bins": {"bins": 100},
    "per information of the best": {"per": "best"},
    "in nats": {"per": "nothing"},
}

# %%
scored = [run for run in runs if "uncorrelated" in run.scores]
scored.sort(key=lambda run: run.scores["uncorrelated"]["scores"]["mig"]["mig"])
shown = {"all known": best["all known"][:samples]}
shown |= {run.folder.name: encode(run, data, n=samples) for run in scored[-1:]}  # the highest MIG
shown["random"] = sanity.random(shown["all known"])
readings = {
    name: {label: gap(c.means, c.factors, **how) for label, how in READINGS.items()}
    for name, c in shown.items()
}
print(pd.DataFrame(readings).round(2).to_string())


# %% [markdown]
# The first line is the usual one (and `metrics.mig`). If a *perfect* code disappoints with its 0.7, it is
# tempting to cut the factors into bins too, or to divide by less, and the number rises for the very
# same codes. That is no progress. The same goes for DCI with forests in the place of boosted trees, for samples in the place of
# means, for 1,000 images in the place of 15,000. **Numbers of two implementations never stand in one
# table**; score the other model's codes yourself (`vaelib evaluate-codes codes.npz`).

# %% [markdown]
# ## 9 Error bars
#
# A score is a number drawn from a sample of images, so it has an error. Score random *halves* of the
# images and take the spread: for halves drawn without replacement the standard deviation is, by a
# happy accident of statistics, that of the whole.

# %%
def error_bar(metric, code, count, rng):
    """The standard error of a score, from random halves of the images."""
    n = len(code)
    halves = (code[rng.permutation(n)[: n // 2]] for _ in range(count))
    return np.std([metric(half) for half in halves], ddof=1)


# %% tags=["nbval-check-output"]
library = standard_errors(codes["noisy"], 5, ["mig"], seed=0)["mig"]["mig"]
ours = error_bar(lambda code: metrics.mig(code)["mig"], codes["noisy"], 5, np.random.default_rng(0))
print("by hand and by the library the same:", np.isclose(ours, library))

# %% [markdown]
# ### A failure: the textbook bootstrap
# The usual bootstrap draws *with* replacement. **Predict** what that does to a score that trains on two
# thirds of its samples and tests on the rest. (What happens to a code that is drawn twice?)

# %%
code = codes["noisy"][:900]


def accuracy(code):
    """How well trees predict the factors of test samples."""
    return metrics.dci(code)["informativeness"]


n, draw = len(code), np.random.default_rng(seed)
print(f"all samples, once each     {accuracy(code):.3f}")
twice = [accuracy(code[draw.integers(n, size=n)]) for _ in range(3)]
print(f"bootstrap, on average      {np.mean(twice):.3f}")
halves = [accuracy(code[draw.permutation(n)[: n // 2]]) for _ in range(3)]
print(f"halves, on average         {np.mean(halves):.3f}")

# %% [markdown]
# Some samples stand in training *and* test, so the trees have seen the answers: bootstrap samples score
# better than the data that they come from. Halves have no twins. (They learn from fewer samples, but
# the *spread* is what we want from them.)

# %% [markdown]
# ### What an error bar does not cover
# Scores of the code that knows everything, and what a latent of pure noise seems to know

# %% tags=["report"]
counts = [n for n in (300, 1_000, 3_000, 10_000) if n <= many]
noise = rng.standard_normal(many)
METHODS = {
    "MIG": lambda code: metrics.mig(code)["mig"],
    "modularity": lambda code: metrics.modularity(code)["modularity"],
    "noise about\norientation": lambda code: known(noise[: len(code)], code.factors[:, 2]),
}
with plots.style():
    ax = plt.subplots(figsize=(4.6, 2.8))[1]
    for label, method in METHODS.items():
        parts = [best["all known"][:n] for n in counts]
        heights = [method(part) for part in parts]
        bars = [error_bar(method, part, resamples, rng) for part in parts]
        ax.errorbar(counts, heights, bars, marker="o", ms=3, capsize=3, label=label)
    ax.set(xscale="log", xlabel="samples", ylabel="score", ylim=(-0.03, 1.05))
    ax.set_xticks(counts, [f"{n:,}" for n in counts])
    ax.set_xticks([], minor=True)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# *Figure 6.8: Scores by the number of samples, with error bars from resampling.*

# %% [markdown]
# The bars are small, and the values drift far outside of them: counting with few samples finds
# information where there is none. **Only scores of equally many samples can be compared.** And no
# bar here knows that another *seed of training* gives another model. That error can be the largest
# (Locatello et al. 2019, arXiv 1811.12359, trained 50 seeds of each setting), and only more trainings
# measure it.

# %% [markdown]
# ## 10 A model card
#
# Now real models: the shipped runs on dSprites with independent factors. Their scores lie in `scores.json` beside the weights, from 15,000
# images with uncorrelated factors. Next to them, on the same images, four codes whose worth we know:
# perfect, 45° pair, noise, and principal components. **Predict:** does a VAE beat the 45° pair?

# %%
CARD = {**COLUMNS, "positions": ("pairwise_mig", "pos_x+pos_y")}  # the positions' own MIG
asked = sorted({metric for metric, _ in CARD.values()})
stored = {run.folder.name: run.scores["uncorrelated"] for run in runs if run in scored}
card = {name: row(entry["scores"], CARD) for name, entry in stored.items()}

# %% [markdown]
# The codes to compare with are scored live, which takes some seconds.

# %%
images = data.sample_factors(many, np.random.default_rng(0))  # those behind scores.json
ten = Codes(np.zeros((many, 10)), images, data.factor_names)  # ten latents, as the models have
for name, scores in sanity_scores(ten, data, asked).items():
    card[name] = row(scores, CARD)

# %% [markdown]
# ### Model card of the shipped runs, beside codes of known worth

# %% tags=["report"]
score_map(pd.DataFrame(card).T);

# %% [markdown]
# *Figure 6.9: The shipped runs, beside codes whose worth is known.*

# %% [markdown]
# - Read each column from its ends: *random* is its zero and *perfect* its 1. Measured like this, a
#   MIG of 0.17 is a quarter of the way.
# - Modularity and InfoM hardly measure anything here: noise gets 0.67 and 0.63, and no model's InfoM
#   passes that. (In modularity a model can even pass *perfect*, whose five idle latents are judged by
#   the noise of counting.) InfoC gives noise 0.35, as much as most models. Both Info ratios are blind
#   to *how much* is known: read them only beside InfoE or I.
# - Where a model is no better than *PCA*, which needs no training, there is nothing to explain: β = 1,
#   for one, in the BetaVAE score, in D and in the last column.
# - The 45° pair is ahead of all these models in D, MIG, SAP and C: one entangled pair of ten is a small
#   fault for a *mean* over factors. In the last column, which asks of that pair alone, it gets 0.
#
# And the same runs without orientation in the question:

# %%
again = {name: row(entry["without_orientation"], CARD) for name, entry in stored.items()}
print(pd.DataFrame(again).T.round(2).to_string())

# %% [markdown]
# All numbers of all runs stand in one frame, with the distribution in every row:

# %%
found = table(runs)
wanted = ["run", "beta", "steps", "seed", "distribution", "mig", "plane_angle.pos_x+pos_y"]
found[[column for column in wanted if column in found]].round(2)


# %% [markdown]
# **How to report scores**, in five lines: one modular, one compact and one explicit score (InfoM and
# InfoC only beside InfoE or I); their values for a perfect and a random code; the distribution and
# the number of images; the spread over training seeds; the name and version of the code that computed
# them.

# %% [markdown]
# ## Summary
#
# - Scores ask different questions: modular, compact, explicit. Codes exist that two of them rank in
#   opposite orders, so report one of each.
# - Know the ends of the scale: what noise gets, and what a perfect code gets on *your* data.
# - On correlated images a turned code looks fine and the truth looks entangled. Score on uncorrelated
#   ones.
# - Compare numbers only from the same code, the same images, the same number of samples.

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of each `...` and run the cell; the check tells you how it went.
# [Solutions](solutions/06_metrics.ipynb)
#
# **1. Modularity.** For a latent with its best factor $b$, Ridgeway & Mozer (2018) compute
# $1 - \sum_{k \ne b} I_k^2 \,/\, (I_b^2 (K-1))$; a latent that knows nothing counts 0. The score is
# the mean over the latents. Compute it from a table of informations.

# %% tags=["nbval-check-output"]
def modularity(table):
    """The modularity of information (D, K) in nats, latents in rows: a number."""
    return ...


exercises.check_modularity(modularity)


# %% [markdown]
# **2. The ceiling.** A factor has `values` equally likely values 0, 1, 2, …, and a latent is exactly
# equal to it. Cut into `bins` bins of equal width over its range, what part of the factor's entropy
# does it keep?

# %% tags=["nbval-check-output"]
def ceiling(values, bins):
    """A number in (0, 1]."""
    return ...


exercises.check_ceiling(ceiling)


# %% [markdown]
# **3. Fool a score.** Make latents that know nothing about any factor, and yet get an IRS above 0.9.
# (`print(metrics.irs.__doc__)` tells how it is computed.)

# %% tags=["nbval-check-output"]
def fool(factors, rng):
    """Latents (N, D) for factors (N, K)."""
    return ...


exercises.check_fool(fool)

# %% [markdown]
# **4. The crossing.** Section 7 has closed forms for SAP. Above which correlation ρ does it rank the
# turned code over the perfect one?

# %% tags=["nbval-check-output"]
exercises.check_crossing(...)

# %% [markdown]
# ---
# Before: [5 · Pairwise β](05_pairwise_beta.ipynb) · [Contents](../README.md#the-chapters) ·
# Next: [7 · Adaptive architecture](07_adaptive_architecture.ipynb)
