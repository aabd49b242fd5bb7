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
# # Solutions to chapter 9
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/09_your_own_data.ipynb)
#
# The exercises are in [9 · Your own data](../09_your_own_data.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np

from vaelib.exercises import your_own_data as exercises


# %% [markdown]
# **1. To bytes.** −1 is black and 1 is white. A cast alone would cut off what a rounding error took
# from 255.

# %% tags=["nbval-check-output"]
def prepare(images):
    return np.rint((images + 1) * 127.5).astype(np.uint8)


exercises.check_prepare(prepare)


# %% [markdown]
# **2. Holes.** All combinations, less the different ones that are there.

# %% tags=["nbval-check-output"]
def missing_cells(factors):
    values = [len(np.unique(column)) for column in factors.T]
    return int(np.prod(values)) - len(np.unique(factors, axis=0))


exercises.check_missing(missing_cells)


# %% [markdown]
# **3. How many are left?** Two draws give the same image with probability $\sum p^2$. For $n$ equally
# likely images that is $1/n$. (In surveys this is Kish's effective sample size.)

# %% tags=["nbval-check-output"]
def effective(chances):
    return 1 / (chances**2).sum()


exercises.check_effective(effective)

# %% [markdown]
# ---
# Back to [9 · Your own data](../09_your_own_data.ipynb)
