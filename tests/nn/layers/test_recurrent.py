"""Recurrent layers: equal in all forms and to PyTorch's; padding, starts, carried states, dropout, errors."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit.graph import tree
from backlit.nn.layer import forward
from backlit.nn.layers.recurrent import _Recurrent

ROWS, TIME, FEATURES, UNITS = 3, 6, 2, 4
KINDS: list[_Recurrent] = [
    bl.RNN(UNITS),
    bl.RNN(UNITS, activation="relu"),
    bl.LSTM(UNITS),
    bl.LSTM(UNITS, projection=3),
    bl.GRU(UNITS),
]
ALL: list[_Recurrent] = [*KINDS, bl.LSTM(UNITS, peepholes=True), bl.GRU(UNITS, reset_after=False)]
each = pytest.mark.parametrize("layer", KINDS, ids=str)
every = pytest.mark.parametrize("layer", ALL, ids=str)
directions = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
exactly = {"rtol": 1e-10, "atol": 1e-10}


def draw(layer: bl.Layer, rng: np.random.Generator, shape: tuple[int, ...] = (TIME, FEATURES)) -> Any:
    return tree.map(lambda leaf: rng.normal(size=leaf.shape), layer.init(bl.Key(0), shape)[0])


def weighted(parts: Any) -> Any:
    """One number in which every element counts differently."""
    total = 0.0
    for i, part in enumerate(tree.leaves(parts)):
        total = total + (part * np.random.default_rng(i).normal(size=part.shape)).sum()
    return total


def run_and_gradients(
    layer: _Recurrent, params: Any, x: Any, start: Any, mask: Any = None, compiled: bool = False
) -> Any:
    """Outputs of all steps, last states, and gradients by parameters, inputs and start."""
    layer = dataclasses.replace(layer, return_sequences=True, return_states=True)

    def f(params: Any, x: Any, start: Any) -> Any:
        output, states = layer(params, x, bl.Context(time_mask=mask), initial=start)
        results = (output, states["last"])
        return weighted(results), results

    g = bl.value_and_grad(f, (0, 1, 2), has_aux=True)
    (_, results), gradients = (bl.compile(g) if compiled else g)(params, x, start)
    return results, gradients


def starts(layer: _Recurrent, rng: np.random.Generator) -> Any:
    return {name: rng.normal(size=(ROWS, layer._size(name))) for name in layer.states}


def assert_equal(ours: Any, theirs: Any, **tolerance: float) -> None:
    assert tree.paths(ours) == tree.paths(theirs)
    for path, mine, other in zip(tree.paths(ours), tree.leaves(ours), tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, err_msg=path, **(tolerance or exactly))


# ------------------------------------------------------------------------------------------------ PyTorch


def torch_module(layer: _Recurrent) -> torch.nn.RNNBase:
    if isinstance(layer, bl.RNN):
        return torch.nn.RNN(FEATURES, UNITS, nonlinearity=layer.activation, batch_first=True)
    if isinstance(layer, bl.LSTM):
        return torch.nn.LSTM(FEATURES, UNITS, proj_size=layer.projection, batch_first=True)
    return torch.nn.GRU(FEATURES, UNITS, batch_first=True)


def copy_to_torch(module: torch.nn.RNNBase, params: Any, suffix: str = "l0") -> None:
    """Our parameters in a module's; our one bias goes to its first, but for the candidate's second one."""
    second = np.zeros_like(params["bias"])
    if "bias" in params["recurrent"]:
        second[-UNITS:] = params["recurrent"]["bias"]
    values = {
        "weight_ih": params["weight"],
        "weight_hh": params["recurrent"]["weight"],
        "bias_ih": params["bias"],
        "bias_hh": second,
    }
    if "projection" in params:
        values["weight_hr"] = params["projection"]["weight"]
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, f"{name}_{suffix}").copy_(torch.tensor(value))


def gradients_from_torch(module: torch.nn.RNNBase, layer: _Recurrent, suffix: str = "l0") -> Any:
    found = {name: getattr(module, f"{name}_{suffix}").grad.numpy() for name in ("weight_ih", "weight_hh", "bias_ih")}
    params: Any = {
        "weight": found["weight_ih"],
        "bias": found["bias_ih"],
        "recurrent": {"weight": found["weight_hh"]},
    }
    if isinstance(layer, bl.GRU):
        params["recurrent"]["bias"] = getattr(module, f"bias_hh_{suffix}").grad.numpy()[-UNITS:]
    if isinstance(layer, bl.LSTM) and layer.projection:
        params["projection"] = {"weight": getattr(module, f"weight_hr_{suffix}").grad.numpy()}
    return params


@each
@pytest.mark.parametrize("form", ["fused", "scan", "unrolled"])
def test_equal_to_pytorch(layer: _Recurrent, form: str, rng: np.random.Generator) -> None:
    layer = dataclasses.replace(layer, form=form)
    params, x, start = draw(layer, rng), rng.normal(size=(ROWS, TIME, FEATURES)), starts(layer, rng)
    (output, last), (by_params, by_x, by_start) = run_and_gradients(layer, params, x, start)

    module = torch_module(layer).double()
    copy_to_torch(module, params)
    x_t = torch.tensor(x, requires_grad=True)
    start_t = {name: torch.tensor(part[None], requires_grad=True) for name, part in start.items()}
    given = tuple(start_t.values())
    output_t, last_t = module(x_t, given if len(given) == 2 else given[0])
    last_t = dict(zip(layer.states, last_t if isinstance(last_t, tuple) else (last_t,), strict=True))
    results = (output_t, {name: part[0] for name, part in last_t.items()})
    total = sum(
        (part * torch.tensor(np.random.default_rng(i).normal(size=tuple(part.shape)))).sum()
        for i, part in enumerate(tree.leaves(results))
    )
    total.backward()
    assert_equal((output, last), tree.map(lambda part: part.detach().numpy(), results))
    assert_equal(by_params, gradients_from_torch(module, layer))
    np.testing.assert_allclose(by_x, x_t.grad, **exactly)
    assert_equal(by_start, {name: part.grad[0].numpy() for name, part in start_t.items()})


@pytest.mark.parametrize("layer", [bl.RNN(UNITS), bl.LSTM(UNITS), bl.GRU(UNITS)], ids=str)
def test_two_bidirectional_layers_with_padding_equal_pytorchs(layer: _Recurrent, rng: np.random.Generator) -> None:
    first, second = (dataclasses.replace(layer, return_sequences=True) for _ in range(2))
    network = bl.Masked(bl.Bidirectional(first), bl.Bidirectional(second)).build((TIME, FEATURES), dtype="float64")
    params = tree.map(lambda leaf: rng.normal(size=leaf.shape), network.params)
    x, lengths = rng.normal(size=(ROWS, TIME, FEATURES)), [6, 2, 4]
    for row, length in enumerate(lengths):
        x[row, length:] = 0.0
    module = type(torch_module(layer))(FEATURES, UNITS, num_layers=2, bidirectional=True, batch_first=True).double()
    for k in range(2):
        for direction, suffix in (("forward", f"l{k}"), ("backward", f"l{k}_reverse")):
            copy_to_torch(module, params["body"][str(k)][direction], suffix)
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), torch.tensor(lengths), True, False)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(module(packed)[0], batch_first=True)
    weights = rng.normal(size=tuple(expected.shape))
    (expected * torch.tensor(weights)).sum().backward()

    def f(params: Any) -> Any:
        output = network.apply(params, x)[0]
        return (output * weights).sum(), output

    (_, output), gradients = bl.value_and_grad(f, has_aux=True)(params)
    np.testing.assert_allclose(output, expected.detach(), **exactly)
    for k in range(2):
        for direction, suffix in (("forward", f"l{k}"), ("backward", f"l{k}_reverse")):
            assert_equal(gradients["body"][str(k)][direction], gradients_from_torch(module, layer, suffix))


# -------------------------------------------------------------------------------------- forms and engines


@pytest.mark.slow
@every
@directions
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_forms_and_engines_agree(layer: _Recurrent, reverse: bool, masked: bool, rng: np.random.Generator) -> None:
    layer = dataclasses.replace(layer, reverse=reverse)
    params, x, start = draw(layer, rng), rng.normal(size=(ROWS, TIME, FEATURES)), starts(layer, rng)
    mask = None
    if masked:
        mask = np.ones((ROWS, TIME), dtype=bool)
        mask[0, 4:] = mask[1, 1:3] = False
    expected = run_and_gradients(dataclasses.replace(layer, form="scan"), params, x, start, mask)
    for form, compiled in (("fused", False), ("unrolled", False), ("fused", True), ("scan", True)):
        found = run_and_gradients(dataclasses.replace(layer, form=form), params, x, start, mask, compiled)
        assert_equal(found, expected)


def test_the_older_gru_by_its_formula(rng: np.random.Generator) -> None:
    """No library at hand has this form: the paper's lines, written down for one row."""
    layer = bl.GRU(2, reset_after=False, return_sequences=True)
    params = draw(layer, rng, (3, 1))
    x = rng.normal(size=(1, 3, 1))
    ur, uz, un = np.split(params["weight"], 3)
    wr, wz, wn = np.split(params["recurrent"]["weight"], 3)
    br, bz, bn = np.split(params["bias"], 3)
    sigma = lambda v: 1 / (1 + np.exp(-v))
    h, expected = np.zeros(2), []
    for step in x[0]:
        r, z = sigma(ur @ step + wr @ h + br), sigma(uz @ step + wz @ h + bz)
        h = (1 - z) * np.tanh(un @ step + wn @ (r * h) + bn) + z * h
        expected.append(h)
    np.testing.assert_allclose(layer(params, x)[0], expected, rtol=1e-12)


