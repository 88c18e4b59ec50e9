"""Trees: taken apart, put together, walked side by side."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.graph import tree


@dataclasses.dataclass(frozen=True)
class Box:
    first: Any
    second: Any


class Two(NamedTuple):
    x: Any
    y: Any


TREES = st.recursive(
    st.integers() | st.none(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=2), inner, max_size=3),
        st.builds(Box, inner, inner),
        st.builds(Two, inner, inner),
    ),
    max_leaves=12,
)


@given(TREES)
def test_unflatten_is_the_inverse_of_flatten(node: Any) -> None:
    leaves, structure = tree.flatten(node)
    again = tree.unflatten(structure, leaves)
    assert again == node
    assert type(again) is type(node)
    assert hash(structure) == hash(tree.flatten(again)[1])
    assert structure == tree.flatten(again)[1]


@given(TREES)
def test_leaves_paths_and_items_agree(node: Any) -> None:
    assert [leaf for _, leaf in tree.items(node)] == tree.leaves(node)
    assert [path for path, _ in tree.items(node)] == tree.paths(node)
    assert len(set(tree.paths(node))) == len(tree.leaves(node))


@given(TREES)
def test_map_keeps_the_structure(node: Any) -> None:
    doubled = tree.map(lambda leaf: 2 * leaf, node)
    assert tree.flatten(doubled)[1] == tree.flatten(node)[1]
    assert tree.leaves(doubled) == [2 * leaf for leaf in tree.leaves(node)]
    assert tree.leaves(tree.map(lambda a, b: a + b, node, doubled)) == [3 * leaf for leaf in tree.leaves(node)]


def test_keys_keep_their_order_and_other_trees_may_have_another() -> None:
    assert tree.leaves({"b": 1, "a": 2}) == [1, 2]
    assert tree.map(lambda a, b: (a, b), {"b": 1, "a": 2}, {"a": 20, "b": 10}) == {"b": (1, 10), "a": (2, 20)}
    assert tree.map(lambda a: a, OrderedDict(z=1, y=2)) == {"z": 1, "y": 2}


def test_paths_name_files_and_nest_back() -> None:
    params = {"0": {"weight": 1, "bias": 2}, "2": {"weight": 3}}
    assert tree.paths(params) == ["0/weight", "0/bias", "2/weight"]
    assert tree.flatten_dict(params) == {"0/weight": 1, "0/bias": 2, "2/weight": 3}
    assert tree.nest(tree.flatten_dict(params)) == params
    assert tree.paths(Box([1, None], Two(2, {}))) == ["first/0", "second/0"]
    assert tree.paths(5) == [""]


def test_none_and_empty_containers_hold_no_leaf() -> None:
    for empty in (None, [], (), {}, {"a": None, "b": []}):
        leaves, structure = tree.flatten(empty)
        assert leaves == []
        assert tree.unflatten(structure, []) == empty


def test_a_class_is_a_leaf_like_any_object() -> None:
    assert tree.leaves([Box, "word", 1.5]) == [Box, "word", 1.5]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"a": 1}, r"trees differ in structure at the top: expected keys \['a', 'b'\], got \['a'\]"),
        ({"a": 1, "b": 5}, r"at b: expected keys \[0, 1\], got int"),
        ({"a": 1, "b": [1]}, r"at b: expected keys \[0, 1\], got \[0\]"),
        (None, r"at the top: expected keys \['a', 'b'\], got \[\]"),
    ],
)
def test_trees_of_another_structure_are_refused(other: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        tree.map(lambda a, b: a, {"a": 1, "b": [2, 3]}, other)


def test_a_deep_tree_is_no_trouble() -> None:
    node: Any = 1
    for _ in range(200):
        node = [node]
    leaves, structure = tree.flatten(node)
    assert tree.unflatten(structure, leaves) == node
