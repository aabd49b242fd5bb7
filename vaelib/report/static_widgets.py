"""Widgets on a page without a kernel: their last pictures and texts, drawn from the stored state."""

from __future__ import annotations

from html import escape
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def take_out(notebook: Any) -> None:
    """Replace each widget of the notebook, in place, by static HTML, and drop the stored state."""
    state = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if VIEW in output.get("data", {}):
                view = output["data"].pop(VIEW)
                output["data"]["text/html"] = _fallback(view.get("model_id", ""), state, output)


def _fallback(model: str, state: dict[str, Any], output: Any) -> str:
    """The widget as it was last seen; its plain text when no state was stored."""
    drawn = draw(model, state)
    if not drawn and "text/html" in output["data"]:
        return output["data"]["text/html"]
    drawn = drawn or f"<code>{escape(output['data'].get('text/plain', 'a widget'))}</code>"
    note = "A control that moves in the notebook; here it stands still."
    return f'<div class="widget" title="{note}">{drawn}</div>'


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
    children = [draw(child, state) for child in fields.get("children", [])]
    if children:
        row = " row" if kind == "HBoxModel" else ""
        return f'<div class="widget-box{row}">{"".join(children)}</div>'
    return _control(fields)


def _image(values: dict[str, Any]) -> str:
    data = next((b["data"] for b in values.get("buffers", []) if b["path"] == ["value"]), "")
    kind = values["state"].get("format", "png")
    data = "".join(data.split())
    return (
        f'<img alt="the widget\'s picture" src="data:image/{kind};base64,{data}">' if data else ""
    )


def _output(output: dict[str, Any]) -> str:
    """One output that an Output widget caught: a picture, HTML or text."""
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="the widget\'s picture" src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/html" in data:
        return data["text/html"]
    text = data.get("text/plain", output.get("text", ""))
    return f"<pre>{escape(text)}</pre>" if text else ""


def _control(fields: dict[str, Any]) -> str:
    value = fields.get("value", fields.get("index"))
    if "_options_labels" in fields and isinstance(fields.get("index"), int):
        value = fields["_options_labels"][fields["index"]]
    if value is None or value == "":
        return f'<div class="control">{_label(fields)}</div>' if fields.get("description") else ""
    return f'<div class="control">{_label(fields)}<b>{escape(str(value))}</b></div>'


def _label(fields: dict[str, Any]) -> str:
    description = fields.get("description", "")
    return f"<span>{escape(description)}</span> " if description else ""
