"""Multinomial logistic regression."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

MEMORY, TOLERANCE = 10, 1e-4  # L-BFGS as scikit-learn calls it


def logistic_regression(
    x: np.ndarray, y: np.ndarray, penalty: float = 1.0, steps: int = 100, balanced: bool = False
) -> np.ndarray:
    """Weights (C, D + 1), the constant last, for `x` (N, D) and labels `y` (N,) in 0 … C-1.

    Minimises penalty / 2 Σ w² + Σ_n -log chance of y_n, without the constants in the first sum, by
    at most so many steps of L-BFGS: scikit-learn's LogisticRegression (C = 1 / penalty). Where
    classes can be separated the optimum of the papers' unpenalised form lies at infinity, and their
    limit of steps is part of the score. `balanced` gives all classes the same total weight.
    """
    classes, n = int(y.max()) + 1, len(x)
    inputs = np.column_stack([x, np.ones(n, x.dtype)])  # (N, D + 1)
    share = np.bincount(y, minlength=classes) / n
    weight = (1 / (classes * share[y]) if balanced else np.ones(n)).astype(x.dtype)
    # two classes: scikit-learn has one vector, of which ours are the two halves
    ridge = np.append(np.full(x.shape[1], (1 + (classes == 2)) * penalty / n), 0)
    rows = np.arange(n)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(classes, -1)
        logits = inputs @ w.T.astype(x.dtype)  # (N, C)
        logits -= logits.max(axis=1, keepdims=True)
        own = logits[rows, y].astype(np.float64)
        np.exp(logits, out=logits)
        total = logits.sum(axis=1)
        value = np.mean(weight * (np.log(total, dtype=np.float64) - own))
        logits *= (weight / total)[:, None]
        logits[rows, y] -= weight
        gradient = (logits.T @ inputs).astype(np.float64) / n + ridge * w
        return value + 0.5 * float((ridge * w * w).sum()), gradient.ravel()

    options = {"maxiter": steps, "maxls": 50, "maxcor": MEMORY, "gtol": TOLERANCE, "ftol": 1e-14}
    start = np.zeros(classes * inputs.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(classes, -1)


def chances(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The chance of each class for `x` (N, D): (N, C)."""
    logits = x @ weights[:, :-1].T + weights[:, -1]
    logits = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits / logits.sum(axis=1, keepdims=True)
