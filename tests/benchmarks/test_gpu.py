"""The race on a graphics card, as far as a processor can try it."""

from __future__ import annotations

import math

import pytest

from benchmarks import gpu

pytest.importorskip("torch")


def test_small_rows_run_on_the_processor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "ROUNDS", 1)
    told = gpu.main(["--on", "cpu", "--quick", "mlp", "predict"])
    head, _, columns, _, *rows = told.strip().splitlines()
    assert head.startswith("### On ")
    assert "cores of a processor" in head
    assert columns.count("|") == 7
    names, ours, theirs, ratios = zip(*[[cell.strip() for cell in row.split("|")[1:5]] for row in rows], strict=True)
    assert names == ("mlp", "predict")
    for mine, other, ratio in zip(ours, theirs, ratios, strict=True):
        mine, other = (float(text.replace(",", "")) for text in (mine, other))
        assert mine > 0
        assert float(ratio) == pytest.approx(other / mine, abs=0.02 + 0.01 * other / mine)
    assert "warm after" in capsys.readouterr().err


def test_without_a_graphics_card_it_says_so() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(gpu.NoDeviceError, match=r"JAX has none \(backend 'cpu'\), PyTorch \S+ has none.*--on cpu"):
        gpu.main([])


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gpu.main(["--on", "cpu", "--quick", "lstn"])
    assert ended.value.code == 2
    assert "unknown row lstn; there are w4, mlp, lstm" in capsys.readouterr().err


def test_who_fails_or_comes_too_late_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> gpu.Contestant:
        raise RuntimeError("no kernel")

    found = gpu.race({"backlit": lambda: lambda: 2.0, "PyTorch": fails, "torch.compile": fails}, lambda: 1.0)
    assert found == {"backlit": 2.0}
    said = capsys.readouterr().err
    assert "PyTorch: left out, RuntimeError: no kernel" in said
    assert "torch.compile: left out, 1 s are left" in said
    assert gpu.line("x", found) == "| x | 2,000,000.0 |  |  |  |  |"


@pytest.mark.parametrize("name", ["w4", "gru", "cnn", "residual", "transformer"])
def test_both_sides_have_the_same_network(name: str) -> None:
    """As many weights, so that no race is of two different things; PyTorch's second bias of a gate is known."""
    import torch

    row = gpu.rows_of(quick=False)[name]
    ours = row.network().build(row.inputs).size
    theirs = sum(part.numel() for part in row.module(torch).parameters())
    surplus = {"gru": 2 * 256, "transformer": 128 * 64}.get(name, 0)
    assert theirs - surplus == ours
    assert math.isfinite(ours)
