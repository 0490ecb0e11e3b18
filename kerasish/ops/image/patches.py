"""Images cut into patches."""

from typing import Any

import numpy as np

from kerasish.backend.common.windows import out_sizes
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.spatial import explicit_padding, per_axis
from kerasish.utils.config import standardize_data_format


@public(name="image_extract_patches")
def extract_patches(images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                    data_format: str | None = None) -> Tensor:
    """Return the patches that a window meets, each flattened to (height, width, channels) in the channels axis.

    Args:
        images: one image or a batch; or volumes, for a `size` of three.
        size: of the window: one int, or one an axis.
        strides: of the window; `size` by default.
        dilation_rate: distance between the pixels of a patch.
        padding: "valid" or "same" (zeros).
        data_format: where the channels are.
    """
    if not isinstance(size, int | tuple | list):
        raise TypeError(f"Expected an int or a tuple as argument `size`, got {size!r}")
    if not isinstance(size, int) and len(size) not in (2, 3):
        raise ValueError(f"argument `size` takes two or three lengths, got {size!r}")
    rank = 3 if not isinstance(size, int) and len(size) == 3 else 2
    return _patches(to_tensor(images), rank, size, strides, dilation_rate, padding, data_format)


@public(name="image_extract_patches_3d")
def extract_patches_3d(volumes: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid",
                       data_format: str | None = None) -> Tensor:
    """Return the patches of volumes (depth, height, width, channels); see `extract_patches`."""
    if not isinstance(size, int) and (not isinstance(size, tuple | list) or len(size) != 3):
        raise TypeError(f"argument `size` takes an integer or three lengths, got {size!r}")
    return _patches(to_tensor(volumes), 3, size, strides, dilation_rate, padding, data_format)


def _patches(x: Tensor, rank: int, size: Any, strides: Any, dilation: Any, padding: str, data_format: Any) -> Tensor:
    size, dilation = per_axis(size, rank, "size"), per_axis(dilation, rank, "dilation_rate")
    strides = size if strides is None else per_axis(strides, rank, "strides")
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(f"patches of size {size} come from tensors of {rank + 1} or {rank + 2} axes, got {x.shape}")
    if padding not in ("valid", "same"):
        raise ValueError(f"argument `padding` must be 'valid' or 'same', got {padding!r}")
    last = standardize_data_format(data_format) == "channels_last"
    batched = x.ndim == rank + 2
    x = x if batched else OPS["expand_dims"](x, 0)
    x = x if last else OPS["moveaxis"](x, 1, -1)
    pairs = explicit_padding(padding, x.shape[1:-1], size, strides, dilation)
    cells = out_sizes(x.shape[1:-1], size, strides, pairs, dilation)
    if min(cells) < 1:
        raise ValueError(f"windows of {size}, dilated by {dilation}, do not fit images of {x.shape[1:-1]}")
    if padding == "same":
        x = OPS["pad"](x, [(0, 0), *pairs, (0, 0)])
    if strides == size and set(dilation) == {1}:
        out = _tiles(x, cells, size)
    else:
        out = OPS["concatenate"]([
            x[(slice(None), *(slice(o * d, o * d + (n - 1) * s + 1, s)
                              for o, d, n, s in zip(offset, dilation, cells, strides)))]
            for offset in np.ndindex(*size)
        ], axis=-1)  # fmt: skip
    out = out if last else OPS["moveaxis"](out, -1, 1)
    return out if batched else OPS["squeeze"](out, axis=0)


def _tiles(x: Tensor, cells: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """Patches that do not overlap: a reshape."""
    rank, channels = len(size), x.shape[-1]
    x = x[(slice(None), *(slice(0, n * k) for n, k in zip(cells, size)))]
    x = OPS["reshape"](x, (x.shape[0], *(m for pair in zip(cells, size) for m in pair), channels))
    order = (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)
    return OPS["reshape"](OPS["transpose"](x, order), (x.shape[0], *cells, int(np.prod(size)) * channels))
