"""How tensors, symbolic ones too, are written as plain data."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.utils.serialization import CODECS, Codec


def _encode_tensor(x: Tensor) -> dict[str, Any]:
    return {"value": np.asarray(x).tolist(), "dtype": x.dtype.name}


def _decode_tensor(config: dict[str, Any]) -> Tensor:
    return to_tensor(config["value"], config["dtype"])


def _encode_symbolic(x: KerasTensor) -> dict[str, Any]:
    history = x._keras_history
    place = None if history is None else [history.operation.name, history.node_index, history.tensor_index]
    return {"shape": list(x.shape), "dtype": x.dtype, "keras_history": place}


def _decode_symbolic(config: dict[str, Any]) -> KerasTensor:
    return KerasTensor(config["shape"], config["dtype"])


CODECS["__tensor__"] = Codec(lambda x: isinstance(x, Tensor), _encode_tensor, _decode_tensor)
CODECS["__keras_tensor__"] = Codec(lambda x: isinstance(x, KerasTensor), _encode_symbolic, _decode_symbolic)
