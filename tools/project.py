"""Where the project lives on the web: everything that holds its address derives it from here.

The address and the version stand once, in pyproject.toml.
"""

from __future__ import annotations

import re
from pathlib import Path

_PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def _value(key: str) -> str:
    text = _PYPROJECT.read_text(encoding="utf-8")  # Python 3.10 has no tomllib
    found = re.search(rf'^{key}\s*=\s*"([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise ValueError(f'pyproject.toml must have a line {key} = "…"')
    return found[1].rstrip("/")


REPOSITORY, VERSION = _value("Repository"), _value("version")
# What links and installs name: a release its tag, so that those of an old one keep working.
REF = "main" if ".dev" in VERSION else f"v{VERSION}"


def badge_url(notebook: str) -> str:
    """Opens a notebook on Colab. `notebook` is its name: "02_beta_vae", "solutions/02_beta_vae"."""
    path = REPOSITORY.removeprefix("https://github.com/")
    name = notebook.removesuffix(".ipynb")
    return f"https://colab.research.google.com/github/{path}/blob/{REF}/notebooks/{name}.ipynb"


def badge(notebook: str) -> str:
    """The Markdown of the "Open in Colab" button of a notebook."""
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    return f"[![Open in Colab]({picture})]({badge_url(notebook)})"


def install_cell() -> str:
    """The source of every notebook's first code cell.

    `--no-deps`: Colab has all that vaelib needs, and its torch must stay as it is.
    """
    return f"""\
import importlib.util

if importlib.util.find_spec("vaelib") is None:  # as on Colab; elsewhere it is installed
    address = "{REPOSITORY}"
    get_ipython().run_line_magic("pip", f"install -q --no-deps vaelib@git+{{address}}@{REF}")"""
