"""Where the axes of images are."""

from kerasish.core.tensor import Tensor
from kerasish.utils.config import standardize_data_format


class Layout:
    """Where the axes of images are: height `h`, width `w`, channels `c`."""

    def __init__(self, images: Tensor, data_format: str | None):
        self.format = standardize_data_format(data_format)
        rank = len(images.shape)
        if rank not in (3, 4):
            raise ValueError(f"argument `images` must have 3 axes (one image) or 4 (a batch), got shape {images.shape}")
        self.h, self.w, self.c = (a + rank for a in ((-3, -2, -1) if self.format == "channels_last" else (-2, -1, -3)))
        self.batched = rank == 4
