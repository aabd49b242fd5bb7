"""HTML made safe to open without a network: nothing in it makes a browser load anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from bs4 import BeautifulSoup, Tag

REMOTE = re.compile(r"^\s*(?:https?:|ftp:|wss?:)?//", re.IGNORECASE)
LOADING = ("src", "srcset", "poster", "data", "background", "xlink:href")
CSS_LOAD = re.compile(r"@import[^;]*;?|url\(\s*['\"]?\s*(?:https?:|ftp:)?//[^)]*\)", re.IGNORECASE)


def offline(html: str, pages: Mapping[str, str] | None = None) -> str:
    """`html` without what a browser would load from a network. Plain links stay links.

    A picture from a network becomes its alternative text, a frame a link to it; scripts and style
    sheets from a network go. A link to a notebook leads to its page, if `pages` {notebook: page}
    has one; links to other files, which do not come with the page, become text.
    """
    soup = BeautifulSoup(html, "html.parser")
    for tag in soup.find_all(["link", "base", "meta", "object", "embed"]):
        tag.decompose()
    for tag in soup.find_all(True):
        _cut_frame(tag)
        _cut_styles(tag)
        if any(_is_remote(tag, name) for name in LOADING):
            _replace(tag, soup)
    for link in soup.find_all("a", href=True):
        _lead_to_page(link, pages or {})
    return str(soup)


def _lead_to_page(link: Tag, pages: Mapping[str, str]) -> None:
    address, sign, place = str(link["href"]).partition("#")
    if not address or re.match(r"[a-z]+:|//", address, re.IGNORECASE):
        return
    page = pages.get(PurePosixPath(address).name)
    if page:
        link["href"] = page + sign + place
    else:
        del link["href"]


def _is_remote(tag: Tag, attribute: str) -> bool:
    value = str(tag.get(attribute) or "")
    parts = value.split(",") if attribute == "srcset" else [value]
    return any(REMOTE.match(part) for part in parts)


def _replace(tag: Tag, soup: BeautifulSoup) -> None:
    address = str(tag.get("src", ""))
    text = tag.get("alt") or tag.get("title") or address
    if tag.name == "script" or not text:  # nothing is left to show
        tag.decompose()
        return
    inside_link = tag.find_parent("a") is not None
    new = soup.new_tag("span", attrs={"class": "remote"}) if inside_link else soup.new_tag(
        "a", attrs={"class": "remote", "href": address}
    )  # fmt: skip
    new.string = str(text)
    tag.replace_with(new)


def _cut_frame(tag: Tag) -> None:
    if tag.name == "iframe" and tag.get("srcdoc"):
        tag["srcdoc"] = offline(str(tag["srcdoc"]))


def _cut_styles(tag: Tag) -> None:
    if tag.get("style"):
        tag["style"] = CSS_LOAD.sub("none", str(tag["style"]))
    if tag.name == "style" and tag.string and CSS_LOAD.search(tag.string):
        tag.string = CSS_LOAD.sub("", tag.string)
