"""The fast mode changes amounts only when it is asked for, and says so."""

import pytest

from vaelib.fast import budget, is_fast


@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_fast_mode_budgets_are_whole(monkeypatch, capsys, value):
    if value is None:
        monkeypatch.delenv("VAELIB_FAST", raising=False)
    else:
        monkeypatch.setenv("VAELIB_FAST", value)
    assert not is_fast()
    assert budget(30_000) == 30_000
    assert capsys.readouterr().out == ""


def test_fast_mode_cuts_and_says_that_numbers_mean_nothing(monkeypatch, capsys):
    monkeypatch.setenv("VAELIB_FAST", "1")
    assert is_fast()
    assert budget(30_000, smoke=50) == 50
    said = capsys.readouterr().out
    assert "50 instead of 30,000" in said and "numbers mean nothing" in said


def test_fast_mode_never_adds_work(monkeypatch, capsys):
    monkeypatch.setenv("VAELIB_FAST", "1")
    assert budget(10, smoke=50) == 10
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("steps", "smoke"), [(0, 20), (-5, 20), (100, 0)])
def test_budgets_are_at_least_one(steps, smoke):
    with pytest.raises(ValueError, match="at least 1"):
        budget(steps, smoke)
