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
# # 8 · A study: does training that knows of correlation work?
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/08_correlated_study.ipynb)
#
# The chapters before this one looked at single models. A claim about a *method* needs many: other seeds,
# other data, other settings, and rivals that were given a fair chance. This chapter plans such a study,
# runs a tiny one live, and reads the results of the large one, `correlated`.
#
# **You will learn**
# - to write the claim down before the runs, and to choose settings on other data than you report on;
# - why differences between methods are taken pair by pair, and how surely they are then known;
# - what three or five seeds can say, and what they cannot;
# - to run hundreds of models with one command, which can be stopped at any time;
# - what came out: the sentences of section 6 are computed from the table of results.
#
# **Time** 40 minutes to read; the cells compute for about two minutes on two CPU cores. ·
# Before: [7 · Adaptive architecture](07_adaptive_architecture.ipynb) ·
# Next: [9 · Your own data](09_your_own_data.ipynb) ·
# Words: [glossary](../docs/glossary.md)

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import itertools
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from vaelib import __version__, plots
from vaelib.exercises import correlated_study as exercises
from vaelib.fast import budget
from vaelib.flipbook import flipbook
from vaelib.studies import named
from vaelib.studies.backends import Local
from vaelib.studies.base import only
from vaelib.studies.claims import holds, verdict
from vaelib.studies.figures import phases
from vaelib.studies.methods import CONTROLS
from vaelib.studies.run import carry_out, jobs_for
from vaelib.studies.statistics import by_strength, holm, interval, paired, sign_flip
from vaelib.studies.statistics import mean as mean_of
from vaelib.studies.table import best_settings, cells, collect, read, shipped_table

# %matplotlib inline
print("vaelib", __version__, "· torch", torch.__version__)

# %% tags=["parameters"]
steps: int = 120  # of each live run [20, 100000] (smoke 20, full 1000)
workers: int = 2  # processes for the live runs [1, 64]
seed: int = 0  # of the simulations [0, 1000000]

# %%
steps, draws = budget(steps), budget(400, 40)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1 The claim, written down first
#
# Where two factors of the training images go together, a VAE tends to turn its code (Träuble et al.
# 2021, arXiv 2006.07886): one latent follows what both have in common, another one the rest. Chapter 4
# had the angle of the principal axes in a linear model; for factors of equal effect it is 45° at *any*
# correlation. Turned as it is, such a code draws correlated images well, and on them scores do not show
# the damage (chapter 6, section 7). On uncorrelated ones they do.
#
# The study asks whether training can be told about it, without a label:

# %%
study = named("correlated")()
print(study.hypothesis)

# %% [markdown]
# A study is a list of `TrainConfig` that a few lines of Python make
# ([vaelib/studies/correlated.py](../vaelib/studies/correlated.py); the methods it compares are in
# [methods.py](../vaelib/studies/methods.py)), in the order in which they are to be done. The first two parts of this one share neither seeds nor draws:
#
# - **select**: six rivals with every setting of a grid, on two pairs of factors;
# - **report**: every method with *one* setting, on five pairs and four strengths of correlation;
# - **report64**: four of them on one pair at full size, 64×64 pixels; the rest is 32×32.

# %%
plan = study.plan()
sizes = pd.DataFrame([run.labels for run in plan]).groupby("phase", sort=False)
sizes.agg({"pair": "nunique", "sigma": "nunique", "method": "nunique", "seed": "nunique"})

# %% [markdown]
# **Why two parts?** Suppose ten settings are all equally good, and you try each with three seeds and
# report the best. **Predict:** how much better than the truth does it look, in units of the
# spread between seeds?

# %%
tries = rng.normal(size=(5 * draws, 10, 3)).mean(axis=2)  # true score of all: 0
best = tries.argmax(axis=1)
again = rng.normal(size=(5 * draws, 3)).mean(axis=1)  # the winner, on new seeds
print(f"best of ten on the runs that chose it: {tries.max(axis=1).mean():+.2f} spreads")
print(f"the same setting on new seeds:         {again.mean():+.2f} spreads")