def test_peepholes_by_their_formula(rng: np.random.Generator) -> None:
    layer = bl.LSTM(2, peepholes=True, return_sequences=True)
    params = draw(layer, rng, (3, 1))
    x = rng.normal(size=(1, 3, 1))
    u, w, b = (np.split(part, 4) for part in (params["weight"], params["recurrent"]["weight"], params["bias"]))
    p = params["peephole"]["weight"]
    sigma = lambda v: 1 / (1 + np.exp(-v))
    h, c, expected = np.zeros(2), np.zeros(2), []
    for step in x[0]:
        i, f, g, o = (u[k] @ step + w[k] @ h + b[k] for k in range(4))
        c = sigma(f + p[1] * c) * c + sigma(i + p[0] * c) * np.tanh(g)
        h = sigma(o + p[2] * c) * np.tanh(c)
        expected.append(h)
    np.testing.assert_allclose(layer(params, x)[0], expected, rtol=1e-12)


@every
def test_second_derivatives(layer: _Recurrent, rng: np.random.Generator) -> None:
    params, x = draw(layer, rng, (3, FEATURES)), rng.normal(size=(2, 3, FEATURES))
    assert bl.check_gradients(lambda params, x: layer(params, x), params, x) < 1e-6


@pytest.mark.parametrize("layer", [bl.LSTM(UNITS), bl.GRU(UNITS), bl.GRU(UNITS, reset_after=False)], ids=str)
def test_gates_can_be_read_and_have_gradients(layer: _Recurrent, rng: np.random.Generator) -> None:
    layer = dataclasses.replace(layer, return_states=True)
    params, x = draw(layer, rng), rng.normal(size=(ROWS, TIME, FEATURES))
    output, states = layer(params, x)
    assert set(states) == {"hidden", *layer.states, *layer.gates, "last"}
    for name in layer.gates:
        assert states[name].shape == (ROWS, TIME, UNITS)
    for name in states.keys() & {"input_gate", "forget_gate", "output_gate", "reset_gate", "update_gate"}:
        assert (states[name] > 0).all()
        assert (states[name] < 1).all()
    np.testing.assert_array_equal(output, states["last"]["hidden"])
    np.testing.assert_array_equal(output, states["hidden"][:, -1])
    bl.check_gradients(lambda params: [layer(params, x)[1][name] for name in layer.gates], params)


