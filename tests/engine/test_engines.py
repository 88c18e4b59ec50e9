"""Both engines do the same, and never more than they need."""

import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import backlit as bl
from backlit import engine
from backlit.engine import cache


@pytest.mark.parametrize("name", ["numpy", "xla"])
def test_scan_and_loop_carry_trees_in_their_own_key_order(name):
    runner = engine.get(name)

    def program(start, xs, count):
        carry, ys = runner.scan(lambda c, x: ({"z": c["z"] + x, "a": c["a"]}, {"y": c["z"] * 2}), start, xs)
        last, record = runner.loop(lambda c, i: ({"z": c["z"] * 2.0, "a": c["a"]}, (c["z"],)), carry, count, 5)
        return carry, ys, last, record

    start = {"z": runner.put(1.0), "a": runner.put(7.0)}
    carry, ys, last, record = runner.compile(program)(start, runner.put(np.arange(3.0)), np.int32(2))
    assert list(carry) == ["z", "a"]
    assert float(carry["z"]) == 4.0
    np.testing.assert_array_equal(ys["y"], [2.0, 2.0, 4.0])
    assert float(last["z"]) == 16.0
    np.testing.assert_array_equal(np.asarray(record[0])[:2], [4.0, 8.0])


@pytest.mark.parametrize("name", ["numpy", "xla"])
def test_take_rows_and_stack(name):
    runner = engine.get(name)
    x = runner.put(np.arange(6.0).reshape(3, 2), "float32")
    taken, stacked = runner.compile(lambda x, rows: (runner.take_rows(x, rows), runner.stack([x, x])))(
        x, runner.put([2, 0])
    )
    np.testing.assert_array_equal(taken, [[4, 5], [0, 1]])
    assert stacked.shape == (2, 3, 2)


def test_unknown_engine_is_named_with_the_known_ones():
    with pytest.raises(bl.errors.UnknownNameError, match="unknown engine 'nmpy'; did you mean 'numpy'"):
        engine.get("nmpy")


def test_numpy_engine_never_imports_jax():
    code = (
        "import sys, numpy as np, backlit as bl\n"
        "net = bl.Sequential(bl.Linear(3), bl.ReLU(), bl.Linear(2))\n"
        "bl.fit(net, np.eye(4), [0, 1, 0, 1], epochs=2, engine='numpy')\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('jax', 'jaxlib')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compiled_equals_eager_and_traces_once():
    def f(params, x):
        return bl.ops.sum(bl.ops.tanh(x @ params["w"] + params["b"]) ** 2)

    compiled = bl.compile(bl.value_and_grad(f))
    rng = np.random.default_rng(0)
    for _ in range(3):
        params, x = {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}, rng.normal(size=(4, 3))
        value, gradient = compiled(params, x)
        expected, expected_gradient = bl.value_and_grad(f)(params, x)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient["w"], expected_gradient["w"], rtol=1e-12)
        assert list(gradient) == ["w", "b"]
    assert compiled.traces == 1


def test_key_order_of_dicts_is_no_reason_to_compile_again():
    compiled = bl.compile(lambda p: p["a"] + p["b"])
    assert float(compiled({"a": 1.0, "b": 2.0})) == 3.0
    assert float(compiled({"a": 3.0, "b": 2.0})) == 5.0
    assert compiled.traces == 1


def test_recompilation_says_which_argument_changed():
    compiled = bl.compile(lambda x, scale: x * scale)
    compiled(np.zeros(3), np.float32(1))
    with pytest.warns(bl.errors.RecompilationWarning, match=r"argument 0: float64\[3\] → float64\[4\]"):
        compiled(np.zeros(4), np.float32(1))
    assert compiled.traces == 2
    compiled(np.zeros(3), np.float32(1))
    assert compiled.traces == 2


