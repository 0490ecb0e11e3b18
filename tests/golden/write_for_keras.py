"""Saves the golden models with kerasish, for `open_with_keras.py` to open: `python write_for_keras.py FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from golden_io import leaves, load

import kerasish as keras


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for row in load("files"):
        if "to_json" not in row:
            continue  # a subclassed model: its class is in the tests
        model = keras.models.model_from_json(json.dumps(row["to_json"]))
        model.set_weights([w["value"] for w in row["weights"]])
        arrays = {f"input_{i}": x for i, x in enumerate(leaves(row["inputs"]))}
        if "continued" in row:
            fit = row["continued"]
            model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
            model.fit(fit["x"], fit["y"], **fit["fit"])
            arrays |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
        outputs = leaves(model(row["inputs"], training=False))
        arrays |= {f"output_{i}": np.asarray(out) for i, out in enumerate(outputs)}
        np.savez(folder / f"{row['name']}.npz", **arrays)
        for suffix in row["formats"]:
            save = model.save_weights if suffix == ".weights.h5" else model.save
            save(folder / f"{row['name']}{suffix}")


if __name__ == "__main__":
    main()
