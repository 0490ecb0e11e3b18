"""Rules for the first values of weights (`keras.initializers`)."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core import codecs
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.tensor import Tensor
from kerasish.core.variable import Variable
from kerasish.initializers.base import Initializer
from kerasish.initializers.constant import Constant, Identity, Ones, Zeros
from kerasish.initializers.orthogonal import Orthogonal
from kerasish.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from kerasish.initializers.stft import STFT
from kerasish.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from kerasish.utils.serialization import deserialize_keras_object, family, get_object, serialize_keras_object

constant, identity, ones, zeros = Constant, Identity, Ones, Zeros
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, variance_scaling = LecunNormal, LecunUniform, VarianceScaling
orthogonal, stft = Orthogonal, STFT
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

_BY_NAME = family(
    "keras.initializers", normal=RandomNormal, uniform=RandomUniform, one=Ones, zero=Zeros, stft=STFT,
    IdentityInitializer=Identity, OrthogonalInitializer=Orthogonal, STFTInitializer=STFT,
)  # fmt: skip


def serialize(initializer: Any) -> Any:
    """Return an initializer as plain data."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the initializer that plain data describes."""
    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Any:
    """Return an initializer for a name, a config, a class, a callable, or the values themselves.

    Raises:
        ValueError: the identifier stands for no initializer.
    """
    if isinstance(identifier, Tensor | Variable | np.ndarray | np.generic):
        return _values(identifier)
    return get_object(identifier, _BY_NAME, "an initializer")


def _values(values: Any) -> Any:
    def initialize(shape: Any, dtype: Any = None) -> Tensor:
        if tuple(shape) != tuple(values.shape):
            raise ValueError(f"Expected `shape` to be that of the values given as an initializer, "
                             f"{tuple(values.shape)}, got {tuple(shape)}")
        return ops.cast(values, standardize_dtype(dtype))

    return initialize


Variable.find_initializer = staticmethod(get)