@every
def test_every_step_is_a_node(layer: _Recurrent, rng: np.random.Generator) -> None:
    layer = dataclasses.replace(layer, form="unrolled")
    params = tree.map(bl.tensor, draw(layer, rng))
    shown = bl.explain(layer(params, rng.normal(size=(20, TIME, FEATURES))).sum())
    names = [node.name for node in shown]
    for t in range(TIME):
        assert f"h[{t}]" in names
    assert np.abs(shown["h[0]"].upstream).max() > 0  # the gradient that came through time


# ------------------------------------------------------------------------------------------ different lengths


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "engine"),
    [*((layer, "numpy") for layer in ALL), (bl.LSTM(UNITS), "xla"), (bl.GRU(UNITS), "xla")],
    ids=str,
)
def test_padding_never_changes_a_result(layer: _Recurrent, engine: str, rng: np.random.Generator) -> None:
    """Two layers in both directions; last state, and each step's; more padding, anywhere."""
    inner = dataclasses.replace(layer, return_sequences=True)
    x = rng.normal(size=(1, 3, FEATURES))
    long = np.concatenate([x, np.zeros((1, 4, FEATURES))], axis=1)
    scattered = np.zeros((1, 7, FEATURES))
    scattered[:, [0, 3, 5]] = x
    for last in (layer, inner):
        architecture = bl.Masked(bl.Bidirectional(inner), bl.Bidirectional(last))
        params = draw(architecture, rng, (3, FEATURES))
        call = lambda x, f=architecture, p=params: f(p, x)
        run = bl.compile(lambda x, call=call: call(x)) if engine == "xla" else call
        short = np.asarray(run(x))
        for places, padded in ((slice(0, 3), long), ([0, 3, 5], scattered)):
            if engine == "xla":
                run = bl.compile(lambda x, call=call: call(x))
            found = np.asarray(run(padded))
            if last is inner:
                assert not np.delete(found, range(7)[places] if isinstance(places, slice) else places, axis=1).any()
                found = found[:, places]
            np.testing.assert_allclose(found, short, rtol=1e-13, atol=1e-15)


