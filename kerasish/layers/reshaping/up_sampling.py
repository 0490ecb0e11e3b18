"""Upsampling: spatial axes made longer by whole factors."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import int_tuple, positive_int
from kerasish.layers.reshaping.base_reshaping import SpatialReshaping
from kerasish.utils.registry import builtin

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling(SpatialReshaping):
    """Upsampling of any rank; `factors` says how many cells each cell becomes along each spatial axis."""

    size: int | tuple[int, ...]
    factors: tuple[int, ...]

    def new_length(self, length: int, i: int) -> int:
        """Return the length times the factor."""
        return length * self.factors[i]

    def call(self, inputs: Any) -> Any:
        """Return the inputs with their cells repeated."""
        for i, factor in enumerate(self.factors, self._spatial.start):
            inputs = ops.repeat(inputs, factor, axis=i)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


@builtin("keras.layers")
class UpSampling1D(UpSampling):
    """Repeat each step of sequences (batch, steps, channels) (Keras: `layers.UpSampling1D`).

    Args:
        size: how often.
    """

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(1, "channels_last", **kwargs)
        self.size = positive_int(size, "size")
        self.factors = (self.size,)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["data_format"]
        return config


@builtin("keras.layers")
class UpSampling2D(UpSampling):
    """Make images larger by whole factors (Keras: `layers.UpSampling2D`).

    Args:
        size: a factor, or one for rows and one for columns.
        data_format: "channels_last" or "channels_first"; by default the global one.
        interpolation: "nearest" (each cell is repeated), "bilinear", "bicubic", "lanczos3" or "lanczos5".
    """

    def __init__(self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest",
                 **kwargs: Any):
        super().__init__(2, data_format, **kwargs)
        self.size = self.factors = int_tuple(size, 2, "size")
        self.interpolation = interpolation.lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"argument `interpolation` must be one of {INTERPOLATIONS}, got {interpolation!r}")

    def call(self, inputs: Any) -> Any:
        """Return the larger images."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        size = self.compute_output_shape(inputs.shape)[self._spatial]
        return ops.image.resize(inputs, size, interpolation=self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "interpolation": self.interpolation}


@builtin("keras.layers")
class UpSampling3D(UpSampling):
    """Repeat each cell of volumes (Keras: `layers.UpSampling3D`).

    Args:
        size: a factor, or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(3, data_format, **kwargs)
        self.size = self.factors = int_tuple(size, 3, "size")
