"""Widgets on a page without a kernel: their last pictures and texts, from the stored state."""

from __future__ import annotations

import re
from html import escape
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"')


def take_out(notebook: Any) -> None:
    """Replace each widget of the notebook, in place, by static HTML, and drop the stored state."""
    state = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if VIEW in output.get("data", {}):
                _take_out(output["data"], state)


def _take_out(data: dict[str, Any], state: dict[str, Any]) -> None:
    """Put in the widget as last seen; without a state the HTML beside it, or its text."""
    drawn = draw(data.pop(VIEW).get("model_id", ""), state)
    if not drawn and "text/html" in data:
        return
    drawn = drawn or f"<code>{escape(data.get('text/plain', 'a widget'))}</code>"
    note = "A control that moves in the notebook; here it stands still."
    data["text/html"] = f'<div class="widget" title="{note}">{drawn}</div>'
    if picture := _PICTURE.search(drawn):
        data.setdefault("image/png", picture[1])  # for the index page


def draw(model: str, state: dict[str, Any]) -> str:
    """HTML of a widget model and its children: pictures, texts, and `name: value` of controls."""
    values = state.get(model.removeprefix("IPY_MODEL_"), {})
    fields, kind = values.get("state", {}), values.get("model_name", "")
    if kind == "ImageModel":
        return _image(values)
    if kind == "OutputModel":
        return "".join(_output(output) for output in fields.get("outputs", []))
    if kind in ("HTMLModel", "HTMLMathModel"):
        return f"<div>{_label(fields)}{fields.get('value', '')}</div>"
    if fields.get("children"):
        row = " row" if kind == "HBoxModel" else ""
        children = "".join(draw(child, state) for child in fields["children"])
        return f'<div class="widget-box{row}">{children}</div>'
    return _control(fields)


def _image(values: dict[str, Any]) -> str:
    data = next((b["data"] for b in values.get("buffers", []) if b["path"] == ["value"]), "")
    return _img(data, values["state"].get("format", "png")) if data else ""


def _img(data: str, kind: str = "png") -> str:
    """`data` is base64, which may have line ends in it."""
    data = "".join(data.split())
    return f'<img alt="the picture of a widget" src="data:image/{kind};base64,{data}">'


def _output(output: dict[str, Any]) -> str:
    """One output that an Output widget caught: a picture, HTML or text."""
    data = output.get("data", {})
    if "image/png" in data:
        return _img(data["image/png"])
    if "text/html" in data:
        return data["text/html"]
    text = data.get("text/plain", output.get("text", ""))
    return f"<pre>{escape(text)}</pre>" if text else ""


def _control(fields: dict[str, Any]) -> str:
    """A slider, a menu, a button: its description and its value."""
    value, at = fields.get("value"), fields.get("index")
    if isinstance(at, int) and at < len(fields.get("_options_labels", ())):
        value = fields["_options_labels"][at]
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    shown = "" if value in (None, "") else f"<b>{escape(text)}</b>"
    return f'<div class="control">{_label(fields)}{shown}</div>' if _label(fields) or shown else ""


def _label(fields: dict[str, Any]) -> str:
    description = fields.get("description", "")
    return f"<span>{escape(description)}</span> " if description else ""