# %% [markdown]
# A method that was tried in more variants looks better, by chance alone. On new seeds the gain is gone.
#
# For the same reason no setting of our own method was chosen on the report split. But three earlier forms
# of it had runs there, and the search went on because they were not good enough (section 6). All tries are
# in [NOTES.md](../data/studies/correlated/NOTES.md).

# %% [markdown]
# ## 2 Differences, pair by pair
#
# Seeds differ. Some draw easy images, some start in a bad place, and all methods feel it alike. So do
# not compare the means of two heaps; train both methods with the *same* images and seed, and look at the
# differences. By hand: the difference, an interval by drawing the differences anew (the bootstrap), and
# a p value by flipping signs, for if nothing were there, each sign would be a coin.

# %%
def bootstrap(values, count, rng):
    """The means of `count` samples drawn from `values` (n,) with replacement: (count,)."""
    return rng.choice(values, (count, len(values))).mean(axis=1)


def flip_signs(differences):
    """The share of all 2ⁿ patterns of signs whose mean is at least as far from 0."""
    n = len(differences)
    signs = np.array(list(itertools.product((1, -1), repeat=n)))  # (2ⁿ, n)
    means = (signs * differences).mean(axis=1)
    return np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12)


# %% [markdown]
# The library leaves both to SciPy, and draws each pair of factors for itself. It agrees:

# %% tags=["nbval-check-output"]
fixed = np.random.default_rng(0)
differences = fixed.normal(0.1, 0.1, 8)
low, high = np.percentile(bootstrap(differences, 20_000, fixed), [2.5, 97.5])
library = interval([differences], mean_of)
print(f"p: by hand {flip_signs(differences):.4f}, library {sign_flip(differences):.4f}")
print(f"intervals: {np.allclose([low, high], [library.low, library.high], atol=0.01)}")

# %% [markdown]
# ### A failure: the same numbers without their partners
# Two methods on eight seeds. The second is better by 0.10 each time, more or less; but between
# seeds scores vary by 0.25.

# %% tags=["report"]
level = fixed.normal(0.5, 0.25, 8)  # what a seed does to all methods
first, second = level, level + fixed.normal(0.1, 0.03, 8)
with plots.style():
    _, (left, right) = plt.subplots(1, 2, figsize=(plots.WIDTH, 2.4))
    for a, b in zip(first, second, strict=True):
        left.plot([0, 1], [a, b], "o-", color="grey", lw=0.8)
    left.set(xticks=[0, 1], xticklabels=["first", "second"], ylabel="score", xlim=(-0.3, 1.3))
    left.set_title("scores, joined by seed")
    right.axhline(0, color="grey", lw=0.8)
    right.plot(second - first, "o")
    right.set(xlabel="seed", ylabel="second − first", title="their differences")

# %% [markdown]
# *Figure 8.1: Scores of two methods, joined by seed (left), and their differences (right).*

# %%
heaps = np.percentile(
    bootstrap(second, 5000, rng) - bootstrap(first, 5000, rng), [2.5, 97.5]
).round(2)
pairs = np.percentile(bootstrap(second - first, 5000, rng), [2.5, 97.5]).round(2)
print(f"as two heaps:  difference between {heaps[0]:+.2f} and {heaps[1]:+.2f}")
print(f"as pairs:      difference between {pairs[0]:+.2f} and {pairs[1]:+.2f}")


# %% [markdown]
# The two heaps say nothing, the pairs are sure. **The fix** costs no run, only the care to give all
# methods the same seeds and images.

# %% [markdown]
# ## 3 What few seeds can say
#
# A 95 % interval should hold the truth in 95 of 100 studies. **Predict:** in how many does
# the bootstrap interval of *three* seeds hold it?