def test_settings_are_compiled_for():
    def f(x, mode="double"):
        return x * 2 if mode == "double" else x

    compiled = bl.compile(f)
    assert float(compiled(3.0)) == 6.0
    with pytest.warns(bl.errors.RecompilationWarning, match="argument mode"):
        assert float(compiled(3.0, mode="same")) == 3.0


def test_numpy_inside_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"hands a value to NumPy.*backlit\.ops"):
        bl.compile(lambda x: np.asarray(x) + 1)(np.ones(2))


def test_deciding_by_values_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"decides something by a value.*backlit\.ops\.where"):
        bl.compile(lambda x: x if x > 0 else -x)(1.0)


def test_threads_that_compile_at_once_get_their_own_results():
    """Each traces for its own shape while the others do: the structure of a result goes by its call."""
    together = threading.Barrier(2, timeout=60)

    def parts(x):
        if len(x) < 4:
            together.wait()  # within the trace: both threads are in it
        return {f"part {i}": x[i] * 2.0 for i in range(len(x))}

    compiled = bl.compile(parts)
    with warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:
        warnings.simplefilter("ignore", bl.RecompilationWarning)
        results = list(pool.map(compiled, [np.arange(2.0), np.arange(3.0)]))
        again = list(pool.map(compiled, [np.arange(n + 0.0) for n in (4, 2, 3, 4, 2, 3)]))
    for result, n in zip([*results, *again], (2, 3, 4, 2, 3, 4, 2, 3), strict=True):
        assert {name: float(part) for name, part in result.items()} == {f"part {i}": 2.0 * i for i in range(n)}
    assert compiled.traces == 3


def test_a_compiled_function_may_call_itself():
    def power(x, times):
        return x if times == "" else x * compiled(x, times[1:])

    compiled = bl.compile(power)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.RecompilationWarning)
        assert float(compiled(3.0, "..")) == 27.0


def test_a_compiled_function_inside_a_derivative_is_differentiated():
    compiled = bl.compile(lambda x: x * x)
    assert float(bl.grad(lambda x: compiled(x) * 3)(2.0)) == 12.0


def test_float32_stays_float32_and_float64_float64():
    compiled = bl.compile(bl.grad(lambda x: bl.ops.sum(bl.ops.exp(x) * 2.5)))
    assert compiled(np.ones(3, np.float32)).dtype == np.float32
    with pytest.warns(bl.errors.RecompilationWarning, match="float32.*float64"):
        assert compiled(np.ones(3)).dtype == np.float64


@pytest.mark.parametrize(("value", "expected"), [("off", None), ("0", None), ("/some/where", "/some/where")])
def test_cache_folder_by_variable(monkeypatch, value, expected):
    monkeypatch.setenv("BACKLIT_CACHE", value)
    folder = cache.cache_folder()
    assert (None if folder is None else folder.as_posix()) == expected


@pytest.mark.slow
def test_second_process_finds_the_compiled_program(tmp_path):
    code = "import numpy as np, backlit as bl; bl.compile(lambda x: bl.ops.exp(x) * 3)(np.ones(3))"
    environment = {**os.environ, "BACKLIT_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    first = {path.name for path in (tmp_path / cache.machine()).iterdir()}
    assert any("cache" in name for name in first)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert {path.name for path in (tmp_path / cache.machine()).iterdir()} == first


@pytest.mark.slow
def test_programs_are_kept_by_cores(tmp_path):
    """A program compiled on one core would slow the runs on two."""
    script = (
        "from backlit.engine import cache; cache.configure(); import jax; print(jax.config.jax_compilation_cache_dir)"
    )
    one = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {script}"
    environment = {**os.environ, "BACKLIT_CACHE": str(tmp_path)}
    folders = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for code in ([script, one] if hasattr(os, "sched_setaffinity") else [script])
    ]
    assert all(folder.startswith(str(tmp_path)) for folder in folders)
    if len(folders) > 1 and len(os.sched_getaffinity(0)) > 1:
        assert "/1-cores-" in folders[1]
        assert folders[0] != folders[1]
