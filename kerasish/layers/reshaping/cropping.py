"""Cropping: cells cut off at both ends of spatial axes."""

from typing import Any

from kerasish.layers.base.arguments import int_pairs, int_tuple
from kerasish.layers.reshaping.base_reshaping import SpatialReshaping
from kerasish.utils.registry import builtin


class Cropping(SpatialReshaping):
    """Cropping of any rank; `pairs` says how many cells go before and after each spatial axis."""

    pairs: tuple[tuple[int, ...], ...]

    def new_length(self, length: int, i: int) -> int:
        """Return the length that is left.

        Raises:
            ValueError: nothing is left.
        """
        left = length - sum(self.pairs[i])
        if left <= 0:
            raise ValueError(f"argument `cropping` of layer {self.path!r} must leave something: it takes "
                             f"{self.pairs[i]} from spatial axis {i} of length {length}")
        return left

    def call(self, inputs: Any) -> Any:
        """Return the inputs without their margins."""
        self.compute_output_shape(inputs.shape)  # raises where nothing would be left
        key = [slice(None)] * len(inputs.shape)
        key[self._spatial] = [slice(before, -after or None) for before, after in self.pairs]
        return inputs[tuple(key)]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "cropping": self.pairs, "data_format": self.data_format}


@builtin("keras.layers")
class Cropping1D(Cropping):
    """Cut steps off sequences (batch, steps, channels) (Keras: `layers.Cropping1D`).

    Args:
        cropping: how many steps go at each end, or a pair (at the start, at the end).
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(1, "channels_last", **kwargs)
        self.cropping = int_tuple(cropping, 2, "cropping", least=0)
        self.pairs = (self.cropping,)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = {**super().get_config(), "cropping": self.cropping}
        del config["data_format"]
        return config


@builtin("keras.layers")
class Cropping2D(Cropping):
    """Cut margins off images (Keras: `layers.Cropping2D`).

    Args:
        cropping: one integer, one an axis (the same at both ends), or one pair an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(2, data_format, **kwargs)
        self.cropping = self.pairs = int_pairs(cropping, 2, "cropping")


@builtin("keras.layers")
class Cropping3D(Cropping):
    """Cut margins off volumes (Keras: `layers.Cropping3D`).

    Args:
        cropping: one integer, one an axis (the same at both ends), or one pair an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(3, data_format, **kwargs)
        self.cropping = self.pairs = int_pairs(cropping, 3, "cropping")
