"""Names under which objects are written to files and found again."""

import threading

import pytest

from kerasish.utils import registry
from kerasish.utils.registry import (
    CustomObjectScope,
    builtin,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)


class Thing:
    def get_config(self):
        return {}


class Other(Thing):
    pass


@pytest.fixture(autouse=True)
def own_tables(monkeypatch):
    for table in ("_builtins", "_builtin_names", "_custom", "_custom_names"):
        monkeypatch.setattr(registry, table, {})
    for load in ("load_everything", "load_wherever"):  # what would enter our classes in these tables
        monkeypatch.setattr(registry, load, lambda name: None)


def test_registered_objects_are_found_by_package_and_name():
    assert register_keras_serializable("mine")(Thing) is Thing
    register_keras_serializable(name="Renamed")(Other)
    assert (get_registered_name(Thing), get_registered_name(Other)) == ("mine>Thing", "Custom>Renamed")
    assert get_registered_object("mine>Thing") is Thing
    assert get_registered_object("Thing") is None
    assert get_custom_objects() == {"mine>Thing": Thing, "Custom>Renamed": Other}

    @register_keras_serializable()
    def function(x):
        return x

    assert get_registered_object("Custom>function") is function


def test_the_table_may_be_changed_by_hand():
    get_custom_objects()["By hand"] = Thing
    assert get_registered_object("By hand") is Thing


def test_unregistered_objects_have_their_own_name():
    assert get_registered_name(Thing) == "Thing"
    assert get_registered_object("Thing", {"Thing": Thing}) is Thing
    assert get_registered_object("Thing", None, {"Thing": Thing}) is Thing
    assert get_registered_object("Thing", {"Thing": Thing}, {"Thing": Other}) is Thing


def test_a_class_without_config_cannot_be_registered():
    with pytest.raises(ValueError, match="class int must have a `get_config`"):
        register_keras_serializable()(int)


def test_scopes_nest_and_end():
    scope = CustomObjectScope({"a": Thing})
    with scope:
        with CustomObjectScope({"b": Other, "a": Other}), scope:
            assert (get_registered_object("a"), get_registered_object("b")) == (Thing, Other)
        assert get_registered_object("b") is None
        assert get_registered_object("a", {"a": Other}) is Thing
        assert get_custom_objects() == {}
    assert get_registered_object("a") is None
    with pytest.raises(KeyError), CustomObjectScope({"a": Thing}):
        raise KeyError
    assert get_registered_object("a") is None


def test_scopes_hold_in_their_own_thread():
    seen = []
    with CustomObjectScope({"a": Thing}):
        thread = threading.Thread(target=lambda: seen.append(get_registered_object("a")))
        thread.start()
        thread.join()
    assert seen == [None]


def test_builtins_stand_under_the_names_that_keras_gives_them():
    assert builtin("keras.layers", "keras.other")(Thing) is Thing
    builtin("keras.metrics", name="Thing")(Other)
    assert registry.find_builtin("keras.layers", "Thing") is Thing
    assert registry.find_builtin("keras.other", "Thing") is Thing
    assert registry.find_builtin("keras.metrics", "Thing") is Other
    assert registry.find_builtin("os", "system") is None
    assert registry.builtin_name(Thing) == ("keras.layers", "Thing")
    assert registry.builtin_name(Other) == ("keras.metrics", "Thing")
    assert registry.builtin_name(int) is None
    assert registry.builtins_in("keras.layers") == {"Thing": Thing}
    assert registry.builtins_named("Thing") == {
        "keras.layers": Thing,
        "keras.other": Thing,
        "keras.metrics": Other,
    }


def test_a_place_is_taken_once():
    builtin("keras.layers")(Thing)
    builtin("keras.layers")(Thing)
    with pytest.raises(ValueError, match="keras.layers.Thing is already registered"):
        builtin("keras.layers", name="Thing")(Other)
