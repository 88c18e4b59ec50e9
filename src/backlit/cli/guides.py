"""Which page of the documents tells more of a command, and where it is from here: the end of help texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

# By command; "" is the command itself.
GUIDES = {
    "": "index", "train": "tables", "launch": "launching", "tune": "tune", "evaluate": "tables", "predict": "tables",
    "generate": "text", "show": "see-inside", "report": "report", "export": "onnx", "compare": "tables",
    "importance": "tables", "diagnose": "doctor", "lr-find": "doctor", "explain": "see-inside", "lessons": "teaching",
    "lesson": "teaching", "studio": "studio",
}  # fmt: skip
SOURCE = Path(__file__).resolve().parents[3] / "docs"  # of a checkout


def guide(command: str) -> str:
    """The line, in rich's markup: the published page, or that of the checkout; "" where there is neither.

    >>> guide("tune") == "" or "tune" in guide("tune")
    True
    """
    page = GUIDES[command]
    address = _published()
    if address:
        return f"Documents: {address}/{page}.html"
    file = SOURCE / f"{page}.md"
    return f"Documents: [link={file.as_uri()}]docs/{page}.md[/link]" if file.is_file() else ""


@cache
def _published() -> str:
    """The site's address, if the distribution names one."""
    import importlib.metadata  # takes 20 ms, and help texts alone need it

    try:
        told = importlib.metadata.metadata("backlit").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    links = dict(each.split(", ", 1) for each in told if ", " in each)
    return links.get("Documentation", "").rstrip("/")
