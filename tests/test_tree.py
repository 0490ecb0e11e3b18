"""Nested structures: laws that hold for any, and the containers one by one."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasish.utils import tree

Point = namedtuple("Point", "y x")
OtherPoint = namedtuple("Point", "y x")

leaves = st.none() | st.integers() | st.text(max_size=3) | st.booleans()
keys = st.text(max_size=3)


def _containers(children):
    items = st.lists(children, max_size=4)
    entries = st.dictionaries(keys, children, max_size=4)
    return st.one_of(
        items,
        items.map(tuple),
        items.map(lambda x: deque(x, maxlen=9)),
        entries,
        entries.map(OrderedDict),
        entries.map(lambda x: defaultdict(int, x)),
        st.tuples(children, children).map(lambda pair: Point(*pair)),
    )


structures = st.recursive(leaves, _containers, max_leaves=20)


@given(structures)
def test_pack_inverts_flatten(structure):
    packed = tree.pack_sequence_as(structure, tree.flatten(structure))
    assert packed == structure
    assert type(packed) is type(structure)


@given(structures)
def test_map_visits_the_leaves_in_the_order_of_flatten(structure):
    seen = []
    mapped = tree.map_structure(lambda leaf: seen.append(leaf) or [leaf, "new"], structure)
    assert seen == tree.flatten(structure)
    assert tree.map_structure_up_to(structure, lambda pair: pair[0], mapped) == structure


@given(structures)
def test_paths_lead_to_their_leaves(structure):
    found = tree.flatten_with_path(structure)
    assert [leaf for _, leaf in found] == tree.flatten(structure)
    for path, leaf in found:
        x = structure
        for key in path:
            x = x[key]
        assert x is leaf


@given(structures)
def test_a_structure_is_like_itself(structure):
    tree.assert_same_structure(structure, structure)
    tree.assert_same_paths(structure, structure)
    pairs = tree.map_structure(lambda a, b: a == b, structure, structure)
    assert all(tree.flatten(pairs))


@given(structures)
def test_traverse_without_replacement_rebuilds(structure):
    for top_down in (True, False):
        assert tree.traverse(lambda x: None, structure, top_down) == structure


@given(structures)
def test_lists_to_tuples_leaves_no_list(structure):
    kinds = []
    tree.traverse(lambda x: kinds.append(type(x)), tree.lists_to_tuples(structure))
    assert list not in kinds


@given(structures, structures)
def test_map_over_two_fails_just_where_assert_same_structure_does(a, b):
    try:
        tree.assert_same_structure(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="structures are nested differently"):
            tree.map_structure(lambda x, y: x, a, b)
    else:
        assert tree.map_structure(lambda x, y: x, a, b) == a


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (5, [5]),
        (None, [None]),
        ([], []),
        ({"b": 1, "a": [2, (3,)]}, [2, 3, 1]),
        (OrderedDict(b=1, a=2), [1, 2]),
        (defaultdict(int, b=1, a=2), [2, 1]),
        ({"a": 1, 1: 2}, [2, 1]),
        (Point(1, [2]), [1, 2]),
        (deque([1, 2]), [1, 2]),
        (range(3), [range(3)]),
        ("text", ["text"]),
    ],
)
def test_flatten(structure, expected):
    assert tree.flatten(structure) == expected


def test_an_array_is_a_leaf():
    x = np.zeros(3)
    assert tree.flatten([x])[0] is x
    assert not tree.is_nested(x)


def test_dicts_keep_the_order_of_their_keys():
    assert list(tree.map_structure(str, {"b": 1, "a": 2})) == ["b", "a"]
    assert list(tree.pack_sequence_as({"b": 0, "a": 0}, [1, 2]).items()) == [("b", 2), ("a", 1)]
    rebuilt = tree.map_structure(str, defaultdict(list, a=1))
    assert rebuilt.default_factory is list
    assert tree.map_structure(str, deque([1], maxlen=3)).maxlen == 3


def test_dicts_of_different_kinds_match_by_key():
    mapped = tree.map_structure(lambda x, y: (x, y), {"a": 1, "b": 2}, OrderedDict(b=3, a=4))
    assert mapped == {"a": (1, 4), "b": (2, 3)}


def test_subclasses_of_containers_are_leaves_until_registered():
    class Tracked(list):
        pass

    assert tree.flatten(Tracked([1, 2])) == [[1, 2]]
    tree.register_node(Tracked, list)
    assert tree.flatten(Tracked([1, 2])) == [1, 2]
    assert tree.map_structure(str, Tracked([1])) == ["1"]


def test_none_may_be_left_alone():
    def fail_on_none(x, *_):
        assert x is not None
        return x

    assert tree.map_structure(fail_on_none, {"a": None, "b": 1}, none_is_leaf=False) == {"a": None, "b": 1}
    assert tree.map_structure(fail_on_none, [None, 1], [None, 2], none_is_leaf=False) == [None, 1]
    assert tree.map_structure(fail_on_none, None, none_is_leaf=False) is None
    with pytest.raises(ValueError, match=r"at \[0\], None in one structure only"):
        tree.map_structure(fail_on_none, [3], [None], none_is_leaf=False)


@pytest.mark.parametrize(
    ("a", "b", "where"),
    [
        ([1, 2], (1, 2), "at the top, expected a list, got a tuple"),
        ([1, 2], [1], "expected 2 children, got 1"),
        ({"a": [1]}, {"a": {}}, r"at \['a'\], expected a list, got a dict"),
        ({"a": 1}, {"b": 1}, r"dictionary key mismatch, expected \['a'\], got \['b'\]"),
        ([[1]], [1], "expected a list, got a int"),
        ([1], [[1]], "a leaf in one structure, a container in another"),
        (Point(1, 2), OtherPoint(1, 2), "expected a Point, got a Point"),
        (Point(1, 2), (1, 2), "expected a Point, got a tuple"),
    ],
)
def test_mismatches_are_named_with_their_place(a, b, where):
    for check in (tree.assert_same_structure, lambda a, b: tree.map_structure(max, a, b)):
        with pytest.raises(ValueError, match=where):
            check(a, b)


def test_paths_ignore_kinds():
    tree.assert_same_paths([1, {"a": 2}], (1, OrderedDict(a=3)))
    tree.assert_same_paths(Point(1, 2), [1, 2])
    with pytest.raises(ValueError, match=r"only in `a` \[\(1,\)\], only in `b` \[\]"):
        tree.assert_same_paths([1, 2], [1])


def test_map_up_to_hands_over_subtrees():
    assert tree.map_structure_up_to([None, None], len, [[1, 1], [2, 2, 2]]) == [2, 3]
    assert tree.map_structure_up_to([0, (0, 0)], str, [[1, 1], ([2], 3)]) == ["[1, 1]", ("[2]", "3")]
    for shallow, deep in (([0, 0], [1]), ([0, 0], 3), ([0, 0], (1, 2)), ([[0]], [1])):
        with pytest.raises(ValueError, match="structures are nested differently"):
            tree.map_structure_up_to(shallow, str, deep)


@pytest.mark.parametrize(("structure", "items"), [([1, 2], [1]), ([1, 2], [1, 2, 3]), (1, [1, 2]), ([], [1])])
def test_packing_the_wrong_number(structure, items):
    with pytest.raises(ValueError, match=f"expected .*, got {len(items)}"):
        tree.pack_sequence_as(structure, items)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="not iterable"):
        tree.pack_sequence_as([1], 5)
    with pytest.raises(ValueError, match="at least one structure"):
        tree.map_structure(str)
    for call in (lambda: tree.map_structure(3, [1]), lambda: tree.traverse(3, [1])):
        with pytest.raises(TypeError, match="func must be callable, got 3"):
            call()
    with pytest.warns(DeprecationWarning, match="assert_same_paths"):
        tree.assert_same_structure([1], [2], check_types=False)


def test_traverse_order_and_replacement():
    structure = [(1, 2), [3], {"a": 4}]
    seen = []
    tree.traverse(seen.append, structure)
    assert seen == [structure, (1, 2), 1, 2, [3], 3, {"a": 4}, 4]
    seen.clear()
    tree.traverse(seen.append, structure, top_down=False)
    assert seen == [1, 2, (1, 2), 3, [3], 4, {"a": 4}, structure]

    def drop_tuples(x):
        return tree.MAP_TO_NONE if isinstance(x, tuple) else None

    for top_down in (True, False):
        assert tree.traverse(drop_tuples, structure, top_down) == [None, [3], {"a": 4}]


def test_shapes_are_not_descended_into():
    shapes = {"a": (1, None), "b": [(2,), [3, 4]], "c": None, "d": (), "e": [(1,), "x"]}
    expected = {"a": [(1, None)], "b": [[(2,)], [[3, 4]]], "c": [None], "d": [()], "e": [[(1,)], ["x"]]}
    assert tree.map_shape_structure(lambda shape: [shape], shapes) == expected