def test_padding_has_no_gradient(rng: np.random.Generator) -> None:
    architecture = bl.Masked(bl.Bidirectional(bl.LSTM(3)))
    params = draw(architecture, rng, (4, FEATURES))
    x = rng.normal(size=(2, 4, FEATURES))
    x[1, 2:] = 0.0
    by_x = bl.grad(lambda x: weighted(architecture(params, x)))(x)
    assert not by_x[1, 2:].any()
    assert by_x[0].all()
    alone = bl.grad(lambda params: architecture(params, x[1:, :2])[0].sum())(params)
    assert_equal(bl.grad(lambda params: architecture(params, x[1:])[0].sum())(params), alone)


def test_a_sequence_of_padding_alone_is_refused(rng: np.random.Generator) -> None:
    network = bl.Masked(bl.LSTM(3)).build((4, 2))
    x = np.ones((3, 4, 2), dtype="float32")
    x[1] = 0.0
    with pytest.raises(
        bl.InputError, match=r"1 of 3 sequences are nothing but padding .* the first in row 1; leave them"
    ):
        network(x)
    compiled = np.asarray(bl.compile(lambda x: network(x))(x))
    assert np.isnan(compiled[1]).all()
    assert np.isfinite(compiled[[0, 2]]).all()


def test_masked_words() -> None:
    """With an embedding first, padding is a number, not a vector."""
    network = bl.Masked(bl.Embedding(10, 3), bl.GRU(4), value=0).build((5,))
    short = bl.Masked(bl.Embedding(10, 3), bl.GRU(4), value=0).build((2,))
    np.testing.assert_array_equal(network(np.array([[7, 4, 0, 0, 0]])), short(np.array([[7, 4]])))


