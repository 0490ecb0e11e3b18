"""Dropout of whole feature maps."""

from typing import Any

from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.regularization.dropout import Dropout
from kerasish.utils import config
from kerasish.utils.registry import builtin


class SpatialDropout(Dropout):
    """Dropout that keeps or drops each channel of each sample as a whole (Tompson et al., 2014).

    Args:
        rank: number of spatial axes.
        data_format: "channels_last" or "channels_first".
        rate, seed, name, dtype: as in `Dropout`.
    """

    def __init__(self, rank: int, data_format: str | None, rate: float, seed: int | None, name: str | None,
                 dtype: Any):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def _noise_shape_for(self, inputs: Any) -> tuple:
        ones = (1,) * (len(inputs.shape) - 2)
        return (None, None, *ones) if self.data_format == "channels_first" else (None, *ones, None)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype,
                "data_format": self.data_format}


@builtin("keras.layers")
class SpatialDropout1D(SpatialDropout):
    """Drop whole channels of sequences (batch, steps, channels) while training; arguments as in `Dropout`."""

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None):
        super().__init__(1, "channels_last", rate, seed, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["data_format"]
        return config


@builtin("keras.layers")
class SpatialDropout2D(SpatialDropout):
    """Drop whole channels of images while training; arguments as in `Dropout`, and where the channels stand."""

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, name: str | None = None,
                 dtype: Any = None):
        super().__init__(2, data_format, rate, seed, name, dtype)


@builtin("keras.layers")
class SpatialDropout3D(SpatialDropout):
    """Drop whole channels of volumes while training; arguments as in `Dropout`, and where the channels stand."""

    def __init__(self, rate: float, data_format: str | None = None, seed: int | None = None, name: str | None = None,
                 dtype: Any = None):
        super().__init__(3, data_format, rate, seed, name, dtype)