# %% tags=["report"]
def coverage(n):
    """How often the interval of n values holds the truth."""
    values = rng.normal(size=(draws, n))
    bounds = [np.percentile(bootstrap(v, 400, rng), [2.5, 97.5]) for v in values]
    held = np.array([low < 0 < high for low, high in bounds])
    with plots.style():
        _, ax = plt.subplots(figsize=(4.6, 2.6))
        for i, (low, high) in enumerate(bounds[:40]):
            color = plots.COLOURS[0] if held[i] else plots.COLOURS[1]
            ax.plot([i, i], [low, high], color=color, ls="-")
        ax.axhline(0, color="black", lw=0.8, ls="-")
        ax.set(ylim=(-2.5, 2.5), xlabel="study", xticks=[], ylabel="interval")
        ax.set_title(f"{n} seeds: {held.mean():.0%} hold the truth (0)")
    return ax


flipbook(coverage, (3, 5, 10, 20, 40), "seeds", "{}", start=1)

# %% [markdown]
# *Figure 8.2: Intervals of simulated studies; those that miss the truth, 0, are in orange. The slider moves the number of seeds.*

# %% [markdown]
# So an interval of three seeds is not what it says; that of fewer is nothing at all, and **a cell
# with fewer than three seeds carries no claim here**. The p value is honest about it by itself: with
# $n$ pairs there are $2^n$ patterns of signs, so it cannot fall below $2/2^n$.
#
# And who compares with ten rivals will find something by chance. Holm (1979) sorts the
# p values and multiplies the smallest with their number, the next one with one less, and so on:

# %% tags=["nbval-check-output"]
p = np.array([0.004, 0.03, 0.2, 0.012])
print("alone:    ", p)
print("corrected:", holm(p))

# %% [markdown]
# ## 4 A tiny study, live
#
# `smoke` is the smallest one. Here two of its settings, with and without correlation, one seed: four
# models, for some seconds each. In a terminal this is
# `vaelib study run smoke --only seed=0 'beta=1|beta=1.5' 'sigma=inf|sigma=0.1'`.

# %%
small = named("smoke")(steps=steps)
chosen = only(small.plan(), ["seed=0", "beta=1|beta=1.5", "sigma=inf|sigma=0.1"])
folder = Path(tempfile.mkdtemp()) / "smoke"
started = time.perf_counter()
outcomes = carry_out(jobs_for(small, chosen, folder), Local(workers), progress=False)
print([outcome.state for outcome in outcomes])
seconds = time.perf_counter() - started

# %% [markdown]
# Do it again: what is done is not done twice. Each run has a folder that is named after a hash of its
# whole configuration. A worker that starts a run first makes a folder of its own for it, which only one
# can do; while it lives it renews a time stamp there. So any number of machines can share a folder, and
# when one dies another goes on from its last checkpoint.

# %%
started = time.perf_counter()
carry_out(jobs_for(small, chosen, folder), Local(workers), progress=False)
again = time.perf_counter() - started
print(f"the second time it took less than a hundredth: {again < seconds / 100}")

# %%
live = collect(chosen, folder, pd.DataFrame())
columns = ["method", "setting", "sigma", "uncorrelated.reconstruction", "uncorrelated.mig"]
live[[*columns, "uncorrelated.pairwise_mig.pair"]].round(3)

# %% [markdown]
# So short a training separates nothing, and with one seed a cell the machinery refuses a claim:

# %% tags=["nbval-check-output"]
cells(live, small.score)[["sigma", "method", "setting", "seeds", "claim"]]

# %% [markdown]
# ## 5 The large study: what is there
#
# The rows of the study that are finished are in `data/studies/correlated/table.csv`; *seeds* is the
# smallest number of seeds in a cell of that phase and strength.

# %%
table = read(shipped_table(type(study)))
if table.empty:
    print("No run of the study is finished yet: vaelib study run correlated")
else:
    counted = cells(table, study.score).groupby(["phase", "sigma"], sort=False)
    counts = {"methods": ("method", "nunique"), "pairs": ("pair", "nunique")}
    display(counted.agg(**counts, seeds=("seeds", "min")))

