"""Checks of the chapters' exercises: each takes an answer and says what is right or wrong with it.

One chapter, one module of its name; `verdict` says how a check is written.

    from vaelib.exercises import beta_vae as exercises
    exercises.check_kl(kl)        # ✓ … or ✗ and advice

A check never raises: an answer that stops with an error gets advice too.
"""

from vaelib.exercises.verdict import Verdict, exercise

__all__ = ["Verdict", "exercise"]
