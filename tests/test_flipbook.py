"""A flipbook is read as a browser would read it: one picture is seen, the slider names it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from PIL import Image

from vaelib.flipbook import Flipbook, flipbook
from vaelib.report.offline import offline


def bar(height):
    _, axes = plt.subplots(1, 2, figsize=(2, 1))
    axes[0].bar([0], [height], color="black")
    axes[0].set_ylim(0, 3)
    return axes


@pytest.fixture(scope="module")
def book():
    return flipbook(bar, [1, 2, 3], "height <m>", "{:.1f} m", start=1, dpi=50)


def pages(book):
    return BeautifulSoup(book._repr_html_(), "html.parser").find_all("img")


def test_only_the_start_is_seen_and_named(book):
    soup = BeautifulSoup(book._repr_html_(), "html.parser")
    seen = [page["data-value"] for page in pages(book) if "display:none" not in page["style"]]
    assert seen == ["2.0 m"] == [soup.output.text]
    slider = soup.input
    assert [slider[key] for key in ("type", "min", "max", "value")] == ["range", "0", "2", "1"]


def test_the_pages_hold_what_was_drawn_for_each_value(book):
    shown = [page["src"].removeprefix("data:image/png;base64,") for page in pages(book)]
    images = [Image.open(io.BytesIO(base64.b64decode(data))) for data in shown]
    assert {image.size for image in images} == {(100, 50)}
    black = [(np.asarray(image.convert("L")) < 40).sum() for image in images]
    assert black[0] < black[1] < black[2]


def test_texts_are_escaped_and_stand_at_their_pages(book):
    assert [page["alt"] for page in pages(book)] == [f"height <m> {x}.0 m" for x in (1, 2, 3)]
    assert "<m>" not in book._repr_html_()


def test_a_report_page_keeps_it_whole(book):
    """Nothing in it is loaded, so nothing is taken out; the handler stays one attribute."""
    html = book._repr_html_()
    before, after = (BeautifulSoup(text, "html.parser") for text in (html, offline(html)))
    assert before.input.attrs == after.input.attrs and "querySelectorAll" in after.input["oninput"]
    assert before.find_all("img") == after.find_all("img")


def test_figures_are_closed_and_the_text_form_says_what_it_is(book):
    before = plt.get_fignums()  # other tests may have left some
    flipbook(bar, [1, 2], "height", dpi=50)
    assert plt.get_fignums() == before
    assert repr(book) == "Slider: height <m>, 3 pictures from 1.0 m to 3.0 m."


def test_pages_without_texts_are_refused():
    with pytest.raises(ValueError, match="as many texts, got 1 and 0"):
        Flipbook("x", (), (b"",))
    with pytest.raises(ValueError, match="one of 0..0, got 1"):
        Flipbook("x", ("a",), (b"",), start=1)
