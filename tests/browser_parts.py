"""What tests of pages share."""

from __future__ import annotations

import time
from typing import Any


def until(page: Any, expression: str, seconds: float = 30.0) -> None:
    """Wait until an expression is true in a page.

    Playwright's own wait_for_function evaluates a string inside of the page when the first look
    comes too early, which the policy of our pages forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(f"!!({expression})"):
        if time.monotonic() > end:
            raise TimeoutError(f"{expression} did not become true in {seconds:g} s")
        time.sleep(0.05)
