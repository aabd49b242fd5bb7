"""Linear classifiers, quiet about stopping early."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


def logistic_regression(x: np.ndarray, y: np.ndarray, **settings: Any) -> Any:
    """A fitted scikit-learn LogisticRegression (lbfgs) on `x` (N, D), classes `y` (N,).

    Where classes can be separated its optimum lies at infinity: the papers' limit of iterations
    then is part of the score, so that stopping at it is no reason to warn.
    """
    from sklearn.linear_model import LogisticRegression

    return fitted(LogisticRegression(**settings), x, y)


def fitted(model: Any, x: np.ndarray, y: np.ndarray) -> Any:
    """`model.fit(x, y)` without a warning when the limit of iterations was reached.

    On one thread: the matrices are narrow, and threads that wait for each other take three times
    the work.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)
