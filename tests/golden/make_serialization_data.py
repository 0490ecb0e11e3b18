"""Makes `data/serialization.json` with real Keras: `KERAS_BACKEND=jax python tests/golden/make_serialization_data.py`.

A row holds `value`, an expression that the test evaluates, and `config`, what Keras wrote for it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

EXPRESSIONS = [
    "None", "3", "2.5", "'text'", "True", "[1, (2.0, 'a'), {'b': None}]", "b'ab'", "slice(1, None, 2)", "...",
    "np.float32(1.5)", "np.array(7)", "np.array([[1, 2]], 'int64')", "np.array([0.5], 'float32')",
    "keras.ops.convert_to_tensor([1.0, 2.0])",
    *(f"keras.initializers.{name}" for name in (
        "Zeros()", "Ones()", "Constant(0.3)", "Identity(gain=2.0)", "RandomNormal()", "RandomNormal(1.0, 2.0, seed=3)",
        "RandomUniform(seed=1)", "TruncatedNormal(stddev=0.1)", "VarianceScaling(2.0, 'fan_out', 'normal')",
        "VarianceScaling(seed=keras.random.SeedGenerator(3, name='dice'))", "GlorotUniform()", "GlorotNormal(seed=2)",
        "HeNormal(input_axes=(0,), output_axes=(1,))", "HeUniform()", "LecunNormal()", "LecunUniform()",
        "Orthogonal(gain=1.5)", "STFT(window=None)",
    )),
    "keras.regularizers.L1(0.25)", "keras.regularizers.L2()", "keras.regularizers.L1L2(0.1, 0.2)",
    "keras.regularizers.OrthogonalRegularizer(0.5, 'columns')",
    "keras.constraints.MaxNorm(3, axis=[0, 1])", "keras.constraints.NonNeg()", "keras.constraints.UnitNorm()",
    "keras.constraints.MinMaxNorm(rate=0.5)", "keras.random.SeedGenerator(5, name='dice')",
]  # fmt: skip


def main() -> None:
    space = {"keras": keras, "np": np}
    rows = [{"value": e, "config": keras.saving.serialize_keras_object(eval(e, space))} for e in EXPRESSIONS]
    path = Path(__file__).parent / "data" / "serialization.json"
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    sys.exit(main())
