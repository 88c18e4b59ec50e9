"""Every kind of finding, in each way in which it shows, on evidence made by hand; and a healthy twin of each."""

from __future__ import annotations

from typing import Any

import pytest

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.findings import kinds, last_layer, undefined
from backlit.languages import NAMES
from tests.doctor import cases_of_data, cases_of_networks, cases_of_training
from tests.doctor.common import evidence, names
from tests.doctor.making import FALL, columns

CASES = [*cases_of_data.CASES, *cases_of_networks.CASES, *cases_of_training.CASES]
IDS = [f"{kind.key} {place}" for place, (kind, *_) in enumerate(CASES)]


def look(kind: Any, e: Evidence) -> list[Finding]:
    """What a kind's own rules find of it."""
    rules = [*kind.rules, *kind.fallback]
    if kind is undefined.SOURCE_OF_NAN:
        rules.append(last_layer.last_activation)
    return [finding for rule in rules for finding in rule(e) if finding.kind is kind]


@pytest.mark.parametrize(("kind", "sign", "sick", "healthy"), CASES, ids=IDS)
def test_it_is_found_where_it_is_and_not_in_its_twin(kind: Any, sign: Any, sick: Evidence, healthy: Evidence) -> None:
    found = look(kind, sick)
    assert [finding.sign for finding in found][:1] == [sign]
    assert look(kind, healthy) == []


@pytest.mark.parametrize(("kind", "sign", "sick", "healthy"), CASES, ids=IDS)
def test_it_is_told_in_every_language(kind: Any, sign: Any, sick: Evidence, healthy: Evidence) -> None:
    finding = look(kind, sick)[0]
    told = str(finding)
    assert told.startswith(f"{finding.severity.upper()}  {kind.key}: {finding.where}\n  {finding.cause}")
    assert f"\n  remedy     {finding.remedy}" in told
    assert "{" not in finding.remedy + finding.command
    assert (finding.measured is not None) == ("\n  measured   " in told)
    for lang in NAMES:
        for part in ("where", "measure", "source"):
            words = finding.message(part).within(lang)
            assert words.strip()
            assert "{" not in words


def test_every_kind_has_a_case_for_every_way_in_which_it_shows() -> None:
    cases = {(kind.key, id(sign)) for kind, sign, *_ in CASES}
    assert cases == {(kind.key, id(sign)) for kind in kinds().values() for sign in kind.signs}


@pytest.mark.parametrize("kind", kinds().values(), ids=list(kinds()))
def test_texts_are_there_in_every_language_and_ask_for_the_same_values(kind: Any) -> None:
    for template in (kind.name, kind.cause, kind.effect):
        assert all(getattr(template, lang).strip() and not template.places(lang) for lang in NAMES)
        assert any("가" <= letter <= "힣" for letter in template.ko)
    for sign in kind.signs:
        for template in (sign.where, sign.measure, sign.source):
            assert template.places("en") == template.places("ko")
    assert kind.rules or kind.fallback


def test_the_order_from_cause_to_effect() -> None:
    assert len({kind.order for kind in kinds().values()}) == len(kinds())
    assert list(kinds()) == [
        "missing inputs", "leak between splits", "contrary duplicates", "shifted split", "labels wrong in one part",
        "leaking column", "sorted rows", "unknown tokens", "mask hides the target", "truncated sequences",
        "padding not masked", "unrelated labels", "classes as numbers", "unscaled targets", "lopsided weights",
        "softmax twice",
        "activation before the loss", "softmax on one unit", "targets out of reach",
        "outputs and targets of different shapes", "batch-dependent outputs",
        "tiny batches in batch norm", "no non-linearity",
        "constant initialisation", "zero initialisation", "initial weights too small", "initial weights too large",
        "negative bias", "codes for missing values", "outlying rows",
        "unscaled inputs", "off-centre inputs", "constant columns", "unconnected layer",
        "frozen layer", "gradients never cleared", "trained in evaluation mode", "saturating activations in depth",
        "gradient vanishes through layers", "gradient explodes through layers", "gradient vanishes through time",
        "gradient explodes through time", "source of NaN", "clipping too strong",
        "momentum too high", "rate falls too soon", "delta too small",
        "weight decay too strong", "learning rate too high",
        "learning rate oscillating", "learning rate too low", "dropout too strong", "imbalance hidden by accuracy",
        "too little capacity", "overfitting", "stopped early", "open cause",
        "worse than guessing",
    ]  # fmt: skip


def test_a_healthy_run_has_no_finding() -> None:
    assert names(look_at_all(evidence(FALL, data=columns()))) == ["stopped early"]
    assert look_at_all(evidence([0.05] * 20, data=columns())) == []


def look_at_all(e: Evidence) -> list[Finding]:
    from backlit.doctor.diagnose import run_rules

    return list(run_rules(e))
