"""Build hook: the notebooks and the shipped checkpoints travel inside the wheel.

An installed vaelib then has what a clone has: vaelib/notebooks/*.ipynb and vaelib/checkpoints/. An
editable install points at the clone and needs no copies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelContents(BuildHookInterface):
    """Adds files to the wheel; a folder that does not exist adds nothing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        for source in sorted((root / "notebooks").glob("*.ipynb")):
            build_data["force_include"][str(source)] = f"vaelib/notebooks/{source.name}"
        checkpoints = root / "data" / "checkpoints"
        if checkpoints.is_dir():
            build_data["force_include"][str(checkpoints)] = "vaelib/checkpoints"
