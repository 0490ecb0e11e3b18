"""Images blurred at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import int_tuple
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomGaussianBlur(RandomImageLayer):
    """Blur images with a Gaussian kernel, each with a probability, while training (`layers.RandomGaussianBlur`).

    Args:
        factor: two numbers from 0 to 1 between which the probability is drawn; a number b stands for (0, b).
        kernel_size: odd integer, or two: width and height of the kernel in pixels.
        sigma: two numbers from 0 to 1 between which the standard deviations (in pixels, one for each direction, the
            same for the whole batch) are drawn; a number b stands for (0, b).
        value_range: least and largest value of a pixel; results are cut off there.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, kernel_size: Any = 3, sigma: Any = 1.0, value_range: Any = (0, 255),
                 data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.sigma = factor_range(factor, "factor", low=0.0), factor_range(sigma, "sigma", low=0.0)
        self.kernel_size = int_tuple(kernel_size, 2, "kernel_size")
        if any(n % 2 == 0 for n in self.kernel_size):
            raise ValueError(f"argument `kernel_size` of RandomGaussianBlur must be odd, got {kernel_size!r}")
        checked_range(value_range)
        self.value_range = value_range

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor]:
        chosen = self._chosen(images, self.factor, seed)
        return chosen, self._uniform((2,), self.sigma, seed) + 1e-6

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chosen, sigma = drawn
        blurred = ops.image.gaussian_blur(images, kernel_size=self.kernel_size, sigma=sigma,
                                          data_format=self.data_format)
        return ops.clip(ops.where(chosen, blurred, images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "kernel_size": self.kernel_size, "sigma": self.sigma,
                "value_range": self.value_range}
