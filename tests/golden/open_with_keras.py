"""Opens files that kerasish wrote with real Keras, and checks the outputs: `python open_with_keras.py FOLDER`.

FOLDER is what `write_for_keras.py FOLDER`, run with kerasish, has made: per model NAME.npz (input_0.., output_0..,
optimizer_0.. if compiled) beside NAME.keras, NAME.h5, NAME.weights.h5. Exits with 1 where anything differs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
sys.path.insert(0, str(Path(__file__).parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from golden_io import assert_close, leaves  # noqa: E402


def numbered(stored: dict, kind: str) -> list[np.ndarray]:
    return [stored[f"{kind}_{i}"] for i in range(len(stored)) if f"{kind}_{i}" in stored]


def check(model: keras.Model, stored: dict, what: str, optimizer: bool) -> None:
    inputs = numbered(stored, "input")
    outputs = leaves(model(inputs[0] if len(inputs) == 1 else inputs, training=False))
    expected = numbered(stored, "output")
    assert len(outputs) == len(expected), f"{what}: {len(outputs)} outputs, expected {len(expected)}"
    for out, want in zip(outputs, expected, strict=True):
        assert_close(keras.ops.convert_to_numpy(out), want, what=what)
    state = numbered(stored, "optimizer")
    if optimizer and state:
        variables = model.optimizer.variables
        assert len(variables) == len(state), f"{what}: {len(variables)} optimizer variables, expected {len(state)}"
        for variable, want in zip(variables, state, strict=True):
            assert_close(keras.ops.convert_to_numpy(variable.value), want, what=f"{what} {variable.path}")


def check_model(archive: Path) -> None:
    with np.load(archive) as file:
        stored = dict(file)
    model = keras.saving.load_model(archive.with_suffix(".keras"))
    check(model, stored, f"{archive.stem}.keras", optimizer=True)
    if archive.with_suffix(".h5").exists():  # whose optimizer state Keras does not restore
        check(keras.saving.load_model(archive.with_suffix(".h5")), stored, f"{archive.stem}.h5", optimizer=False)
    for weight in model.weights:
        weight.assign(weight * 0 + 1)
    model.load_weights(archive.with_suffix(".weights.h5"))
    check(model, stored, f"{archive.stem}.weights.h5", optimizer=True)


def main() -> int:
    archives = sorted(Path(sys.argv[1]).glob("*.npz"))
    failures = 0
    for archive in archives:
        try:
            check_model(archive)
        except Exception as problem:
            failures += 1
            print(f"{archive.stem}: {type(problem).__name__}: {problem}")
    print(f"{len(archives) - failures} of {len(archives)} models agree")
    return int(failures > 0 or not archives)


if __name__ == "__main__":
    sys.exit(main())
