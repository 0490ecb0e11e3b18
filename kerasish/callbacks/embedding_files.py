"""Embeddings in the files that TensorBoard's projector reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


def _embeddings_of(model: Any) -> Iterator[tuple[Any, str]]:
    """Yield the layers with a table of embeddings, each with the name of its file."""
    for layer in model.layers:
        table = getattr(layer, "embeddings", None)
        if table is not None and len(table.shape) == 2:
            yield layer, f"{layer.name}_embeddings.tsv"


def write_projector_config(folder: str, model: Any, metadata: Any) -> None:
    """Write which embeddings there are.

    Args:
        folder: TensorBoard's folder.
        model: the model.
        metadata: path of a file of labels, relative to the folder, for all layers; or a dict of such by layer name.

    Raises:
        ValueError: the dict names a layer that is no embedding of the model.
    """
    found = list(_embeddings_of(model))
    names = [layer.name for layer, _ in found]
    paths = dict(metadata) if isinstance(metadata, dict) else dict.fromkeys(names, metadata)
    if unknown := sorted(set(paths) - set(names)):
        raise ValueError(f"Unrecognized `Embedding` layer names in embeddings_metadata: {unknown}; there are {names}")
    entries = []
    for layer, file in found:
        facts = {"tensor_name": layer.name, "tensor_path": file, "metadata_path": paths.get(layer.name)}
        lines = [f"  {key}: {json.dumps(str(value))}\n" for key, value in facts.items() if value is not None]
        entries.append("embeddings {\n" + "".join(lines) + "}\n")
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "projector_config.pbtxt").write_text("".join(entries))


def write_embeddings(folder: str, model: Any) -> None:
    """Write the embeddings as they are now, one row an entry, tabs between numbers."""
    for layer, file in _embeddings_of(model):
        np.savetxt(Path(folder, file), np.asarray(layer.embeddings, "float32"), fmt="%.7g", delimiter="\t")