# %% [markdown]
# ### Who is compared
#
# | method | what it does |
# |---|---|
# | PairTurns | ours, chapter 5: turns the code to flat axes, ties partners in the prior |
# | β-VAE, CapacityVAE | chapters 2 and 3 |
# | L-VAE, PerLatentBeta | chapter 4: learned weights |
# | β-TCVAE | Chen et al. 2018 (arXiv 1802.04942): β on the total correlation of the latents alone |
# | FactorVAE | Kim & Mnih 2018 (arXiv 1802.05983): the same, measured by a critic |
# | DIP-VAE-II | Kumar et al. 2018 (arXiv 1711.00848): the covariance of the codes shall be the identity |
# | FactorizedSupport | Roth et al. 2023 (arXiv 2210.07347): every pair of values shall be possible |
# | AdaGVAE | Locatello et al. 2020 (arXiv 2002.02886): sees pairs of images; *weakly* supervised |
#
# And controls, each with a part of ours missing, replaced or added: *without turns*; *plain prior*,
# without partners; *turned* β-VAE, β-TCVAE and FactorVAE, the turns around something else; *adaptive
# prices* beside the prior (2 nats for a nat of dependence, 1 for partners), *uniform price*, 2 for all
# pairs, and *random pair relaxed*, where two latents that were chosen blindly pay 1; *with flattening*,
# images drawn by the density of the codes (chapter 5, section 10), and *oracle flattening*, which knows
# the true density of the factors.
#
# ### The settings that were chosen
# Of six rivals the setting with the best mean on the selection split; L-VAE and PerLatentBeta have
# nothing to choose.

# %%
select = table[table["phase"] == "select"] if len(table) else table
if len(select):
    chosen_by = f"{select['pair'].nunique()} pair(s), {select['seed'].nunique()} seed(s)"
    print(f"{len(select)} rows: {chosen_by}")
    display(pd.Series(best_settings(select, study), name="best setting").to_frame())
else:
    print("The selection split has no rows yet.")

# %% [markdown]
# Two pairs and three seeds are planned. So far FactorVAE and FactorizedSupport, the closest rivals, have a
# run on each pair, the others one on the positions: each choice above is that of one or two runs, and a
# setting at the end of its grid might have been better beyond. Our own method was tried far more often, on
# both pairs and all three seeds. Read the comparison with that in mind.

# %% [markdown]
# ### The pair's score by strength
# Interquartile means with 95 % intervals, on uncorrelated data. Hollow marks carry no claim. Not all
# strengths and methods have the same pairs: the controls and AdaGVAE, σ = 0.4 and σ = 0.1 have the positions
# alone.
# So do not compare those heights with others; the section *Which part does it?* compares run by run.

# %% tags=["report"]
shown = dict(phases(table)) if len(table) else {}
several = {phase: part for phase, part in shown.items() if part["pair"].nunique() > 1}
for phase, part in shown.items():
    ax = plots.strengths(by_strength(part, study.score), study.score)
    ax.set_title(phase)
    plt.show()
if not shown:
    print("Nothing to draw yet.")

# %% [markdown]
# *Figure 8.3: The score of each method at each strength of correlation, with intervals.*

# %% [markdown]
# ### Differences to our method, pair by pair
# Left of zero: the other method is worse. Full marks are certain (Holm, p < 0.05): the rivals are
# corrected for their number, our controls for theirs.

# %% tags=["report"]
compared = {
    phase: paired(part, study.score, study.reference, study.rivals)
    for phase, part in shown.items()
    if study.reference in set(part["method"]) and part["method"].nunique() > 1
}
for phase, found in compared.items():
    if len(found):
        plots.differences(found, study.score, study.reference).set_title(phase)
        plt.show()
if not compared:
    print("Nothing to compare yet.")

# %% [markdown]
# *Figure 8.4: Differences to our method, paired by pair of factors, strength and seed, with intervals.*

