"""Public names that Keras keeps in one namespace and we make on different floors, put together.

`kerasish.utils` is the lowest floor and `kerasish.backend` the one above, but the public `keras.utils` and
`keras.backend` hold names from higher ones, and `keras.ops.jvp` needs the tape, which stands on the ops. They are
told here, when `kerasish` is imported, where those names are.
"""

import gc
import sys

from kerasish import backend as backend_names
from kerasish import ops, utils
from kerasish.autodiff.functional import jvp
from kerasish.core import dtype_policy, random_state
from kerasish.ops import bounding_boxes
from kerasish.utils import naming
from kerasish.utils.lazy import deferred


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


with deferred(globals(), into=backend_names):
    from kerasish.config import (
        backend,
        epsilon,
        floatx,
        image_data_format,
        set_epsilon,
        set_floatx,
        set_image_data_format,
    )
    from kerasish.core.dtypes import is_float as is_float_dtype
    from kerasish.core.dtypes import is_int as is_int_dtype
    from kerasish.core.dtypes import result_type, standardize_dtype
    from kerasish.core.symbolic import is_keras_tensor
    from kerasish.utils.naming import get_uid

with deferred(globals(), into=utils):
    from kerasish.core.dtypes import standardize_dtype
    from kerasish.core.graph import get_source_inputs
    from kerasish.core.random_state import set_random_seed
    from kerasish.core.symbolic import is_keras_tensor
    from kerasish.data.audio_directory import audio_dataset_from_directory
    from kerasish.data.image_directory import image_dataset_from_directory
    from kerasish.data.py_dataset import PyDataset
    from kerasish.data.py_dataset import PyDataset as Sequence
    from kerasish.data.split import split_dataset
    from kerasish.data.text_directory import text_dataset_from_directory
    from kerasish.data.timeseries import timeseries_dataset_from_array
    from kerasish.models.plotting import model_to_dot, plot_model
    from kerasish.ops.vectors import normalize, to_categorical
    from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

for _module in (backend_names, utils):
    vars(_module).update(clear_session=clear_session)
for _module in (ops, ops.linalg):
    vars(_module).update(jvp=jvp)
vars(utils).update(bounding_boxes=bounding_boxes)
sys.modules["kerasish.utils.bounding_boxes"] = bounding_boxes
