"""A judgement's sentences know their languages after they were written and read, too."""

import json

import numpy as np

import backlit as bl
from backlit.languages import Said, Template

NOTE = Template("{count} rows are left out", "데이터 {count}개를 뺐습니다.")


def test_sentences_are_kept_in_every_language(tmp_path) -> None:
    run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1, engine="numpy", probes=None)
    run.judgement = {"task": "regression", "rows": 3, "scores": {"mae": 1.0}, "notes": [NOTE.say(count=3), "plain"]}
    run.save(tmp_path / "run")
    written = json.loads((tmp_path / "run" / "judgement.json").read_text(encoding="utf-8"))
    assert written["notes"] == ["3 rows are left out", "plain"]  # strings, as ever
    assert written["languages"] == {"3 rows are left out": {"ko": "데이터 3개를 뺐습니다."}}
    loaded = bl.load(tmp_path / "run")
    first, second = loaded.judgement["notes"]
    assert isinstance(first, Said)
    assert first.within("ko") == "데이터 3개를 뺐습니다."
    assert second == "plain"
    assert "languages" not in loaded.judgement
    page = loaded.report("ko")
    assert "데이터 3개를 뺐습니다." in page
    assert "3 rows are left out" in page


def test_what_is_not_as_it_should_be_is_left_alone(tmp_path) -> None:
    run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1, engine="numpy", probes=None)
    run.judgement = {"task": "regression", "rows": 3, "notes": ["plain"]}
    run.save(tmp_path / "run")
    assert "languages" not in json.loads((tmp_path / "run" / "judgement.json").read_text(encoding="utf-8"))
    assert bl.load(tmp_path / "run").judgement["notes"] == ["plain"]
