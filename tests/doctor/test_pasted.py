"""Every remedy can be pasted: it runs as it stands, with the run's own names, and says what was and what is new."""

import ast
import contextlib
import re
import warnings

import numpy as np
import pytest

import backlit as bl
from backlit.doctor.diagnose import given_to
from backlit.doctor.findings import decay, kinds, learning_rate, loop, steps
from backlit.doctor.remedies.own import expanded, pasted, written
from benchmarks.doctor.runner import cases, ready
from tests.doctor.common import evidence

QUICK = {"engine": "numpy", "progress": False}
SICK = [case for case in cases("tune") if case.expected]
OF_OTHERS = {kind.key for kind in loop.KINDS}  # of loops of one's own, in other libraries


def expecting(name):
    """The tuning half's cases that expect a finding, the surest and quickest first: some leave room for others."""

    def place(case):
        return case.expected.index(name), case.when != "before", case.fit.get("epochs", 20)

    return sorted((case for case in SICK if name in case.expected), key=place)


def asked(case):
    """What was trained, its names, and the findings that the case expects."""
    net, x, y, options = ready(case, 0)
    names = {"bl": bl, "np": np, "net": net, "x": x, "y": y}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.BacklitWarning)
        if case.when == "before":
            options = {key: value for key, value in options.items() if key not in ("epochs", "early_stopping")}
            return names, bl.check(net, x, y, **options), None
        run = bl.fit(net, x, y, **options, **QUICK)
    return names | {"run": run}, run.diagnose(), run


EXPECTING = {name: expecting(name) for name in kinds() if name not in OF_OTHERS}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, found in EXPECTING.items() if found])
def test_a_remedy_runs_as_it_is_pasted(name, capsys):
    for case in EXPECTING[name]:  # up to the first one of which this finding is told
        names, diagnosis, run = asked(case)
        code = next((own.remedy for own in diagnosis if own.name == name), None)
        if code is not None:
            break
    else:
        pytest.fail(f"told of none of {[case.name for case in EXPECTING[name]]}")
    assert "bl.fit(..." not in code, code
    before = dict(names)
    with warnings.catch_warnings(), contextlib.suppress(bl.NonFiniteError, bl.DivergedError):
        warnings.simplefilter("ignore", bl.BacklitWarning)
        exec(code, names)  # noqa: S102 - as a person would paste it
    if "net = " in code:
        assert names["net"] != before["net"]
        names["net"].build(run.network.input_shape if run else x_shape(names["x"]))
    if "run = " in code and run is not None and "net = " not in code:
        told, was = names["run"].recipe.training, run.recipe.training
        assert told != was
        assert told.seed == was.seed  # all else as it was
        assert told.epochs >= was.epochs
        assert re.search(r" was [^;]+", code.partition("  # ")[2]), code


def x_shape(x):
    return np.shape(x)[1:]


@pytest.mark.parametrize("name", [name for name in kinds() if name not in OF_OTHERS])
def test_the_line_of_each_kind_is_python_that_runs(name):
    """The line for networks that can't be written out: with the names of a small run."""
    kind = kinds()[name]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 3)).astype("float32"), rng.integers(0, 2, 24)
    net = bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(2))
    if name == "delta too small":
        net, y = bl.Sequential(bl.Linear(4), bl.ReLU(), bl.Linear(1)), y.astype(float)
    run = bl.fit(net, x, y, epochs=1, **QUICK)
    given = {"epochs": 1, "engine": "numpy", "clip": 1e-4, "shuffle": False, "class_weight": {0: 1.0, 1: 99.0}}
    for line in {kind.remedy, *(sign.remedy for sign in kind.signs)} - {""}:
        if "{" in line.replace("{row", "") and "{" in re.sub(r"\{[^{}]*for[^{}]*\}", "", line):
            continue  # with values: run in the test above
        code = expanded(line, given)
        if code is not None:
            exec(code, {"bl": bl, "np": np, "net": net, "x": x, "y": y, "run": run})  # noqa: S102


OWN = {"epochs": 7, "batch_size": 2, "penalty": bl.L2(0.5), "validation": 0.2}


def test_the_whole_call_is_told_with_what_was_and_what_is_new():
    line = expanded("bl.fit(..., batch_size=32)  # or bl.LayerNorm()", OWN)
    call = "run = bl.fit(net, x, y, epochs=7, penalty=bl.L2(0.5), validation=0.2, batch_size=32)"
    assert line == f"{call}  # batch_size was 2; or bl.LayerNorm()"
    assert (
        expanded("bl.fit(..., epochs=3 * epochs)", {"epochs": 7})
        == "run = bl.fit(net, x, y, epochs=21)  # epochs was 7"
    )


def test_what_is_so_already_is_never_offered():
    assert expanded('bl.fit(..., class_weight="balanced")', {"class_weight": "balanced"}) is None
    line = expanded("bl.fit(..., early_stopping=10, penalty=bl.L2(1e-3))", {"early_stopping": 10})
    assert line == "run = bl.fit(net, x, y, early_stopping=10, penalty=bl.L2(0.001))  # penalty was None"
    assert expanded("bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))", {}) is None
    assert expanded("bl.fit(..., optimizer=bl.Adam(learning_rate=0.001))", {"optimizer": bl.SGD(0.1)})


