"""Where the axes of images are."""

from kerasish.core.tensor import OPS, Tensor
from kerasish.utils.config import standardize_data_format


class Layout:
    """Where the axes of images are: height `h`, width `w`, channels `c`."""

    def __init__(self, images: Tensor, data_format: str | None):
        self.format = standardize_data_format(data_format)
        rank = len(images.shape)
        if rank not in (3, 4):
            raise ValueError("Invalid images rank: expected rank 3 (an image) or 4 (a batch), got shape "
                             f"{images.shape}")
        self.h, self.w, self.c = (a + rank for a in ((-3, -2, -1) if self.format == "channels_last" else (-2, -1, -3)))
        self.batched = rank == 4

    def as_batch(self, images: Tensor) -> Tensor:
        """Return images of this layout as (batch, height, width, channels)."""
        x = images if self.batched else OPS["expand_dims"](images, 0)
        return x if self.format == "channels_last" else OPS["moveaxis"](x, 1, -1)

    def as_given(self, x: Tensor) -> Tensor:
        """Return (batch, height, width, channels) in this layout: the inverse of `as_batch`."""
        x = x if self.format == "channels_last" else OPS["moveaxis"](x, -1, 1)
        return x if self.batched else OPS["squeeze"](x, axis=0)
