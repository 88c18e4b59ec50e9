"""Whatever the files of a run hold, an error names the file, and no traceback follows."""

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.errors import InputError
from tests.store.common import contents, copied, sign

WHOLE = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples, each of which puts back what it changed."""
    folder = copied(tmp_path_factory, tmp_path_factory.mktemp("fuzz") / "run")
    WHOLE.update(contents(folder))
    return folder


def refused(folder):
    with pytest.raises(InputError) as caught:
        bl.load(folder)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_network_json_cut_at_any_byte(folder):
    whole = WHOLE["network.json"]
    path = folder / "network.json"
    for length in range(len(whole) - 1):  # the last byte is the line's end
        path.write_bytes(whole[:length])
        assert "network.json" in refused(folder), length
    path.write_bytes(whole[:-1])
    bl.load(folder)
    path.write_bytes(whole)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_file_cut_or_with_any_bit_changed(folder, data):
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    whole = WHOLE[name]
    place = data.draw(st.integers(0, len(whole) - 2))
    if data.draw(st.booleans(), label="cut"):
        changed = whole[:place]
    else:
        changed = whole[:place] + bytes([whole[place] ^ 1 << data.draw(st.integers(0, 7))]) + whole[place + 1 :]
    try:
        (folder / name).write_bytes(changed)
        if name == "network.json" and same_json(changed, whole):
            bl.load(folder)  # another kind of space
        else:
            assert name in refused(folder)
    finally:
        (folder / name).write_bytes(whole)
    bl.load(folder)


def same_json(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([-(10**30), 10**30, 1e400, float("nan"), 0.5, "", "x", "relu", "Linear", "a/b", "\ud800"]),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(["layer", "loss", "kind", "classes", "x"]), SCALARS, max_size=2),
)


def places(data):
    """Every place in nested data, as the dict or list that holds it and the key."""
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        yield data, key
        if isinstance(value, (dict, list)):
            yield from places(value)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=500, deadline=None)
def test_any_value_changed_for_another_though_all_checksums_fit(folder, data):
    """A change may be harmless; what isn't must be told, by the file's name."""
    name = data.draw(st.sampled_from(["network.json", "data.json", "history.jsonl", "judgement.json"]))
    described = json.loads(WHOLE[name].splitlines()[0] if name == "history.jsonl" else WHOLE[name])
    for _ in range(data.draw(st.integers(1, 2))):
        parent, key = data.draw(st.sampled_from(list(places(described)) or [([None], 0)]))
        if isinstance(parent, dict) and data.draw(st.booleans(), label="removed"):
            del parent[key]
        else:
            parent[key] = data.draw(VALUES)
    try:
        if name == "network.json":
            (folder / name).write_text(json.dumps(described))
        else:
            (folder / name).write_bytes(json.dumps(described).encode() + b"\n")
        sums = isinstance(described.get("files", {}), dict)
        if name != "network.json" or (sums and set(described.get("files", {})) <= set(WHOLE)):
            try_sign(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                run = bl.load(folder)
            except InputError as error:
                assert str(folder) in str(error)  # noqa: PT017 (it may also load)
            else:
                assert (run.seconds, run.classes, run.best_epoch) is not None
    finally:
        for kept in ("network.json", name):
            (folder / kept).write_bytes(WHOLE[kept])


def try_sign(folder):
    """Sign, unless a text was drawn that no file can hold."""
    try:
        sign(folder)
    except InputError as error:
        assert "surrogates not allowed" in str(error)  # noqa: PT017


@given(content=st.binary(max_size=300), name=st.sampled_from(["weights.safetensors", "config.toml", "history.jsonl"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_though_all_checksums_fit(folder, content, name):
    try:
        (folder / name).write_bytes(content)
        sign(folder)
        try:
            bl.load(folder)
        except InputError as error:
            assert name in str(error)  # noqa: PT017
    finally:
        for kept in ("network.json", name):
            (folder / kept).write_bytes(WHOLE[kept])