# %% [markdown]
# ## 6 What was found
#
# These sentences are computed from the rows, like all numbers here. The claim is about the unsupervised
# baselines. Our own controls, the oracle and the weakly supervised reference (AdaGVAE) are listed too, but
# do not count in it. At σ = ∞ no factors are tied, and one run stands for all five pairs.
#
# "Ahead", "behind" and "not worse" are read off the interval. With three pairs of runs such an interval holds
# the truth in about 75 of 100 studies, with five in 83, with ten in 90 (section 3 simulates it): lines that
# rest on few runs are indications, no claims.

# %%
for phase, found in compared.items():
    print(f"{phase}: the claim {holds(found, 0.2, study.rivals)}.")
    for _, row in found.iterrows():
        print("   ", verdict(row, study.reference))
if not compared:
    print("Nothing can be said yet: no comparison has rows.")

# %% [markdown]
# **Is that the whole truth?** Not quite. What you see is our *fourth* attempt. A first method was given
# up after a few runs. The next failed on scale and pos_y, the third was better than six of the eight
# rivals and no more. Each time the reason was looked for and mended on other pairs or seeds (the selection
# split, once scale and pos_x), then all runs of ours were made anew on the report split. No setting was chosen by a row of it, but we went on
# because of those rows, and stopped when the claim held. Such a chain of attempts is an old way to be
# wrong. [NOTES.md](../data/studies/correlated/NOTES.md) tells all of it, `earlier.csv` beside it has
# the rows of the third attempt. If you want to count four, multiply each p by four. **Predict:** which
# rivals are still beaten then?

# %%
for phase in several:
    at = compared[phase]
    at = at[(at["sigma"] == 0.2) & at["method"].isin(study.rivals)]
    counted = pd.DataFrame({"p": at["p"], "times four": (4 * at["p"]).clip(upper=1)})
    print(phase)
    display(counted.set_axis(at["method"]).round(4))

# %% [markdown]
# ### Pair by pair
# A mean over pairs of factors can hide that a method works on one and fails on another. **Predict:** two
# positions reach equally far; scale and position do not. Does a method that looks for flat axes care?

# %%
for phase, part in shown.items():
    at = part[part["sigma"] == 0.2]
    means = at.pivot_table(study.score, "method", "pair", ["mean", "count"], sort=False)
    print(phase)
    display(means.swaplevel(axis=1).sort_index(axis=1, level=0, sort_remaining=False).round(3))

# %% [markdown]
# Of a factor that moves the code far and one that moves it little, even mixtures look flat, for both
# are nearly copies of the first. That is what our second attempt stumbled over. The two positions are a
# pair of the selection split too (with other seeds), and scale and pos_y were looked at between two
# attempts: so these are no blind tests. The other three pairs are, but for what the third attempt did
# on them. **Predict:** what is left of the lead without the pairs that were looked at?

# %%
LOOKED_AT = {"all five": [], "without the positions": ["pos_x+pos_y"],
             "the three blind ones": ["pos_x+pos_y", "scale+pos_y"]}  # fmt: skip


def leads(rows, rivals):
    """Ours minus each rival at σ = 0.2 and its p value, on all pairs and on those left over."""
    found = {}
    for name, pairs in LOOKED_AT.items():
        some = rows[(rows["sigma"] == 0.2) & ~rows["pair"].isin(pairs)]
        one = paired(some, study.score, study.reference, rivals).set_index("method")
        one = one[one.index.isin(rivals)]
        found[name] = pd.DataFrame({"lead": -one["value"], "p": one["p"]})
    return pd.concat(found, axis=1).round(3)


for phase, part in several.items():
    print(phase)
    display(leads(part, study.rivals))

# %% [markdown]
# Most of the lead over FactorVAE, and two thirds of that over FactorizedSupport, is the positions': the pair on
# which the method was developed. On the other four pairs FactorVAE is level, and FactorizedSupport not
# certainly behind. The other six rivals are beaten there too. And run by run, how often is ours ahead?

