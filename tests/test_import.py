"""What `import kerasish` must not do, and what it still gives."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import kerasish
from kerasish.utils import lazy, registry

HEAVY = ["IPython", "PIL", "cupy", "h5py", "llvmlite", "matplotlib", "ml_dtypes", "numba", "pandas", "pydot", "scipy",
         "sklearn", "tqdm", "jax", "keras", "tensorflow", "torch"]  # fmt: skip
# Slow parts of the standard library, and of ours, that only some programs need.
DEFERRED = ["concurrent.futures", "dataclasses", "difflib", "json", "logging", "multiprocessing", "pathlib", "shutil",
            "socket", "tempfile", "urllib", "zipfile", "numpy.random", "kerasish.data.dataset",
            "kerasish.layers.core.dense", "kerasish.layers.preprocessing.base_image", "kerasish.models.plotting",
            "kerasish.saving.archive", "kerasish.training.trainer"]  # fmt: skip
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="each name is tried in a process of its own")
SPACES = sorted(lazy._places)


def _python(code: str) -> str:
    # One thread, because processes with several do not fork well.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr == ""
    return done.stdout


def test_import_is_light():
    """Optional and heavy packages are imported by what needs them, and no other framework ever."""
    assert _python(f"import sys, kerasish; print([m for m in {HEAVY + DEFERRED} if m in sys.modules])") == "[]\n"


@FORKS
def test_every_name_can_be_asked_for_first():
    """In a fresh process each: no name leans on another having been imported before."""
    code = """
import os, kerasish
from kerasish.utils import lazy
for space in sorted(lazy._places):
    for name in sorted(lazy._places[space]):
        child = os.fork()
        if child == 0:
            try:
                lazy.load(space, name)
                os._exit(0)
            except BaseException as error:
                print(space, name, repr(error), flush=True)
                os._exit(1)
        os.waitpid(child, 0)
"""
    assert _python(code) == ""


@pytest.mark.parametrize("first_use", [
    "k.Model(a := k.Input((2,)), k.layers.Dense(1)(a))",
    "k.models.Model(inputs=(a := k.layers.Input((2,))), outputs=a + 1)",
    "k.Sequential([k.layers.Dense(1)]).get_config()",
    "k.layers.deserialize({'module': 'keras.layers', 'class_name': 'Dense', 'config': {'units': 2}})",
    "k.Sequential.from_config({'name': 'm', 'layers': [{'class_name': 'Dense', 'config': {'units': 2}}]})",
    "k.losses.get('mse'), k.metrics.get('mse'), k.optimizers.get('ADAM'), k.initializers.get('ones')",
    "k.metrics.Mean(), k.losses.MeanSquaredError(), k.optimizers.schedules.CosineDecay(0.1, 9)",
    "k.saving.serialize_keras_object(k.layers.ReLU())",
    "k.callbacks.EarlyStopping(), k.mixed_precision.LossScaleOptimizer(k.optimizers.SGD())",
    "k.function(lambda x: x + 1)(k.ops.ones(2)), k.utils.to_categorical([1]), k.backend.floatx()",
])  # fmt: skip
def test_the_first_thing_that_a_program_does(first_use):
    assert _python(f"import kerasish as k; {first_use}") == ""


@pytest.mark.parametrize("space", SPACES)
def test_namespaces_show_their_names(space):
    module = importlib.import_module(space)
    names = dir(module)
    assert names == sorted(set(names)) and set(lazy._places[space]) <= set(names)
    for name in lazy._places[space]:
        assert getattr(module, name) is lazy.load(space, name)
    with pytest.raises(AttributeError, match=f"module '{space}' has no attribute 'no_such_name'"):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("space", SPACES)
def test_no_deferred_name_is_hidden_by_a_file_of_the_same_name(space):
    """Importing the file would set the namespace's attribute to the module."""
    module = importlib.import_module(space)
    files = {m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))}
    hidden = {n for n in files & set(lazy._places[space]) if lazy._places[space][n] != (space, n)}
    assert hidden == set()


def test_star_imports_take_every_public_name():
    names: dict = {}
    exec("from kerasish.layers import *", names)
    public = {n for n in dir(kerasish.layers) if not n.startswith("_")}
    assert public <= set(names) and names["Dense"] is kerasish.layers.Dense


@FORKS
def test_built_in_objects_are_found_before_their_files_are_imported():
    """Everything that the whole package registers is found by name in a process that imported nothing else."""
    for found in pkgutil.walk_packages(kerasish.__path__, "kerasish."):
        if not found.name.startswith(("kerasish.backend", "kerasish.cli")):
            importlib.import_module(found.name)
    known = sorted(place for place, obj in registry._builtins.items() if obj.__module__.startswith("kerasish"))
    assert len(known) > 300
    code = f"""
import kerasish, os
from kerasish.utils.registry import builtins_in, builtins_named, find_builtin
for module, name in {known}:
    child = os.fork()
    if child == 0:
        if find_builtin(module, name) is None or module not in builtins_named(name):
            print(module, name, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
for module in {sorted({module for module, _ in known})}:
    missing = {{n for m, n in {known} if m == module}} - set(builtins_in(module))
    if missing and not module.startswith(("keras.src.", "keras.engine.")):
        print(module, missing)
"""
    assert _python(code) == ""


def test_other_threads_import_as_ever_while_a_namespace_is_read():
    space = {"__name__": "somewhere"}
    elsewhere: dict = {}
    with lazy.deferred(space):
        exec("from math import sqrt", elsewhere)
        exec("from math import cos, sin as sine", space)
    try:
        assert elsewhere["sqrt"](4) == 2
        assert "cos" not in space and set(lazy._places["somewhere"]) == {"cos", "sine"}
        assert space["__dir__"] and lazy._open == []
    finally:
        del lazy._places["somewhere"]
    assert importlib.__import__ is not lazy._note and __builtins__["__import__"] is not lazy._note