def test_what_has_no_code_of_its_own_is_read_from_the_run():
    assert written(np.ones(3), "sample_weight") == "run.recipe.training.sample_weight"
    assert written(bl.chain(bl.ClipNorm(1.0), bl.SGD(0.1)), "optimizer").startswith("bl.chain(bl.ClipNorm(")
    assert written(bl.SGD(bl.optim.Step(0.1, every=3, factor=0.5)), "optimizer").count("bl.optim.Step(") == 1
    with_schedule = bl.SGD(bl.optim.Step(0.1, every=3, factor=0.5))
    space = {"bl": bl}
    exec(f"again = {written(with_schedule, 'optimizer')}", space)  # noqa: S102
    assert space["again"] == with_schedule


def steps_of(present, sign, /, **values):
    """What is pasted for a finding whose remedy writes an optimizer, of a run with this one."""
    e = evidence(optimizer=present)
    kind = next(kind for kind in kinds().values() if sign in kind.signs)
    values = {"limit": 1e-4, "norm": 1.0, "rate": "0.3", "lower": 0.03} | values
    return pasted(kind.found(sign, 1.0, 0.5, **values), e, {"optimizer": present, "epochs": 4})


def rebuilt(code):
    """The optimizer that a pasted call has."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    (call,) = [each for each in calls if ast.unparse(each.func) == "bl.fit"]
    (value,) = [each.value for each in call.keywords if each.arg == "optimizer"]
    return eval(ast.unparse(value), {"bl": bl})  # noqa: S307


def test_the_steps_before_the_optimizer_stay_in_code_that_runs():
    chain = bl.chain(bl.ClipNorm(1.0), bl.SGD(0.3, momentum=0.9))
    settling = learning_rate._settling(evidence(optimizer=chain))
    found = steps_of(chain, learning_rate.COULD_SETTLE, **settling)
    cosine = bl.optim.Cosine(settling["start"], settling["steps"])
    assert rebuilt(found.remedy) == bl.chain(bl.ClipNorm(1.0), bl.SGD(cosine, momentum=0.9))
    on = bl.SGD(bl.optim.Cosine(0.3, settling["steps"]), momentum=0.9)
    lower = rebuilt(steps_of(on, learning_rate.COULD_SETTLE, **learning_rate._settling(evidence(optimizer=on))).remedy)
    assert lower == bl.SGD(cosine, momentum=0.9)


def test_clipping_in_a_chain_is_written_anew():
    chain = bl.chain(bl.ClipNorm(1e-4), bl.SGD(0.3))
    assert rebuilt(steps_of(chain, steps.CLIPPED, better=2.0).remedy) == bl.chain(bl.ClipNorm(2.0), bl.SGD(0.3))


def test_where_the_usual_remedy_is_on_already_the_raw_line_is_not_offered():
    kind = kinds()["worse than guessing"]
    for given in ({"early_stopping": 10}, {"early_stopping": 10, "validation": 0.2}):
        found = pasted(kind.found(kind.signs[0], 1.0, 0.5, rate="0.1"), evidence(), given)
        assert "bl.fit(..." not in found.remedy


def test_a_loaded_run_keeps_its_options_and_says_what_must_be_given_again(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    options = {"epochs": 3, "batch_size": 7, "sample_weight": np.ones(40), "validation": (x[40:], x[40:, 0])}
    run = bl.fit(bl.Linear(1), x[:40], x[:40, 0], optimizer=bl.SGD(1e-7), engine="numpy", **options)
    given = given_to(bl.load(run.save(tmp_path / "run")))
    line = expanded("bl.fit(..., penalty=bl.L2(0.1))", {k: given[k] for k in ("epochs", *options)})
    assert "epochs=3, batch_size=7, sample_weight=..., validation=..., penalty=bl.L2(0.1)" in line
    assert "bl.fit(..." not in bl.load(tmp_path / "run").diagnose()[0].remedy


def test_the_decay_of_a_loaded_run_is_lowered_from_what_its_folder_tells(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    strong = bl.AdamW(0.01, weight_decay=10.0)
    run = bl.fit(bl.Linear(1), x, x[:, 0], loss="mae", optimizer=strong, epochs=3, engine="numpy")
    given = given_to(bl.load(run.save(tmp_path / "run")))
    assert given["optimizer"] == strong
    assert given["loss"] == bl.losses.get("mae")
    found = decay.TOO_STRONG.found(decay.BY_DECAY, 0.1, 0.5, path="weight", strength=10.0)
    told = pasted(found, evidence(optimizer=strong), given)
    assert rebuilt(told.remedy) == bl.AdamW(0.01, weight_decay=0.1)
    assert told.command == "--optimizer adamw:weight_decay=0.1"


def test_a_network_is_written_out_as_it_would_be():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype("float32"), rng.integers(0, 3, 60)
    net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(3), bl.Softmax())
    found = bl.fit(net, x, y, epochs=2, **QUICK).diagnose()
    (told,) = [own for own in found if own.name == "softmax twice"]
    assert told.remedy == "net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(3))  # without the last Softmax"
    assert told.to_dict()["remedy"] == told.remedy
    assert str(told).count(told.remedy) == 1