# ------------------------------------------------------------------------------------------- start and carry


@pytest.mark.parametrize("layer", [bl.RNN(UNITS), bl.LSTM(UNITS), bl.GRU(UNITS)], ids=str)
def test_starts(layer: _Recurrent, rng: np.random.Generator) -> None:
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    zeros = draw(layer, rng)
    plain = layer(zeros, x)
    learned = dataclasses.replace(layer, initial="learned")
    params = {**zeros, "initial": {name: rng.normal(size=UNITS) for name in layer.states}}
    given = {name: np.tile(part, (ROWS, 1)) for name, part in params["initial"].items()}
    np.testing.assert_allclose(learned(params, x), layer(zeros, x, initial=given), rtol=1e-14)
    assert all(part.any() for part in bl.grad(lambda p: learned(p, x).sum())(params)["initial"].values())
    noisy = dataclasses.replace(layer, initial="random:0.5")
    np.testing.assert_array_equal(noisy(zeros, x), plain)  # in evaluation
    first, same, other = (noisy(zeros, x, bl.Context(training=True, step=step)) for step in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, plain)


@pytest.mark.parametrize("layer", [bl.RNN(UNITS), bl.LSTM(UNITS), bl.GRU(UNITS)], ids=str)
def test_carried_state(layer: _Recurrent, rng: np.random.Generator) -> None:
    """Two batches of half a sequence give what the whole sequence gives; the gradient stays in its half."""
    network = dataclasses.replace(layer, return_sequences=True, stateful=ROWS).build((TIME, FEATURES), dtype="float64")
    whole = dataclasses.replace(layer, return_sequences=True)
    x = rng.normal(size=(ROWS, 2 * TIME, FEATURES))
    first, state = network.apply(network.params, x[:, :TIME], training=True)
    second, after = network.apply(network.params, x[:, TIME:], training=True, state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole(network.params, x), rtol=1e-12)
    assert set(state) == set(layer.states)
    # evaluation starts anew and leaves the state alone, unless it is given one to go on from
    trained = network.replace(state=state)
    again, unchanged = trained.apply(network.params, x[:, :TIME])
    np.testing.assert_allclose(again, first, rtol=1e-14)
    assert unchanged == state
    on, _ = trained.apply(network.params, x[:, TIME:], state=state)
    np.testing.assert_allclose(on, second, rtol=1e-14)
    # rows that only fill up a batch keep their state
    _, kept = network.apply(network.params, x[:, TIME:], training=True, state=state, mask=np.array([True, True, False]))
    for name in layer.states:
        np.testing.assert_array_equal(kept[name][2], state[name][2])
        np.testing.assert_array_equal(kept[name][:2], after[name][:2])


def test_truncated_backpropagation_through_fit(rng: np.random.Generator) -> None:
    """Sixteen windows of one sequence each in order: what came long before can be known from the state alone."""
    rows, windows, time = 8, 16, 5
    signs = rng.choice([-1.0, 1.0], rows)
    x = np.zeros((windows, rows, time, 1))
    x[0, :, 0, 0] = signs  # told once, at the start
    y = np.broadcast_to(signs[None, :, None, None], (windows, rows, time, 1))
    x, y = x.reshape(-1, time, 1), y.reshape(-1, time, 1)
    losses = {}
    for stateful in (0, rows):
        net = bl.Sequential(bl.GRU(8, return_sequences=True, stateful=stateful), bl.Linear(1))
        run = bl.fit(
            net, x, y, loss="mse", optimizer=bl.Adam(0.02), epochs=40, batch_size=rows, shuffle=False, metrics=[],
            seed=0, progress=False,
        )  # fmt: skip
        losses[stateful] = run.history[-1]["loss"]
    assert losses[0] > 0.8
    assert losses[rows] < 0.1


