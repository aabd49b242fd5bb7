"""Build hook: notebooks, shipped checkpoints and tables of studies travel inside the wheel.

An installed vaelib then has what a clone has: vaelib/notebooks/*.ipynb, vaelib/checkpoints/ and
vaelib/study_tables/. An editable install points at the clone and needs no copies.
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
        for table in sorted((root / "data" / "studies").glob("*/table.csv")):
            target = f"vaelib/study_tables/{table.parent.name}/table.csv"
            build_data["force_include"][str(table)] = target
