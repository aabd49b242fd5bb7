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
# # Solutions to chapter 8
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/08_correlated_study.ipynb)
#
# The exercises are in [8 · A study](../08_correlated_study.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np

from vaelib.exercises import correlated_study as exercises

# %% [markdown]
# **1. How many pairs?** The smallest p is $2/2^n$: 0.0625 for five pairs, 0.031 for six.

# %% tags=["nbval-check-output"]
exercises.check_smallest(6)


# %% [markdown]
# **2. Holm by hand.** The running maximum keeps the order of the p values.

# %% tags=["nbval-check-output"]
def corrected(p):
    order = np.argsort(p)
    found = np.empty(len(p))
    found[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(found, 1)


exercises.check_corrected(corrected)


# %% [markdown]
# **3. The middle half.** Sort, and cut a quarter at each end.

# %% tags=["nbval-check-output"]
def middle(values):
    cut = len(values) // 4
    return np.mean(np.sort(values)[cut : len(values) - cut])


exercises.check_middle(middle)


# %% [markdown]
# **4. Choose fairly.** The choice looks at `select` alone, the number comes from `report` alone.

# %% tags=["nbval-check-output"]
def fair_score(table):
    means = table.groupby(["phase", "setting"])["score"].mean()
    return means["report"][means["select"].idxmax()]


exercises.check_fair_score(fair_score)

# %% [markdown]
# ---
# Back to [8 · A study](../08_correlated_study.ipynb)