# ----------------------------------------------------------------------------------------------- dropout


def test_variational_dropout_leaves_out_the_same_at_all_steps() -> None:
    layer = bl.RNN(UNITS, activation="relu", dropout=0.5, return_sequences=True)
    params = {
        "weight": np.eye(UNITS),
        "bias": np.zeros(UNITS),
        "recurrent": {"weight": np.zeros((UNITS, UNITS))},
    }
    output = layer(params, np.ones((50, TIME, UNITS)), bl.Context(training=True))
    assert (output == output[:, :1]).all()
    assert set(np.unique(output)) == {0.0, 2.0}
    assert 0.4 < (output == 0).mean() < 0.6
    np.testing.assert_array_equal(layer(params, np.ones((1, TIME, UNITS))), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer", [bl.RNN(UNITS), bl.LSTM(UNITS), bl.GRU(UNITS), bl.GRU(UNITS, reset_after=False)], ids=str
)
@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "xla"])
def test_recurrent_dropout_in_all_forms(layer: _Recurrent, compiled: bool, rng: np.random.Generator) -> None:
    x = rng.normal(size=(ROWS, TIME, FEATURES))
    params = draw(layer, rng)
    found = []
    for form in ("scan", "fused", "unrolled"):
        own = dataclasses.replace(layer, recurrent_dropout=0.5, form=form)

        def f(params: Any, own: Any = own) -> Any:
            return weighted(own(params, x, bl.Context(training=True)))

        g = bl.value_and_grad(f)
        found.append((bl.compile(g) if compiled else g)(params))
    assert_equal(found[1], found[0])
    assert_equal(found[2], found[0])
    assert abs(float(found[0][0]) - float(weighted(layer(params, x)))) > 1e-3


# ------------------------------------------------------------------------------------------------- start


def test_initial_weights() -> None:
    params = bl.LSTM(16).build((5, 8)).params
    for gate in np.split(params["recurrent"]["weight"], 4):
        np.testing.assert_allclose(gate @ gate.T, np.eye(16), atol=1e-6)
    np.testing.assert_array_equal(params["bias"], np.repeat([0.0, 1.0, 0.0, 0.0], 16))
    bound = np.sqrt(6 / (8 + 16))  # Xavier's, for each gate by itself
    assert 0.9 * bound < np.abs(params["weight"]).max() <= bound
    zero = bl.LSTM(3, forget_bias=0.0, bias_init="zeros").build((5, 8)).params["bias"]
    assert not zero.any()


def test_residual_between_layers(rng: np.random.Generator) -> None:
    block = bl.Residual(bl.LSTM(FEATURES, return_sequences=True))
    params, x = draw(block, rng), rng.normal(size=(ROWS, TIME, FEATURES))
    np.testing.assert_allclose(block(params, x), x + block.body(params["body"], x), rtol=1e-14)


def test_costs() -> None:
    """Multiply-adds of a sequence: a step's products times steps."""
    assert bl.RNN(4).cost((6, 2)) == 6 * 4 * (2 + 4)
    assert bl.LSTM(4).cost((6, 2)) == 6 * 16 * (2 + 4)
    assert bl.LSTM(4, projection=3).cost((6, 2)) == 6 * (16 * (2 + 3) + 12)
    assert bl.GRU(4).cost((6, 2)) == 6 * 12 * (2 + 4)


# ------------------------------------------------------------------------------------------------ errors