# %%
for phase, part in shown.items():
    at = part[(part["sigma"] == 0.2) & part["method"].isin([study.reference, *study.rivals])]
    runs = at.pivot_table(study.score, ["pair", "seed"], "method", sort=False).dropna()
    rivals = runs.drop(columns=study.reference)
    ahead = pd.DataFrame({
        "ours": runs[study.reference],
        "best rival": rivals.max(axis=1),
        "which": rivals.idxmax(axis=1),
        "rivals behind ours": rivals.lt(runs[study.reference], axis=0).sum(axis=1),
    })  # fmt: skip
    print(phase)
    display(ahead.round(3))

# %% [markdown]
# The best rival of a run is chosen after the fact, and it is a different one from run to run, so this
# table is hard on ours. It is fair in another way: who uses *one* rival cannot know which one will be ahead.

# %% [markdown]
# ### New seeds
# A chain of attempts should end with a test that none of them has met. What would be run was written down
# before (in NOTES.md): the same five pairs at σ = 0.2, seeds 105 to 109, nothing changed, and the two rivals
# that had come closest. Then, because five runs at σ = ∞ say little, five more there, against the three that
# are level. The rows are in `fresh.csv`; p is corrected for the rivals that were run. **Predict:** does the lead
# over FactorVAE come back?

# %%
fresh = read(shipped_table(type(study)).with_name("fresh.csv"))


def tell(rows):
    """The verdicts on the rivals that these rows have; their names."""
    there = [name for name in study.rivals if name in set(rows["method"])]
    for _, row in paired(rows, study.score, study.reference, there).iterrows():
        print("   ", verdict(row, study.reference))
    return there


if len(fresh):
    strong, none = fresh[fresh["sigma"] == 0.2], fresh[np.isinf(fresh["sigma"])]
    print("new seeds:")
    closest = tell(strong)
    level = tell(none)
    print("both, ten seeds:")
    first = table[np.isinf(table["sigma"]) & table["method"].isin([study.reference, *level])]
    tell(pd.concat([first[first["phase"] == "report"], none]))
    display(leads(strong, closest))
    display(strong.pivot_table(study.score, "method", "pair", sort=False).round(3))
else:
    print("Not run yet.")

# %% [markdown]
# It does: ours is better than both, with a smaller p than before. And where does the lead come from? The
# positions again, most of it. On the other four pairs FactorizedSupport is beaten, FactorVAE is not: behind on
# average, not certainly, and ahead in some runs of each pair but the positions. No run of ours failed here,
# two of FactorVAE's did. Without correlation FactorVAE is a little better on the new seeds, by less than the
# 0.05 that the claim allows; over ten seeds it is level, because one of its first five failed.
#
# ### At full size
# All this was 32×32 and `Broadcast`, a network that knows places. `report64` above is the positions at 64×64
# with the network of Burgess et al., three seeds, again 6,000 steps: ours is ahead of the three others on two
# seeds (0.35 and 0.21 against at most 0.11) and behind two of them on the third (0.03). None draws well after
# so few steps, and ours worst: 124 nats against 111 to 114 (the last table below; at 32×32 a nat is a quarter
# of that). So with a usual network the turns help less, or not always, and how it ends after 30,000 steps
# was not tried.
#
# ### Which part does it?
# Our method has two parts: the turns, and a prior that ties partners. The controls leave one out, put
# something simpler in its place, or add what the search began with: prices of pairs that adapt.
# **Predict:** which part could be missing?

# %%
for phase, part in several.items():
    own = part["method"].isin([study.reference, *CONTROLS]) & (part["sigma"] == 0.2)
    runs = part[own].pivot_table(study.score, ["pair", "seed"], "method", sort=False)
    alone = runs.dropna(thresh=2)  # seeds that have a control beside ours
    gains = alone.sub(alone[study.reference], axis=0).drop(columns=study.reference)
    print(phase)
    display(alone.T.round(3))
    for name, gain in gains.items():
        print(f"    {name}: {gain.mean():+.3f} against all parts, better in {(gain > 0).sum()} of "
              f"{gain.count()} runs")  # fmt: skip

