"""The page without a server: a folder of files, in which Python runs in the browser's worker.

The folder holds the page, Backlit as a wheel, and (unless it is taken from elsewhere) Pyodide, which is Python for
browsers. Any web server serves it; nothing that a person does leaves the browser.
"""

from __future__ import annotations

import json
import tempfile
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from backlit._version import __version__
from backlit.data import datasets
from backlit.errors import InputError
from backlit.files import writing
from backlit.studio.packing import wheel
from backlit.studio.sets import BUNDLED

PAGE = Path(__file__).parent / "page"
PYTHON, PYODIDE = "python", "pyodide"  # folders of the page: Backlit's wheel, and Pyodide
SETTINGS = "settings.json"
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
LIBRARIES = ("numpy",)  # of Pyodide's own wheels, those that a session needs
FURTHER = ("polars",)  # those that tables need; copied if they are there
NOT_IN_IT = ("studio/page",)
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{from_there}; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'{from_there}; font-src 'self'; worker-src 'self'"
    "; base-uri 'none'; form-action 'none'"
)
HEAD = '<meta charset="utf-8">'
MAIN = '<script src="main.js" type="module"></script>'


def write(folder: str | Path, pyodide: str | None = None) -> list[str]:
    """Write the page as static files.

    Parameters
    ----------
    folder : str or path
        A new or empty one, or one that was written so before.
    pyodide : str, optional
        A folder with Pyodide's files, which are copied, or the address of one, from which the page takes them. Without
        it the page looks in its own folder ``pyodide``.

    Returns
    -------
    list of str
        Files of Pyodide that must still be put into its folder.

    Raises
    ------
    InputError
        If the folder holds something else, or Pyodide's lacks files.
    """
    folder = Path(folder)
    if folder.is_file():
        raise InputError(f"{folder} is a file; expected a new folder, or one that --static wrote before")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PYTHON / SETTINGS).is_file():
        raise InputError(f"{folder} holds other files; expected a new folder, or one that --static wrote before")
    address = pyodide if pyodide is not None and urlsplit(pyodide).scheme in ("http", "https") else None
    source = Path(pyodide) if pyodide is not None and address is None else None
    copied = [] if source is None else _pyodides(source)
    for path in sorted(PAGE.rglob("*")):
        if path.is_file() and path.name != "index.html":
            _keep(folder / path.relative_to(PAGE), path.read_bytes())
    _keep(folder / "index.html", _index(address).encode())
    wheels = [_backlit(), wheel("lazy_loader", metadata.version("lazy_loader"))]
    for old in (folder / PYTHON).glob("*.whl"):
        if old.name not in dict(wheels):
            old.unlink()
    for name, data in wheels:
        _keep(folder / PYTHON / name, data)
    for path in copied:
        _keep(folder / PYODIDE / path.name, path.read_bytes())
    told = {
        "pyodide": f"{address.rstrip('/')}/" if address else f"../{PYODIDE}/",
        "libraries": list(LIBRARIES),
        "further": list(FURTHER),
        "wheels": [name for name, _ in wheels],
    }
    _keep(folder / PYTHON / SETTINGS, json.dumps(told, indent=1).encode())
    return [] if address else missing(folder / PYODIDE)


def _index(address: str | None) -> str:
    """The page with its policy in it, since there may be no server to send it, and the worker started first."""
    text = (PAGE / "index.html").read_text("utf-8")
    origin = "" if address is None else f" {urlsplit(address).scheme}://{urlsplit(address).netloc}"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(from_there=origin)}">'
    text = text.replace(HEAD, f"{HEAD}\n{policy}")
    return text.replace(MAIN, f'<script src="static.js" type="module"></script>\n{MAIN}')


def _backlit() -> tuple[str, bytes]:
    """Backlit's wheel, with the sets that scikit-learn has elsewhere."""
    with tempfile.TemporaryDirectory(prefix="backlit-static-") as kept:
        for name in BUNDLED:
            datasets.keep(name, Path(kept))
        more = {
            f"backlit/data/{datasets.KEPT.name}/{path.name}": path.read_bytes() for path in sorted(Path(kept).iterdir())
        }
    return wheel("backlit", __version__, needs=("numpy", "lazy_loader"), without=NOT_IN_IT, more=more)


def _pyodides(source: Path) -> list[Path]:
    """The files of Pyodide that the page needs."""
    lacking = missing(source)
    if lacking:
        raise InputError(
            f"{source} lacks {', '.join(lacking)} of Pyodide: `npm pack pyodide` has its core, "
            "a release of Pyodide the wheels"
        )
    wheels = _wheels(source)
    further = [wheels[name] for name in FURTHER if name in wheels and (source / wheels[name]).is_file()]
    return [source / name for name in (*CORE, *(wheels[name] for name in LIBRARIES), *further)]


def missing(folder: Path) -> list[str]:
    """What a folder lacks of Pyodide's files that the page needs."""
    wheels = _wheels(folder)
    wanted = (*CORE, *(wheels.get(name, f"the wheel of {name}") for name in LIBRARIES))
    return [name for name in wanted if not (folder / name).is_file()]


def _wheels(folder: Path) -> dict[str, str]:
    """File names of Pyodide's wheels, as its lock file tells them."""
    try:
        packages = json.loads((folder / "pyodide-lock.json").read_bytes())["packages"]
        return {str(name): Path(str(about["file_name"])).name for name, about in packages.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _keep(file: Path, data: bytes) -> None:
    """Write a file if it isn't so already."""
    if file.is_file() and file.stat().st_size == len(data) and file.read_bytes() == data:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with writing(file) as beside:
        beside.write_bytes(data)