def test_errors_of_inputs(rng: np.random.Generator) -> None:
    layer = bl.LSTM(4)
    params = draw(layer, rng)
    with pytest.raises(
        bl.ShapeError, match=r"LSTM\(4\) needs inputs of shape \(rows, time, features\), got \(3, 6\); resh"
    ):
        layer(params, np.zeros((3, 6)))
    with pytest.raises(bl.ShapeError, match=r"LSTM\(4\) got sequences without time steps, shape \(3, 0, 2\); leave"):
        layer(params, np.zeros((3, 0, 2)))
    with pytest.raises(bl.ShapeError, match=r"LSTM\(4\) expected 2 features a step, got inputs of shape \(3, 6, 5\)"):
        layer(params, np.zeros((3, 6, 5)))
    with pytest.raises(
        bl.ShapeError, match=r"layer 1 \(LSTM\(4\)\): .* needs inputs of shape \(time, features\), got \(8,\)"
    ):
        bl.Sequential(bl.LSTM(8), bl.LSTM(4)).build((6, 2))
    wrong = {"hidden": np.zeros((2, 4)), "cell": np.zeros((2, 4))}
    with pytest.raises(bl.ShapeError, match=r"needs states .*'hidden': \(3, 4\).* got .*\(2, 4\).*another batch size"):
        layer(params, np.zeros((3, 6, 2)), initial=wrong)
    with pytest.raises(bl.ShapeError, match=r"'cell': \(3, 4\).*got \{'hidden': \(3, 4\)\}"):
        layer(params, np.zeros((3, 6, 2)), initial={"hidden": np.zeros((3, 4))})
    network = bl.LSTM(4, stateful=3).build((6, 2))
    with pytest.raises(bl.ShapeError, match=r"got .*\(3, 4\).*train with batch_size=3 and .* or set stateful=5"):
        network.apply(network.params, np.zeros((5, 6, 2)), training=True)
    inside = bl.Masked(bl.Reshape((3, 4)), bl.LSTM(4)).build((6, 2))
    with pytest.raises(
        bl.ShapeError, match=r"inside a Masked whose sequences have .*\(3, 6\), got inputs of shape \(3, 3, 4\)"
    ):
        inside(np.ones((3, 6, 2)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bl.LSTM(0), "LSTM: units must be a whole number of at least 1, got 0"),
        (lambda: bl.RNN(4, activation="sigmoid"), "RNN: activation must be 'tanh' or 'relu', got 'sigmoid'"),
        (lambda: bl.GRU(4, dropout=1.0), "GRU: dropout must be a number from 0 to below 1, got 1.0"),
        (lambda: bl.GRU(4, recurrent_dropout=-0.1), "GRU: recurrent_dropout must be"),
        (lambda: bl.GRU(4, stateful=-1), "stateful must be the number of rows in a batch, or 0, got -1"),
        (lambda: bl.GRU(4, initial="ones"), "initial must be 'zeros', 'learned', 'random' or 'random:0.1', got 'ones'"),
        (lambda: bl.GRU(4, initial="random:x"), "initial must be"),
        (lambda: bl.GRU(4, form="fast"), "form must be 'fused', 'scan' or 'unrolled', got 'fast'"),
        (lambda: bl.LSTM(4, forget_bias=float("nan")), "forget_bias must be a finite number"),
        (lambda: bl.LSTM(4, projection=-2), "projection must be a size, or 0 for none, got -2"),
        (lambda: bl.LSTM(4, recurrent_init="orthogonl"), "did you mean 'orthogonal'"),
        (lambda: bl.Bidirectional(bl.Linear(4)), "needs a recurrent layer that reads forward, such as bl.LSTM"),
        (lambda: bl.Bidirectional(bl.GRU(4, reverse=True)), "reads forward"),
        (lambda: bl.Bidirectional(bl.GRU(4, stateful=2)), "leave stateful out"),
        (lambda: bl.Bidirectional(bl.GRU(4), combine="add"), "combine of Bidirectional"),
        (lambda: bl.Masked(), "Masked needs at least one layer"),
        (lambda: bl.Masked(bl.LSTM(3), value="x"), "value must be a number, got 'x'"),
    ],
)
def test_errors_of_options(make: Any, words: str) -> None:
    with pytest.raises(bl.InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda z: bl.ops.lstm(z(3, 2, 7), z(8, 2), z(2, 2), z(2, 2)),
            r"lstm: needs inputs of shape \(time, rows, 4 · u",
        ),
        (lambda z: bl.ops.lstm(z(0, 2, 8), z(8, 2), z(2, 2), z(2, 2)), "lstm: the sequence has no time steps"),
        (lambda z: bl.ops.lstm(z(3, 2, 8), z(8, 2), z(2, 2), z(1, 2)), r"lstm: c needs shape \(2, 2\).*got \(1, 2\)"),
        (
            lambda z: bl.ops.rnn(z(3, 2, 2), z(2, 2), z(2, 2), mask=z(2, 3)),
            r"mask needs shape .*\(3, 2\), got \(2, 3\)",
        ),
        (lambda z: bl.ops.gru(z(3, 2, 6), z(6, 2), z(2, 2), z(3)), r"gru: bias needs shape \(2,\).*got \(3,\)"),
        (lambda z: bl.ops.gru(z(3, 2, 6), z(6, 2), z(2, 2), form="c"), "form must be"),
    ],
)
def test_errors_of_operations(call: Any, words: str) -> None:
    with pytest.raises(bl.BacklitError, match=words):
        call(lambda *shape: np.zeros(shape))


