"""Images whose contrast is raised tile by tile."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import int_tuple
from kerasish.layers.preprocessing.base_image import ImageLayer, checked_range, scaled_range
from kerasish.utils.registry import builtin

LEVELS = 256


@builtin("keras.layers")
class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Equalize the histogram of each tile of each image and channel, with limited contrast (Zuiderveld, 1994).

    At training and after; between the middles of tiles, what they say is interpolated.
    Source: Keras `layers.ContrastLimitedAdaptiveHistogramEqualization`.

    Args:
        value_range: least and largest value of a pixel.
        clip_limit: how often, as a multiple of the average, a level may be counted; the rest is spread over all
            levels. 0 for no limit.
        tile_grid_size: how many tiles there are along height and width.
        data_format, kwargs: as in `ImageLayer`.
    """

    always = True

    def __init__(self, value_range: Any = (0, 255), clip_limit: float = 4.0, tile_grid_size: Any = (8, 8),
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        checked_range(value_range)
        self.value_range, self.clip_limit = value_range, clip_limit
        self.tile_grid_size = int_tuple(tile_grid_size, 2, "tile_grid_size")

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        axis = self._axes[2]
        x = ops.moveaxis(scaled_range(images, self.value_range, (0, 255)), axis, 1)
        batch, channels, height, width = x.shape
        sides = [-(-n // grid) for n, grid in zip((height, width), self.tile_grid_size)]
        filled = [side * grid for side, grid in zip(sides, self.tile_grid_size)]
        planes = ops.reshape(x, (batch * channels, height, width))
        planes = ops.pad(planes, ((0, 0), (0, filled[0] - height), (0, filled[1] - width)), mode="symmetric")
        levels = ops.cast(ops.clip(planes, 0.0, LEVELS - 1.0), "int32")
        out = self._interpolated(levels, self._tables(levels, sides), sides)[:, :height, :width]
        out = ops.moveaxis(ops.reshape(out, (batch, channels, height, width)), 1, axis)
        return scaled_range(ops.cast(out, images.dtype), (0, 255), self.value_range)

    def _tables(self, levels: Tensor, sides: list[int]) -> Tensor:
        """The new value of each level in each tile: (planes, rows, columns, levels)."""
        (rows, columns), count = self.tile_grid_size, levels.shape[0]
        tiles = ops.reshape(levels, (count, rows, sides[0], columns, sides[1]))
        tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4)), (count * rows * columns, sides[0] * sides[1]))
        place = tiles + (np.arange(tiles.shape[0], dtype="int32") * LEVELS)[:, None]
        counts = ops.segment_sum(ops.ones((place.size,), dtype="float32"), ops.reshape(place, (-1,)),
                                 num_segments=tiles.shape[0] * LEVELS)
        counts = ops.reshape(counts, (count, rows, columns, LEVELS))
        pixels = sides[0] * sides[1]
        if self.clip_limit > 0:
            limited = ops.minimum(counts, self.clip_limit * pixels / LEVELS)
            counts = limited + ops.sum(counts - limited, axis=-1, keepdims=True) / LEVELS
        reached = ops.cumsum(counts, axis=-1)
        least = ops.min(reached, axis=-1, keepdims=True)
        rest = pixels - least
        return ops.clip((reached - least) * 255.0 / ops.where(ops.equal(rest, 0.0), 1.0, rest), 0.0, 255.0)

    def _interpolated(self, levels: Tensor, tables: Tensor, sides: list[int]) -> Tensor:
        """Each pixel by the tables of the four tiles whose middles lie around it."""
        planes = levels.shape[0]
        flat = ops.reshape(tables, (-1,))
        (down, across) = (_neighbours(grid, side) for grid, side in zip(self.tile_grid_size, sides))
        first = (np.arange(planes, dtype="int32") * (self.tile_grid_size[0] * self.tile_grid_size[1]))[:, None, None]
        total: Any = 0.0
        for row, row_weight in down:
            for column, column_weight in across:
                tile = first + (row * self.tile_grid_size[1])[None, :, None] + column[None, None, :]
                weight = row_weight[None, :, None] * column_weight[None, None, :]
                total = total + ops.take(flat, tile * LEVELS + levels, axis=0) * weight
        return total

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value_range": self.value_range, "clip_limit": self.clip_limit,
                "tile_grid_size": self.tile_grid_size}


def _neighbours(grid: int, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each pixel along an axis, the tiles before and after it with their weights; at the border, the last twice."""
    place = (np.arange(grid * side) - side / 2) / side
    before = np.floor(place)
    upper = (place - before).astype("float32")
    return [(np.clip(tile, 0, grid - 1).astype("int32"), weight)
            for tile, weight in ((before, 1 - upper), (before + 1, upper))]
