"""Zero padding: zeros added at both ends of spatial axes."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import int_pairs, int_tuple
from kerasish.layers.reshaping.base_reshaping import SpatialReshaping
from kerasish.utils.registry import builtin


class ZeroPadding(SpatialReshaping):
    """Zero padding of any rank; `pairs` says how many zeros come before and after each spatial axis."""

    padding: tuple
    pairs: tuple[tuple[int, ...], ...]

    def new_length(self, length: int, i: int) -> int:
        """Return the length with the zeros."""
        return length + sum(self.pairs[i])

    def call(self, inputs: Any) -> Any:
        """Return the inputs with zeros around them."""
        widths: list[tuple[int, ...]] = [(0, 0)] * len(inputs.shape)
        widths[self._spatial] = self.pairs
        return ops.pad(inputs, tuple(widths))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@builtin("keras.layers")
class ZeroPadding1D(ZeroPadding):
    """Add zero steps to sequences (Keras: `layers.ZeroPadding1D`).

    Args:
        padding: how many steps at each end, or a pair (at the start, at the end).
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(1, data_format, **kwargs)
        self.padding = int_tuple(padding, 2, "padding", least=0)
        self.pairs = (self.padding,)


@builtin("keras.layers")
class ZeroPadding2D(ZeroPadding):
    """Add margins of zeros to images (Keras: `layers.ZeroPadding2D`).

    Args:
        padding: one integer, one an axis (the same at both ends), or one pair an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(2, data_format, **kwargs)
        self.padding = self.pairs = int_pairs(padding, 2, "padding")


@builtin("keras.layers")
class ZeroPadding3D(ZeroPadding):
    """Add margins of zeros to volumes (Keras: `layers.ZeroPadding3D`).

    Args:
        padding: one integer, one an axis (the same at both ends), or one pair an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(3, data_format, **kwargs)
        self.padding = self.pairs = int_pairs(padding, 3, "padding")
