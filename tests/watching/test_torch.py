"""`bl.watch` in PyTorch: it changes nothing, sees what is there, and leaves nothing behind."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import backlit as bl
from tests.watching.common import classes, mlp, train

nn, F = torch.nn, torch.nn.functional


class Functional(nn.Module):
    """Layers as modules, activations as functions, one of them shared, something led around a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.first(x))
        x = x + torch.tanh(self.shared(x))
        return self.last(F.dropout(torch.tanh(self.shared(x)), 0.1, self.training))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(1, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.cells(x.unsqueeze(-1))[0][:, -1])


def accumulating(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
    optimizer.zero_grad()
    for part, of in zip(inputs.chunk(2), targets.chunk(2), strict=True):
        (loss_fn(model(part), of) / 2).backward()
    optimizer.step()


def mixed(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_fn(model(inputs), targets)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()


WAYS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "module as loss": (mlp, nn.CrossEntropyLoss(), {}),
    "function as loss": (Functional, F.cross_entropy, {}),
    "a loss inside another": (mlp, lambda output, target: F.cross_entropy(output, target), {}),
    "recurrent": (Recurrent, F.cross_entropy, {}),
    "accumulated": (mlp, nn.CrossEntropyLoss(), {"step": accumulating}),
    "bfloat16 and a scaler": (mlp, nn.CrossEntropyLoss(), {"step": mixed}),
    "workers": (mlp, nn.CrossEntropyLoss(), {"workers": 1, "epochs": 2}),
    "small batches": (Functional, F.cross_entropy, {"batch": 4, "epochs": 2}),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX's, of the loader's workers
@pytest.mark.parametrize("way", WAYS)
def test_training_ends_with_the_same_bits_watched_or_not(way: str) -> None:
    make, loss_fn, options = WAYS[way]
    ends = []
    for watched in (False, True):
        torch.manual_seed(3)
        model = make()
        eye = train(model, loss_fn, watched=watched, **options)
        ends.append([*model.state_dict().values(), torch.randn(3)])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    assert len(eye.looks) >= 3
    assert eye.step == len(eye.history) * math.ceil(360 / options.get("batch", 32))


def test_what_it_tells_is_what_autograd_and_the_loop_say() -> None:
    torch.manual_seed(0)
    x, y = classes(64)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)).double()
    x = x.double()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bl.watch(model, F.cross_entropy, optimizer, every=1) as eye:
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    hidden = twin[1](twin[0](x))
    hidden.retain_grad()
    loss = F.cross_entropy(twin[2](hidden), y)
    loss.backward()
    record = eye.probes[0]
    assert record["loss"] == pytest.approx(loss.item(), rel=1e-5)
    layer, weight = record["layers"]["1"], record["params"]["0/weight"]
    values = hidden.detach().numpy()
    assert layer["layer"] == "ReLU"
    assert layer["mean"] == pytest.approx(values.mean(), rel=1e-4)
    assert layer["std"] == pytest.approx(values.std(), rel=1e-4)
    assert layer["zeros"] == pytest.approx((values == 0).mean(), rel=1e-4)
    assert layer["dead"] == pytest.approx((values == 0).all(axis=0).mean(), abs=1e-6)
    by_row = 64 * hidden.grad.numpy()
    assert layer["gradient_norm"] == pytest.approx(np.sqrt(np.square(by_row).sum(axis=1).mean()), rel=1e-4)
    gradient, size = twin[0].weight.grad.norm(), twin[0].weight.detach().norm()
    assert weight["gradient_norm"] == pytest.approx(float(gradient), rel=1e-4)
    assert weight["update_ratio"] == pytest.approx(float(0.1 * gradient / size), rel=1e-4)
    assert eye.history[0]["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert eye.history[0]["accuracy"] == float((twin(x).argmax(1) == y).double().mean())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_gradients_through_time_are_those_of_the_cells(kind: str) -> None:
    from backlit.watching.torch_time import state_gradients

    torch.manual_seed(0)
    module = getattr(nn, kind)(3, 5, batch_first=True).double()
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    direct = torch.randn(4, 7, 5, dtype=torch.float64)
    cell = getattr(nn, f"{kind}Cell")(3, 5).double()
    for name, value in module.named_parameters():
        getattr(cell, name.removesuffix("_l0")).data.copy_(value.data)
    hidden: Any = torch.zeros(4, 5, dtype=torch.float64).requires_grad_()
    other = torch.zeros(4, 5, dtype=torch.float64)
    states = []
    for row in x.unbind(1):
        if kind == "LSTM":
            hidden, other = cell(row, (hidden, other))
        else:
            hidden = cell(row, hidden)
        states.append(hidden)
    expected = torch.autograd.grad(states, states, list(direct.unbind(1)))
    norms = [float(g.square().sum(1).mean().sqrt()) for g in expected]
    assert torch.allclose(torch.stack(states, 1), module(x)[0])
    assert state_gradients(module, x, direct) == pytest.approx(norms, rel=1e-9)


def test_layers_follow_one_another_as_they_ran() -> None:
    eye = train(Functional(), F.cross_entropy, epochs=2)
    parts = {part.path: part for part in eye._watched().evidence.parts}
    assert list(parts) == [
        "first", "first+relu", "shared", "shared+tanh", "shared#2", "shared#2+tanh", "shared#2+dropout", "last",
    ]  # fmt: skip
    assert [path for path, part in parts.items() if part.skipped] == ["shared", "shared+tanh"]
    assert not eye._watched().evidence.chain
    assert parts["last"].shape == (16,)
    assert parts["last"].output == (3,)
    assert set(eye.probes[0]["params"]) == {
        f"{layer}/{name}" for layer in ("first", "shared", "last") for name in ("weight", "bias")
    }
    straight = train(mlp(), F.cross_entropy, epochs=1)._watched().evidence
    assert straight.chain
    assert [part.kind for part in straight.parts] == ["Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]


def hooks(*modules: nn.Module) -> int:
    return sum(
        len(own) for module in modules for part in module.modules()
        for own in (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks)
    )  # fmt: skip


def test_nothing_is_left_behind_even_by_an_error() -> None:
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    code, begin = F.cross_entropy.__code__, DataLoader.__iter__

    def broken(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
        loss_fn(model(inputs), targets).backward()
        model(inputs[:, :3])  # an error within a pass that is looked at

    for loss in (loss_fn, F.cross_entropy, None):
        with pytest.raises(RuntimeError, match="mat1 and mat2"):
            train(model, loss or F.cross_entropy, optimizer=optimizer, step=broken)
        assert hooks(model, loss_fn) == 0
        assert not optimizer._optimizer_step_post_hooks
        assert not optimizer._optimizer_step_pre_hooks
        assert F.cross_entropy.__code__ is code
        assert DataLoader.__iter__ is begin
    assert torch.overrides._get_current_function_mode() is None


def test_epochs_are_told_apart_without_a_word() -> None:
    x, y = classes(96)
    model = mlp()
    optimizer, loss_fn = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()

    def update(rows: Any) -> None:
        optimizer.zero_grad()
        loss_fn(model(x[rows]), y[rows]).backward()
        optimizer.step()

    with bl.watch(model, loss_fn, optimizer) as by_batches:
        for _ in range(4):
            for rows in torch.arange(96).split(32):
                update(rows)
    with bl.watch(model, loss_fn, optimizer) as by_evaluations:
        for _ in range(4):
            model.train()
            for rows in torch.randperm(96).split(32):
                update(rows)
            model.eval()
            with torch.no_grad():
                loss_fn(model(x[:10] + 1), y[:10])
    model.train()
    with bl.watch(model, loss_fn, optimizer) as by_word:
        for _ in range(3):
            for rows in torch.randperm(96).split(32):
                update(rows)
            by_word.epoch()
    with bl.watch(model, loss_fn, optimizer) as by_loader:
        held = DataLoader(TensorDataset(x[:10] + 1, y[:10]), batch_size=5)
        for _ in range(3):
            for number, (inputs, targets) in enumerate(DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)):
                optimizer.zero_grad()
                loss_fn(model(inputs), targets).backward()
                optimizer.step()
                if number == 1:  # in the middle of an epoch
                    model.eval()
                    with torch.no_grad():
                        for known, truth in held:
                            loss_fn(model(known), truth)
                    model.train()
    assert [len(eye.history) for eye in (by_batches, by_evaluations, by_word, by_loader)] == [4, 4, 3, 3]
    assert all("val_loss" in record for eye in (by_evaluations, by_loader) for record in eye.history)
    assert by_evaluations._watched().start["data"]["held"] == 10
    assert all(eye._watched().start["data"]["rows"] == 96 for eye in (by_batches, by_evaluations, by_word, by_loader))


def test_evaluation_of_training_rows_is_no_leak() -> None:
    x, y = classes(96)
    model, loss_fn = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    with bl.watch(model, loss_fn, optimizer) as eye:
        for _ in range(6):
            model.train()
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                loss_fn(model(x), y)
    assert "leak between splits" not in [finding.name for finding in eye.diagnose()]
    assert not eye._watched().evidence.validated


def test_a_compiled_network_is_seen_but_for_its_layers_gradients() -> None:
    ends = []
    for watched in (False, True):
        torch.manual_seed(0)
        torch._dynamo.reset()
        model = torch.compile(mlp(), backend="eager")
        eye = train(model, nn.CrossEntropyLoss(), watched=watched, epochs=2)
        ends.append([p.detach().clone() for p in model.parameters()] + [b.clone() for b in model.buffers()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    assert {"0", "1", "2", "3", "4"} == set(eye.probes[0]["layers"])
    assert "gradient_norm" not in eye.probes[0]["layers"]["0"]
    assert eye.probes[0]["params"]["0/weight"]["gradient_norm"] > 0


def test_several_optimizers_and_networks_that_return_dicts() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(8, 16), nn.Linear(16, 3)

        def forward(self, *, inputs: Any) -> dict[str, Any]:
            return {"scores": self.head(torch.relu(self.body(inputs)))}

    x, y = classes(96)
    model = Named()
    two = [torch.optim.SGD(model.body.parameters(), lr=0.1), torch.optim.AdamW(model.head.parameters(), lr=0.01)]
    with bl.watch(model, None, two) as eye:
        for _ in range(3):
            for rows in torch.randperm(96).split(32):
                for optimizer in two:
                    optimizer.zero_grad()
                F.cross_entropy(model(inputs=x[rows])["scores"], y[rows]).backward()
                for optimizer in two:
                    optimizer.step()
            eye.epoch()
    assert len(eye.history) == 3
    assert all(eye.probes[0]["params"][f"{name}/weight"]["update_ratio"] > 0 for name in ("body", "head"))
    assert list(eye.probes[0]["layers"]) == ["body", "body+relu", "head"]


def test_the_first_nan_is_named_before_it_spreads() -> None:
    class Logarithm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.head = nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.head(torch.log(self.fc(x)))

    def broken_off(model: Any, loss_fn: Any, optimizer: Any, inputs: Any, targets: Any) -> None:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        if loss.isfinite():
            loss.backward()
            optimizer.step()

    torch.manual_seed(0)
    eye = train(Logarithm(), F.cross_entropy, step=broken_off, epochs=1)
    finding = eye.diagnose()[0]
    assert (finding.name, finding.where) == ("source of NaN", "layer fc+log, in epoch 1, step 1")
    x, y = classes()
    x[5, 2] = math.nan
    names = [each.name for each in train(mlp(), F.cross_entropy, (x, y), epochs=1).diagnose().alarms]
    assert names[0] == "missing inputs"


def test_the_report_is_that_of_backlits_own_runs(tmp_path: Any) -> None:
    eye = train(mlp(), F.cross_entropy)
    page = eye.report(tmp_path / "report.html", lang="ko").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "BatchNorm1d" in page
    assert "<script" not in page
    with pytest.raises(bl.InputError, match="doesn't exist: make it first"):
        eye.report(tmp_path / "nowhere" / "report.html")


LOSS = nn.CrossEntropyLoss()
ADAM = torch.optim.Adam(nn.Linear(1, 1).parameters())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0/linear",), "bl.Probes\\(watch="),
        ((3,), "takes a torch.nn.Module, got 3"),
        ((bl.Linear(1),), "have probes"),
        ((mlp(), LOSS), "needs the optimizer"),
        ((mlp(), LOSS, "adam"), "must be a torch.optim optimizer"),
        ((mlp(), nn.CrossEntropyLoss, ADAM), "got the class CrossEntropyLoss"),
        ((nn.Linear(1, 1), len, ADAM), "a function written in Python"),
        ((nn.LazyLinear(2), LOSS, ADAM), "run the model once"),
    ],
)
def test_what_cannot_be_watched_is_told(arguments: Any, message: str) -> None:
    with pytest.raises(bl.InputError, match=message):
        bl.watch(*arguments).__enter__()
    assert not torch.utils.data.DataLoader.__iter__.__module__.startswith("backlit")


def test_a_loop_that_was_not_seen_is_told() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    with bl.watch(model, LOSS, optimizer) as eye:
        pass
    with pytest.raises(bl.InputError, match=r"the loss \(CrossEntropyLoss\) wasn't seen being called"):
        eye.diagnose()
    with bl.watch(model, LOSS, optimizer) as eye:
        LOSS(model(torch.randn(4, 8)), torch.zeros(4, dtype=torch.long))
    with pytest.raises(bl.InputError, match="no update was seen"):
        eye.diagnose()
    with pytest.raises(bl.InputError, match="every must be"):
        bl.watch(model, LOSS, optimizer, every=0)
    model.compile(backend="eager")
    with pytest.raises(bl.InputError, match="compiled in place"):
        bl.watch(model, LOSS, optimizer)
