"""The explorer as a widget: what its sliders say can be read, and set, in Python."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from vaelib.explorer.page import Explorer, script, source, style


class ExplorerWidget(anywidget.AnyWidget):
    """An :class:`Explorer` that shares its code with Python; it needs a running kernel for that.

        widget = explore(run).widget()
        widget                                     # in a cell of its own: move its sliders
        run.vae.decode(torch.tensor([widget.code]))  # what they say now
        widget.code = [0.0] * 10                   # move them

    `observe(f, "code")` calls `f` at each move. The code is a list of D numbers, [] until the
    widget is first seen; `model` is the index of the model that the sliders move.

    >>> from vaelib.explorer import explore
    >>> from vaelib.paths import shipped_dir
    >>> from vaelib.runs import Run
    >>> widget = ExplorerWidget(explore(Run(shipped_dir() / "dsprites_beta_4"), samples=100))
    >>> widget.code = [0.0] * 10
    """

    _esm = f"{script()}\n{source('widget.js')}"
    page = traitlets.Dict().tag(sync=True)
    style = traitlets.Unicode(style()).tag(sync=True)
    code = traitlets.List(traitlets.Float()).tag(sync=True)
    model = traitlets.Int(0).tag(sync=True)

    def __init__(self, explorer: Explorer):
        self._latents = [subject.vae.latent_dim for subject in explorer.subjects]
        super().__init__(page=explorer.page)

    @traitlets.validate("code")
    def _check_code(self, proposal: dict[str, Any]) -> list[float]:
        code = [float(v) for v in proposal["value"]]
        if len(code) not in (0, *self._latents) or not np.isfinite(code).all():
            raise ValueError(f"code must be {self._latents[self.model]} finite numbers, got {code}")
        return code

    @traitlets.validate("model")
    def _check_model(self, proposal: dict[str, Any]) -> int:
        if not 0 <= proposal["value"] < len(self._latents):
            raise ValueError(
                f"model must be in 0..{len(self._latents) - 1}, got {proposal['value']}"
            )
        return proposal["value"]
