"""Public names that Keras keeps in one namespace and we make on different floors, put together.

`kerasish.utils` is the lowest floor and `kerasish.backend` the one above, but the public `keras.utils` and
`keras.backend` hold names from higher ones, and `keras.ops.jvp` needs the tape, which stands on the ops. They are
attached here, when `kerasish` is imported.
"""

import gc
import sys
import types
from typing import Any

from kerasish import backend, ops, utils
from kerasish import config as settings
from kerasish.autodiff.functional import jvp
from kerasish.core import dtype_policy, dtypes, random_state, symbolic
from kerasish.core.graph import get_source_inputs
from kerasish.data.audio_directory import audio_dataset_from_directory
from kerasish.data.image_directory import image_dataset_from_directory
from kerasish.data.py_dataset import PyDataset
from kerasish.data.split import split_dataset
from kerasish.data.text_directory import text_dataset_from_directory
from kerasish.data.timeseries import timeseries_dataset_from_array
from kerasish.models.plotting import model_to_dot, plot_model
from kerasish.ops import bounding_boxes, vectors
from kerasish.utils import naming, serialization


def clear_session(free_memory: bool = True) -> None:
    """Forget names given so far, the global random state and the global dtype policy.

    Args:
        free_memory: whether to collect garbage now.
    """
    naming.reset()
    random_state.reset_global_seed_generator()
    dtype_policy.reset_dtype_policy()
    if free_memory:
        gc.collect()


def _attach(module: types.ModuleType, **names: Any) -> None:
    for name, value in names.items():
        setattr(module, name, value)


_attach(
    backend,
    backend=settings.backend, clear_session=clear_session, epsilon=settings.epsilon, floatx=settings.floatx,
    get_uid=naming.get_uid, image_data_format=settings.image_data_format, is_float_dtype=dtypes.is_float,
    is_int_dtype=dtypes.is_int, is_keras_tensor=symbolic.is_keras_tensor, result_type=dtypes.result_type,
    set_epsilon=settings.set_epsilon, set_floatx=settings.set_floatx,
    set_image_data_format=settings.set_image_data_format, standardize_dtype=dtypes.standardize_dtype,
)  # fmt: skip
_attach(
    utils,
    PyDataset=PyDataset, Sequence=PyDataset, audio_dataset_from_directory=audio_dataset_from_directory,
    bounding_boxes=bounding_boxes, clear_session=clear_session,
    deserialize_keras_object=serialization.deserialize_keras_object,
    serialize_keras_object=serialization.serialize_keras_object,
    split_dataset=split_dataset, get_source_inputs=get_source_inputs,
    image_dataset_from_directory=image_dataset_from_directory,
    is_keras_tensor=symbolic.is_keras_tensor, model_to_dot=model_to_dot, plot_model=plot_model,
    set_random_seed=random_state.set_random_seed, standardize_dtype=dtypes.standardize_dtype,
    text_dataset_from_directory=text_dataset_from_directory,
    timeseries_dataset_from_array=timeseries_dataset_from_array,
    normalize=vectors.normalize, to_categorical=vectors.to_categorical,
)  # fmt: skip
for _module in (ops, ops.linalg):
    _attach(_module, jvp=jvp)
sys.modules["kerasish.utils.bounding_boxes"] = bounding_boxes
