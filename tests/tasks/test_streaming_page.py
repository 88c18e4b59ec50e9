"""What the page on streams promises runs as it stands there, in both languages."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["streaming.md", "streaming.ko.md"])
def test_the_page_on_streams(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    lines = ["\n".join(code)]

    def run(*command: str) -> str:
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    assert run("-c", *lines).split() == ["True", "True"]
    if page == "streaming.md":  # the commands are the same in both
        for command in re.findall(r"^    backlit (.*)$", text, flags=re.MULTILINE):
            run("-m", "backlit", *shlex.split(command))
        assert (tmp_path / "predictions.parquet").stat().st_size > 0
        assert (tmp_path / "runs" / "houses" / "report.html").is_file()
