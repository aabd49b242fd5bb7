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
# # Solutions to chapter 6
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/06_metrics.ipynb)
#
# The exercises are in [6 · Metrics](../06_metrics.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import math

import numpy as np

from vaelib.exercises import metrics as exercises


# %% [markdown]
# **1. Modularity.** What is not the best factor is a leak. A latent that knows nothing would divide by
# zero; it counts 0, so that unused latents pull the score down.

# %% tags=["nbval-check-output"]
def modularity(table):
    best = table.max(axis=1)
    leaks = (table**2).sum(axis=1) - best**2
    knows = best > 0
    scores = np.zeros(len(table))
    scores[knows] = 1 - leaks[knows] / (best[knows] ** 2 * (table.shape[1] - 1))
    return scores.mean()


exercises.check_modularity(modularity)


# %% [markdown]
# **2. The ceiling.** The latent is exact, so its bin is all that it tells, and what it tells is the
# entropy of its bin. 32 values do not share 20 bins evenly: 12 bins hold two of them and 8 hold one.

# %% tags=["nbval-check-output"]
def ceiling(values, bins):
    counts, _ = np.histogram(np.arange(values), bins)
    p = counts[counts > 0] / values
    return -(p * np.log(p)).sum() / math.log(values)


print(f"dSprites: orientation {ceiling(40, 20):.3f}, positions {ceiling(32, 20):.3f}")
exercises.check_ceiling(ceiling)


# %% [markdown]
# **3. Fool a score.** The latent stands still but for one image of 2,000, where it jumps far away. IRS divides by the longest jump and looks at the 99 % quantile: nothing moves. It is
# no joke: a latent of a real model with a few outliers gets a good IRS in the same way.

# %% tags=["nbval-check-output"]
def fool(factors, rng):
    latent = 0.01 * rng.standard_normal((len(factors), 1))
    latent[0] = 100.0
    return latent


exercises.check_fool(fool)

# %% [markdown]
# **4. The crossing.** $1 - \rho^2 = \rho$ gives the golden ratio. Chapter 1 found σ = 0.2 to be a marked
# correlation, $r \approx 0.8$: well above.

# %% tags=["nbval-check-output"]
exercises.check_crossing((math.sqrt(5) - 1) / 2)

# %% [markdown]
# ---
# Back to [6 · Metrics](../06_metrics.ipynb)
