"""Settings of the whole process: each has a getter and a validating setter (`keras.config`).

The file `~/.keras/keras.json` is not read: a program's results should not depend on it.
"""

import os

from kerasish.utils.interactive import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

__all__ = [
    "disable_debug_nan",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_debug_nan",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_debug_nan_enabled",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_DATA_FORMATS = ("channels_first", "channels_last")


def _limit(name: str, value: int | str | None) -> int | None:
    if value is None:
        return None
    try:
        limit = int(value)
    except ValueError:
        limit = 0
    if limit < 1:
        raise ValueError(f"{name} must be a positive integer or None, got {value!r}")
    return limit


def _limit_from_environment(variable: str) -> int | None:
    return _limit(f"the environment variable {variable}", os.environ.get(variable) or None)


class _Settings:
    def __init__(self) -> None:
        self.floatx = "float32"
        self.epsilon = 1e-7
        self.image_data_format = "channels_last"
        self.max_epochs = _limit_from_environment("KERAS_MAX_EPOCHS")
        self.max_steps_per_epoch = _limit_from_environment("KERAS_MAX_STEPS_PER_EPOCH")
        self.traceback_filtering = True
        self.flash_attention: bool | None = None
        self.debug_nan = False


_settings = _Settings()


def reset() -> None:
    """Set every setting of this module back to its default, or to its environment variable."""
    vars(_settings).update(vars(_Settings()))


def floatx() -> str:
    """Return the default float dtype, such as "float32" (`keras.config.floatx`)."""
    return _settings.floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype: "bfloat16", "float16", "float32" or "float64"."""
    if value not in _FLOATS:
        raise ValueError(f"floatx must be one of {', '.join(map(repr, _FLOATS))}, got {value!r}")
    _settings.floatx = str(value)


def epsilon() -> float:
    """Return the small number that guards divisions and logarithms (`keras.config.epsilon`)."""
    return _settings.epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that guards divisions and logarithms; it must be positive."""
    if not value > 0:
        raise ValueError(f"epsilon must be a positive number, got {value!r}")
    _settings.epsilon = float(value)


def image_data_format() -> str:
    """Return where images have their channels: "channels_last" or "channels_first"."""
    return _settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set where images have their channels: "channels_last" or "channels_first"."""
    _settings.image_data_format = _checked_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return a checked data format, the global one where None is given."""
    return _settings.image_data_format if data_format is None else _checked_data_format(data_format)


def _checked_data_format(data_format: str) -> str:
    lowered = str(data_format).lower()
    if lowered not in _DATA_FORMATS:
        expected = " or ".join(map(repr, _DATA_FORMATS))
        raise ValueError(f"data_format must be {expected}, got {data_format!r}")
    return lowered


def max_epochs() -> int | None:
    """Return the cap on the epochs of any `fit`, or None (also from `KERAS_MAX_EPOCHS`)."""
    return _settings.max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Cap the epochs of any `fit`, for trying a script quickly; None lifts the cap."""
    _settings.max_epochs = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """Return the cap on the steps of any epoch, or None (also from `KERAS_MAX_STEPS_PER_EPOCH`)."""
    return _settings.max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Cap the steps of any epoch of `fit`, `evaluate` or `predict`; None lifts the cap."""
    _settings.max_steps_per_epoch = _limit("max_steps_per_epoch", max_steps_per_epoch)


def enable_traceback_filtering() -> None:
    """Leave the library's own frames out of the tracebacks that users see."""
    _settings.traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Show the library's own frames in tracebacks."""
    _settings.traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """Tell whether the library's own frames are left out of tracebacks."""
    return _settings.traceback_filtering


def enable_flash_attention() -> None:
    """Let attention layers use a fused kernel wherever one serves (the default)."""
    _settings.flash_attention = None


def disable_flash_attention() -> None:
    """Keep attention layers from using a fused kernel."""
    _settings.flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """Return False where fused attention is switched off, else None: used wherever it serves."""
    return _settings.flash_attention


def enable_debug_nan() -> None:
    """Let every `fit` and `evaluate` run op by op and stop at a NaN, naming the op and the layer that made it."""
    _settings.debug_nan = True


def disable_debug_nan() -> None:
    """Let NaNs pass, and steps be compiled again (the default)."""
    _settings.debug_nan = False


def is_debug_nan_enabled() -> bool:
    """Tell whether `fit` and `evaluate` stop at a NaN."""
    return _settings.debug_nan
