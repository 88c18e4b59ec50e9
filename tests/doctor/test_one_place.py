"""A finding is one record in one file: whoever tells of findings meets a new one without knowing of it."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.doctor import findings
from tests.report.common import checked

ROOT = Path(__file__).resolve().parents[2]
RECORD = '''
from dataclasses import replace

from backlit.doctor.finding import Kind, Role, Sign, Stage
from backlit.doctor.repair.change import Change
from backlit.languages import Template

ODD = Sign(
    where=Template(
        "{rows} rows, {share:.0%} of a dozen dozens", "데이터 {rows}개, 열두 다스의 {share:.0%}{은/는} 아님"
    ),
    measure=Template("rows left over", "남는 데이터"),
    source=Template("a full moon", "보름달"),
)


def odd(e):
    """Rows that aren't of a full dozen."""
    rows = e.data.get("rows", 0)
    return [DOZEN.found(ODD, float(rows % 12), 0.0, rows=rows, share=rows / 144)] if rows % 12 else []


DOZEN = Kind(
    name=Template("no full dozen", "다스가 안 됨"),
    stage=Stage.DATA,
    place=-1,
    role=Role.CAUSE,
    cause=Template("Rows come by the dozen.", "데이터는 다스로 옵니다."),
    remedy="x, y = x[:12], y[:12]",
    effect=Template("rows by the dozen", "데이터가 다스로 됩니다."),
    signs=(ODD,),
    rules=(odd,),
    repair=lambda recipe, run: [Change("three epochs fewer", recipe.replace(epochs=1))],
)
KINDS = (DOZEN,)
'''


@pytest.fixture
def dozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file among the findings."""
    (tmp_path / "dozen.py").write_text(RECORD, encoding="utf-8")
    monkeypatch.setattr(findings, "__path__", [*findings.__path__, str(tmp_path)])
    findings.kinds.cache_clear()
    yield
    findings.kinds.cache_clear()
    sys.modules.pop("backlit.doctor.findings.dozen", None)


def fitted() -> bl.Run:
    x = np.random.default_rng(0).normal(size=(125, 3)).astype("float32")
    return bl.fit(bl.Sequential(bl.Linear(2)), x, (x[:, 0] > 0).astype(int), epochs=4, validation=0.2, engine="numpy")


def test_a_new_finding_is_met_everywhere(dozen: None) -> None:
    run = fitted()
    first = run.diagnose()[0]
    assert str(first).startswith("ALARM  no full dozen: 100 rows, 69% of a dozen dozens\n  Rows come by the dozen.")
    page = checked(run.report())
    assert "Alarm: no full dozen Rows come by the dozen." in page.text("en")
    assert "100 rows, 69% of a dozen dozens" in page.text("en")
    assert "경고: 다스가 안 됨 데이터는 다스로 옵니다." in page.text("ko")
    assert "데이터 100개, 열두 다스의 69%는 아님" in page.text("ko")
    assert "0 (보름달)" in page.text("ko")
    assert [attempt.finding for attempt in run.fix(rounds=1, suit=False).changes][:1] == ["no full dozen"]
    pages = runpy.run_path(str(ROOT / "docs" / "site" / "findings.py"))["page"]
    assert "## no full dozen\n\nRows come by the dozen." in pages("en")
    assert "## 다스가 안 됨 `no full dozen`\n\n데이터는 다스로 옵니다." in pages("ko")
    assert "| 남는 데이터 | 보름달 |" in pages("ko")


def test_without_its_file_nothing_knows_of_it() -> None:
    assert "no full dozen" not in findings.kinds()
    assert "no full dozen" not in str(fitted().diagnose())


def test_the_list_of_all_findings_has_every_finding() -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "site" / "findings.py"))["page"]
    for name, kind in findings.kinds().items():
        assert f"\n## {name}\n" in pages("en")
        assert f"\n## {kind.name.ko} `{name}`\n" in pages("ko")
        assert kind.remedy in pages("ko")
    assert "{" not in pages("en").replace("{...}", "")
