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
# # Solutions to chapter 2
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/02_beta_vae.ipynb)
#
# The exercises are in [2 · β-VAE](../02_beta_vae.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
import numpy as np

from vaelib.exercises import beta_vae as exercises


# %% [markdown]
# **1. The KL.** `torch.mean` averages over the images *and* over the latents. With ten latents the
# KL comes out ten times too small, so β = 4 acts as 0.4, and the answer changes with the number of
# latents. Sum over the latents, average over the images.

# %% tags=["nbval-check-output"]
def kl(mean, logvar):
    return ((mean**2 + logvar.exp() - 1 - logvar) / 2).sum(dim=1).mean()


exercises.check_kl(kl)


# %% [markdown]
# **2. The sample.** `exp(logvar)` is the variance; noise must be scaled by its square root, the
# standard deviation. With the bug a model that means to be precise (s = 0.1) gets s = 0.01, and pays
# the KL of 0.1 for it.

# %% tags=["nbval-check-output"]
def sample_of(mean, logvar, noise):
    return mean + (logvar / 2).exp() * noise


exercises.check_sample(sample_of)


# %% [markdown]
# **3. The printed loss.** The losses are means over their batches, so their sum over the batches
# must not be divided by the number of *images*: that divides by the batch size twice. And since the
# last batch is often smaller, each batch should count by its size.

# %% tags=["nbval-check-output"]
def average(losses, sizes):
    return np.average(losses, weights=sizes)


exercises.check_average(average)


# %% [markdown]
# **4. The traversal.** All other latents keep the code of a real image. `repeat` copies, so that
# writing into the rows does not write into `code`.

# %% tags=["nbval-check-output"]
def along(code, latent, values):
    codes = code.repeat(len(values), 1)
    codes[:, latent] = values
    return codes


exercises.check_codes_along(along)

# %% [markdown]
# ---
# Back to [2 · β-VAE](../02_beta_vae.ipynb)
