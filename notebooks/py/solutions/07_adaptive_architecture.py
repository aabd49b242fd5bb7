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
# # Solutions to chapter 7
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/07_adaptive_architecture.ipynb)
#
# The exercises are in [7 · Adaptive architecture](../07_adaptive_architecture.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
from vaelib.exercises import adaptive_architecture as exercises


# %% [markdown]
# **1. What is trained.** Two matrices of `width` times `bottleneck`, a bias for each layer, and two
# norms of two vectors. It grows with the width; the block itself with its square.

# %% tags=["nbval-check-output"]
def trained(width, bottleneck):
    adapter = 2 * width * bottleneck + bottleneck + width
    return adapter + 2 * 2 * width


exercises.check_trained(trained)


# %% [markdown]
# **2. Latent attention.** The softmax goes over the tokens, and the scale is the root of their width.
# (The released code of AdaVAE divides by the root of the *batch* size, by taking the wrong axis; then
# a code depends on how many sentences are in the batch.)

# %% tags=["nbval-check-output"]
def pool(tokens, queries):
    logits = queries @ tokens.transpose(1, 2) / tokens.shape[2] ** 0.5
    return logits.softmax(-1) @ tokens


exercises.check_latent_attention(pool)


# %% [markdown]
# **3. Free bits.** First the mean over the images, then the floor of each latent, then the sum.

# %% tags=["nbval-check-output"]
def free(kl, nats):
    return kl.mean(0).clamp_min(nats).sum()


exercises.check_free_bits(free)


# %% [markdown]
# **4. A cycle.** `step % period` starts anew in each cycle; the ramp is a line through the first
# quarter's end and the middle, held between 0 and 1.

# %% tags=["nbval-check-output"]
def factor(step, period):
    within = step % period / period
    return min(1.0, max(0.0, 4 * within - 1))


exercises.check_annealing(factor)

# %% [markdown]
# ---
# Back to [7 · Adaptive architecture](../07_adaptive_architecture.ipynb)