def test_networks_are_trained_saved_and_loaded(tmp_path: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(64, 5, 2)).astype("float32")
    y = x[:, :, 0].sum(axis=1)
    net = bl.Sequential(bl.Bidirectional(bl.LSTM(8, return_sequences=True)), bl.Dropout(0.1), bl.GRU(8), bl.Linear(1))
    run = bl.fit(net, x, y, epochs=5, optimizer=bl.Adam(0.01), seed=0, progress=False)
    run.save(tmp_path / "run")
    np.testing.assert_array_equal(bl.load(tmp_path / "run").predict(x), run.predict(x))


def test_engines_train_alike(rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 5, 2))
    y = x[:, :, 0].sum(axis=1)
    net = bl.Sequential(bl.LSTM(4, recurrent_dropout=0.2), bl.Linear(1))
    runs = [
        bl.fit(net, x, y, epochs=3, batch_size=8, engine=engine, dtype="float64", seed=1, progress=False)
        for engine in ("numpy", "xla")
    ]
    for ours, theirs in zip(*(tree.leaves(run.network.params) for run in runs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


def test_forward_is_what_fit_uses() -> None:
    network = bl.LSTM(3, return_states=True).build((4, 2))
    (output, states), _ = forward(network.architecture, (4, 2), network.params, np.zeros((1, 4, 2)), state={})
    assert output.shape == (1, 3)
    assert states["cell"].shape == (1, 4, 3)


@pytest.mark.slow
def test_digits_by_rows() -> None:
    from benchmarks.digit_networks import accuracy

    assert np.mean([accuracy("LSTM of 128 units, row by row", seed) for seed in range(2)]) >= 0.97


@pytest.mark.slow
def test_gates_reach_further_back_than_a_plain_rnn() -> None:
    """Two numbers 30 steps long ago are added up: the LSTM learns it, the tanh RNN's gradient has vanished."""
    from benchmarks.adding import LAYERS, draw, reach

    x, y = draw(4000, 40, 0)
    errors, gradients = {}, {}
    for name in ("GRU", "RNN, tanh"):
        net = bl.Sequential(LAYERS[name](), bl.Linear(1))
        fresh = net.build((40, 2)).params["0"]
        gradients[name] = reach(net.layers[0], fresh, x[:20])
        run = bl.fit(
            net, x, y, loss="mse", optimizer=bl.chain(bl.ClipGlobalNorm(1.0), bl.Adam(5e-3)), epochs=20, batch_size=100,
            metrics=[], seed=0, progress=False,
        )  # fmt: skip
        errors[name] = run.evaluate(*draw(1000, 40, 1))["loss"]
    assert errors["GRU"] < 0.01
    assert errors["RNN, tanh"] > 0.12
    assert gradients["RNN, tanh"] < 1e-6 < gradients["GRU"]
