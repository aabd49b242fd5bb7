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
# # Solutions to chapter 1
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/01_data_exploration.ipynb)
#
# The exercises are in [1 · Data exploration](../01_data_exploration.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np

from vaelib.datasets import Correlated, DSprites
from vaelib.exercises import data_exploration as exercises

data = DSprites()


# %% [markdown]
# **1. Index.** One step of a factor passes all images of the factors that run faster, so its weight
# is the product of their sizes: 245,760 for shape, 1 for `pos_y`.

# %% tags=["nbval-check-output"]
def index_of(factors, sizes):
    weights = [int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))]
    return factors @ np.array(weights)


exercises.check_index_of(index_of)

# %% [markdown]
# **2. How strong is strong?** $r$ falls as σ grows, so halve the interval that holds the answer.

# %% tags=["nbval-check-output"]
x, y = np.indices((32, 32)) - 15.5  # measured from the mean, which symmetry puts in the middle


def pearson(sigma):
    p = Correlated(data, {("pos_x", "pos_y"): sigma}).joint("pos_x", "pos_y")
    return (x * y * p).sum() / (x**2 * p).sum()


low, high = 0.1, 1.0
while high - low > 1e-4:
    middle = (low + high) / 2
    low, high = (middle, high) if pearson(middle) > 0.5 else (low, middle)
print(f"σ = {low:.3f}")
exercises.check_sigma(low)

# %% [markdown]
# **3. Twins.** Compare all orientations of the smallest ellipse in the middle with each other.

# %% tags=["nbval-check-output"]
factors = np.array([[1, 0, turn, 15, 15] for turn in range(39)])
images = data.packed(factors)  # the pixels as bits: quicker to compare
twins = [(a, b) for a in range(39) for b in range(a) if (images[a] == images[b]).all()]
print("same image at orientations", *(f"{b} and {a}," for a, b in twins))
exercises.check_twins(factors[twins[0][0]], factors[twins[0][1]])


# %% [markdown]
# **4. An honest split.** Draw all indices at once, without replacement, and cut.

# %% tags=["nbval-check-output"]
def split(data, train, test, rng):
    drawn = rng.choice(len(data), size=train + test, replace=False)
    return drawn[:train], drawn[train:]


exercises.check_split(split)

# %% [markdown]
# ---
# Back to [1 · Data exploration](../01_data_exploration.ipynb)
