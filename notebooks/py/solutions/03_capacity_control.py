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
# # Solutions to chapter 3
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/03_capacity_control.ipynb)
#
# The exercises are in [3 · Capacity control](../03_capacity_control.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np

from vaelib.exercises import capacity_control as exercises


# %% [markdown]
# **1. Nats.** Naming a value of each factor is naming one of all combinations, and the logarithm turns
# their product into a sum.

# %% tags=["nbval-check-output"]
def nats_of(sizes):
    return sum(np.log(size) for size in sizes)


exercises.check_nats(nats_of)


# %% [markdown]
# **2. Wait first.** A line through (`start`, 0) and (`stop`, `top`), cut off on both sides.

# %% tags=["nbval-check-output"]
def schedule(step, start, stop, top):
    share = (step - start) / (stop - start)
    return top * min(1.0, max(0.0, share))


exercises.check_schedule(schedule)


# %% [markdown]
# **3. Recruited.** Walk from the end backwards, as long as the latent stays above: the last row in
# which it does *not* hold the nats is the one before it was recruited.

# %% tags=["nbval-check-output"]
def recruited(log, nats):
    columns = sorted((c for c in log if c.startswith("kl_")), key=lambda c: int(c[3:]))
    found = []
    for column in columns:
        below = np.flatnonzero(log[column] <= nats)
        first = below[-1] + 1 if len(below) else 0
        found.append(log["capacity"].iloc[first] if first < len(log) else np.inf)
    return np.array(found)


exercises.check_recruited(recruited)


# %% [markdown]
# **4. The smallest γ.** The slope between neighbours, in the order of the KL; the curve falls, so the
# steepest slope is the most negative one.

# %% tags=["nbval-check-output"]
def smallest_gamma(kl, reconstruction):
    order = np.argsort(kl)
    slopes = np.diff(reconstruction[order]) / np.diff(kl[order])
    return -slopes.min()


exercises.check_smallest_gamma(smallest_gamma)

# %% [markdown]
# ---
# Back to [3 · Capacity control](../03_capacity_control.ipynb)
