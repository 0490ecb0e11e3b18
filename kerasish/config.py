"""Settings (`keras.config`)."""

from kerasish.backend import device
from kerasish.core.dtype_policy import dtype_policy, set_dtype_policy
from kerasish.utils.config import (
    disable_debug_nan,
    disable_traceback_filtering,
    enable_debug_nan,
    enable_traceback_filtering,
    epsilon,
    floatx,
    image_data_format,
    is_debug_nan_enabled,
    is_traceback_filtering_enabled,
    max_epochs,
    max_steps_per_epoch,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_max_epochs,
    set_max_steps_per_epoch,
)
from kerasish.utils.interactive import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)


def backend() -> str:
    """Return the name of the device that arrays live on: "numpy" or "cupy"."""
    return device.current().name


def set_backend(backend: str) -> None:
    """Choose the device that arrays live on, before models are made.

    Args:
        backend: "numpy" or "cupy".

    Raises:
        ValueError: the name is unknown.
        ImportError: CuPy or a GPU is missing; says what to install.
    """
    device.use(backend)


def enable_unsafe_deserialization() -> None:
    """Do nothing: kerasish never runs code from a file, whatever is asked. Kept so that Keras programs run."""


def is_flash_attention_enabled() -> bool:
    """Return False: attention is computed in the one way there is."""
    return False


def is_nnx_enabled() -> bool:
    """Return False: NNX is a switch of Keras's JAX backend."""
    return False
