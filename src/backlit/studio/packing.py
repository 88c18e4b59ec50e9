"""Wheels of what is installed, for Python in a browser: Backlit without its native kernels, and what it imports."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata, util
from pathlib import Path, PurePosixPath

from backlit.errors import InputError

ENDINGS = (".css", ".html", ".j2", ".json", ".md", ".py", ".pyi", ".toml", ".txt", ".typed")
SINCE = (1980, 1, 1, 0, 0, 0)  # of every file: the same code gives the same bytes


def wheel(
    name: str,
    version: str,
    needs: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    more: dict[str, bytes] | None = None,
) -> tuple[str, bytes]:
    """A wheel of a package that this Python imports.

    Parameters
    ----------
    name : str
        Of package and distribution: "backlit".
    version : str
    needs : tuple of str
        Distributions that it needs.
    without : tuple of str
        Folders within the package that are left out.
    more : dict of bytes by path, optional
        Further files.

    Returns
    -------
    (str, bytes)
        The wheel's file name, and what is in it.

    Examples
    --------
    >>> name, data = wheel("lazy_loader", "0.6")
    >>> name
    'lazy_loader-0.6-py3-none-any.whl'
    >>> "lazy_loader/__init__.py" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    True
    """
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(f"{name} can't be packed: it isn't installed as files")
    home = Path(spec.origin).parent
    files = {
        f"{name}/{place}": path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.suffix in ENDINGS and not _inside(place := path.relative_to(home).as_posix(), without)
    }
    about = f"{name}-{version}.dist-info"
    described = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {n}" for n in needs),
    ]
    files |= more or {}
    files |= {f"{about}/{place}": text for place, text in _licences(name).items()}
    files[f"{about}/METADATA"] = "\n".join([*described, ""]).encode()
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: backlit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{place},sha256={_hash(data)},{len(data)}" for place, data in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for place, data in files.items():
            entry = zipfile.ZipInfo(place, SINCE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


def _inside(place: str, folders: tuple[str, ...]) -> bool:
    return "__pycache__" in PurePosixPath(place).parts or any(place.startswith(f"{folder}/") for folder in folders)


def _licences(name: str) -> dict[str, bytes]:
    """The texts of a distribution's licence."""
    try:
        told = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return {}
    found = [Path(str(each.locate())) for each in told if each.name.upper().startswith("LICENSE")]
    return {f"licenses/{path.name}": path.read_bytes() for path in found if path.is_file()}


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