# %% [markdown]
# The turns are needed: without them 0.36 is lost. The tied prior is worth 0.13 here. (On shape and
# scale, in single runs of the selection split, it is worth nothing: there the turns do it.) Prices of
# pairs, the idea that this search began with, gain nothing that three seeds show: those that adapt are
# level or worse, one price for all pairs, or a relaxed pair that was chosen blindly, costs 0.08 or so.
# The turns around something else give less: 0.43 around β-TCVAE (β = 6), 0.38 around a β-VAE of β = 4, 0.28
# around FactorVAE. Images drawn
# by the density of the codes gain nothing, and even those drawn by the true density, which nobody knows,
# gain no more than three seeds can tell.

# %% [markdown]
# ### And the price
# A better code of the pair may be paid for elsewhere: in the other factors (MIG, DCI), in the
# reconstruction. And how far is it to methods that know more? The last column is each model after 100
# labels. Means at σ = 0.2 over the runs that all methods have: the same pairs, the same seeds.

# %%
prices = {
    "pair": "uncorrelated.pairwise_mig.pair",
    "angle": "uncorrelated.plane_angle.pair",
    "MIG": "uncorrelated.mig",
    "DCI-D": "uncorrelated.dci.disentanglement",
    "reconstruction": "uncorrelated.reconstruction",
    "after 100 labels": "uncorrelated.fast_adaptation.labels_100.pair",
}
for phase, part in shown.items():
    at = part[part["sigma"] == 0.2]
    has = at.groupby(["pair", "seed"])["method"].transform("nunique")
    at = at[has == at["method"].nunique()]
    wanted = {short: column for short, column in prices.items() if column in at}
    means = at.groupby("method", sort=False)[list(wanted.values())].mean()
    print(phase, *sorted(set(at["pair"])), "seeds", *sorted(set(at["seed"])))
    display(means.set_axis(list(wanted), axis=1).round(3))
if not shown:
    print("No rows yet.")

# %% [markdown]
# ## Summary
#
# - Write the claim down first. Choose settings on one part of the data and report on another.
# - Give all methods the same seeds and images, and compare run by run.
# - Say how many seeds stand behind a number. Correct for the number of comparisons.
# - A study is code: others can run it on seeds and pairs of their own,
#   `vaelib study run correlated --only report sigma=0.2 -o "seeds=(7,8,9)"`.

# %% [markdown]
# ## Exercises
#
# Put your answer in the place of each `...` and run the cell; the check tells you how it went.
# [Solutions](solutions/08_correlated_study.ipynb)
#
# **1. How many pairs?** With few pairs of runs the sign-flip test (two-sided, of one comparison, not
# corrected) cannot reach p < 0.05 at all. Give the smallest number that can.

# %% tags=["nbval-check-output"]
exercises.check_smallest(...)


# %% [markdown]
# **2. Holm by hand.** Sort the p values, multiply the smallest with their number, the next with one
# less …; a corrected value is never below the one before it, and never above 1.

# %% tags=["nbval-check-output"]
def corrected(p):
    """Holm's corrected p values (n,), in the order of `p` (n,)."""
    return ...


exercises.check_corrected(corrected)


# %% [markdown]
# **3. The middle half.** The interquartile mean leaves out the lowest and the highest quarter of
# the values (rounded down) and averages the rest.

# %% tags=["nbval-check-output"]
def middle(values):
    """The interquartile mean of `values` (n,): a number."""
    return ...


exercises.check_middle(middle)


# %% [markdown]
# **4. Choose fairly.** Given a table with the columns phase, setting and score, return the score to
# report: of the setting with the best mean in the phase `select`, its mean in the phase `report`.

# %% tags=["nbval-check-output"]
def fair_score(table):
    """The score to report, a number."""
    return ...


exercises.check_fair_score(fair_score)

# %% [markdown]
# ---
# Before: [7 · Adaptive architecture](07_adaptive_architecture.ipynb) · [Contents](../README.md#the-chapters) ·
# Next: [9 · Your own data](09_your_own_data.ipynb)
