"""Builds the native kernels where there is a C++ compiler; where there is none, Backlit is installed without them."""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("src/backlit/graph/kernels/native")


class NativeKernels(BuildHookInterface):
    """Puts the shared library beside its sources, and with it into the wheel, which is then this platform's."""

    def dependencies(self) -> list[str]:
        """For the headers that jaxlib brings, if they are needed."""
        return ["jaxlib>=0.10"] if self._script()["compiler"]() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, before the files are gathered; also for an editable installation, which runs from the sources."""
        script = self._script()
        try:
            library = script["build"]()
        except (RuntimeError, OSError) as error:
            self.app.display_warning(f"Backlit is installed without its native kernels: {error}")
            script["LIBRARY"].unlink(missing_ok=True)
            return
        build_data["artifacts"].append(str(FOLDER / library.name))
        build_data["pure_python"] = False
        # No Python ABI: one for all versions.
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def _script(self) -> dict[str, Any]:
        return runpy.run_path(str(Path(self.root) / FOLDER / "build.py"))
