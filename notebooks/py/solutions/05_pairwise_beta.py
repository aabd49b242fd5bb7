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
# # Solutions to chapter 5
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research/blob/main/notebooks/solutions/05_pairwise_beta.ipynb)
#
# The exercises are in [5 · Pairwise β](../05_pairwise_beta.ipynb).

# %% tags=["install"]
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "https://github.com/NavodiSenevirathne/BetaVAE_Disentanglement_Mini_Research"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{address}@main")

# %%
from vaelib.exercises import pairwise_beta as exercises


# %% [markdown]
# **1. The price of a pair.** The slope of $\varphi(I) = \beta_{\max}\varepsilon\log(1 + I/\varepsilon)$ is
# $\beta_{\max}\varepsilon/(\varepsilon + I)$.

# %% tags=["nbval-check-output"]
def price(nats, beta_max, epsilon, beta_min):
    return max(beta_min, beta_max * epsilon / (epsilon + nats))


exercises.check_price(price)


# %% [markdown]
# **2. Mixtures are peaked.** The second moments and the fourth cumulants $\kappa_4 = m_4 - 3m_2^2$ of
# independent things add up. One spread has $\kappa_4 = (1.8 - 3)\,m_2^2 = -1.2\,m_2^2$, so the sum of $n$
# has $-1.2\,n\,m_2^2$, and its variance is $n\,m_2$.

# %% tags=["nbval-check-output"]
def kurtosis_of_sum(n):
    return 3 - 1.2 * n / n**2


exercises.check_kurtosis_of_sum(kurtosis_of_sum)


# %% [markdown]
# **3. What weights cost.** If $m$ of $n$ images share all the weight evenly, this gives $m/n$.

# %% tags=["nbval-check-output"]
def effective(weights):
    return weights.sum() ** 2 / (weights**2).sum() / len(weights)


exercises.check_effective(effective)

# %% [markdown]
# ---
# Back to [5 · Pairwise β](../05_pairwise_beta.ipynb)
