"""What all pooling layers share."""

from typing import Any

from kerasish.core.symbolic import compute_output_spec
from kerasish.layers.base.arguments import int_tuple
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.spatial import join_shape, padding_name, split_shape, windows_along
from kerasish.utils import config


class SpatialPooling(Layer):
    """A layer without weights that sums up values along spatial axes; it defines `rank`, their number.

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank: int

    def __init__(self, data_format: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = type(self).build is Layer.build  # a subclass may make weights

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic output: the dtype is that of the inputs, or a float for means of integers."""
        return compute_output_spec(self.call, *args, **kwargs)


class BasePooling(SpatialPooling):
    """A layer that slides windows; it defines `rank`, and `call` with arguments from `_windows`.

    Args:
        pool_size: size of the window.
        strides: step between windows; None for the size of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = int_tuple(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else int_tuple(strides, self.rank, "strides")
        self.padding = padding_name(padding)

    def _windows(self, inputs: Any) -> dict[str, Any]:
        self.compute_output_shape(inputs.shape)  # raises where no window fits
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding,
                "data_format": self.data_format}

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the output; unknown lengths stay unknown."""
        spatial, channels = split_shape(input_shape, self.data_format)
        try:
            out = windows_along(spatial, self.pool_size, self.strides, self.padding, (1,) * self.rank)
        except ValueError as error:
            raise ValueError(f"layer {self.path!r} cannot take inputs of shape {tuple(input_shape)}: {error}") from None
        return join_shape(input_shape[0], out, channels, self.data_format)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "pool_size": self.pool_size, "padding": self.padding, "strides": self.strides,
                "data_format": self.data_format}


class BaseGlobalPooling(SpatialPooling):
    """A layer that reduces whole spatial axes; it defines `rank`, and `call` with arguments from `_axes`.

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the axes stay, with length 1.
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims
        first = 2 if self.data_format == "channels_first" else 1
        self._axes: dict[str, Any] = {"axis": tuple(range(first, first + self.rank)), "keepdims": keepdims}

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (batch, channels), with ones for the axes that are kept."""
        ones = (1,) * self.rank if self.keepdims else ()
        return join_shape(input_shape[0], ones, split_shape(input_shape, self.data_format)[1], self.data_format)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}
