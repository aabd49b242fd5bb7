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
# # Solutions to chapter 4
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/04_learnable_beta.ipynb)
#
# The exercises are in [4 · Learnable β](../04_learnable_beta.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import math

from vaelib.exercises import learnable_beta as exercises

# %% [markdown]
# **1. The same pressure.** $\beta D/N$ must stay the same. $N$ grows by 4 (twice the side) times 3
# (colours).

# %% tags=["nbval-check-output"]
exercises.check_same_pressure(4 * (128**2 * 3) / 64**2)


# %% [markdown]
# **2. Another regulariser.** The derivative with respect to $\sigma^2$ is $-L/(2\sigma^4) + s$. It
# vanishes at $\sigma^4 = L/(2s)$. So this one divides each loss by its square *root*: large losses stay
# more important.

# %% tags=["nbval-check-output"]
def fixed_point(loss, strength):
    return math.sqrt(loss / (2 * strength))


exercises.check_fixed_point(fixed_point)


# %% [markdown]
# **3. A controller without a sum.** β itself is the memory, and it is held between its bounds: there
# is nothing that could wind up.

# %% tags=["nbval-check-output"]
def logistic(x):
    return 1 / (1 + math.exp(-x))


def step(beta, error, before):
    change = 0.1 * (logistic(-error) - logistic(-before)) - 0.01 * error
    return min(100.0, max(1.0, beta + change))


exercises.check_step(step)


# %% [markdown]
# **4. The angle.** `atan2` also knows what to do when both effects are equal: 45°.

# %% tags=["nbval-check-output"]
def angle(rho, a, b):
    return math.degrees(0.5 * math.atan2(2 * rho * a * b, a**2 - b**2))


exercises.check_angle(angle)

# %% [markdown]
# ---
# Back to [4 · Learnable β](../04_learnable_beta.ipynb)
