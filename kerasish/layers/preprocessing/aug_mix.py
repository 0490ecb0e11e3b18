"""Images mixed with images that random chains of layers make of them."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.augmentations import augmentations
from kerasish.layers.preprocessing.base_image import ImageLayer, RandomImageLayer, factor_range
from kerasish.ops import random
from kerasish.utils.registry import builtin

COLOUR = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


@builtin("keras.layers")
class AugMix(RandomImageLayer):
    """`m x + (1 - m) sum_c w_c chain_c(x)`, each chain some layers in a row, while training (Hendrycks et al., 2019).

    Labels, masks and boxes stay as they are. Source: Keras `layers.AugMix`.

    Args:
        value_range: least and largest value of a pixel.
        num_chains: how many chains there are.
        chain_depth: how many layers a chain has at most.
        factor: their strength, from 0 to 1: two numbers between which it is drawn, or one for (0, b).
        alpha: w is drawn from the Dirichlet, m from the beta distribution with all parameters alpha.
        all_ops: whether layers that change colours are among those to choose from.
        interpolation: "bilinear" or "nearest".
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, value_range: Any = (0, 255), num_chains: int = 3, chain_depth: int = 3, factor: Any = 0.3,
                 alpha: float = 1.0, all_ops: bool = True, interpolation: str = "bilinear", seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_chains, self.chain_depth = value_range, num_chains, chain_depth
        self.factor, self.alpha = factor_range(factor, "factor", low=0.0), alpha
        self.all_ops, self.interpolation = all_ops, interpolation
        parts = augmentations(self.factor, value_range, interpolation, seed=seed, data_format=self.data_format,
                              dtype=self.dtype_policy)
        self._names = tuple(name for name in parts if all_ops or name not in COLOUR)
        for name in self._names:
            setattr(self, name, parts[name])

    def build(self, input_shape: Any) -> None:
        """Build the layers inside."""
        for layer in self._parts():
            layer.build(input_shape)

    def _parts(self) -> list[ImageLayer]:
        return [getattr(self, name) for name in self._names]

    def _draw(self, images: Tensor, seed: Any) -> Any:
        seed = self.generator if seed is None else seed
        shares = random.gamma((self.num_chains,), self.alpha, seed=seed)
        kept = random.beta((), self.alpha, self.alpha, seed=seed)
        # One choice more than there are layers: to do nothing.
        chosen = random.randint((self.num_chains, self.chain_depth), 0, len(self._names) + 1, seed=seed)
        links = [[[part.get_random_transformation(images, seed=seed) for part in self._parts()]
                  for _ in range(self.chain_depth)] for _ in range(self.num_chains)]
        return shares / ops.sum(shares), kept, chosen, links

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        shares, kept, chosen, links = drawn
        shares, kept = ops.cast(shares, images.dtype), ops.cast(kept, images.dtype)
        total: Any = 0.0
        for c in range(self.num_chains):
            x = images
            for d in range(self.chain_depth):
                x = ops.switch(chosen[c, d], self._branches(links[c][d]), x)
            total = total + shares[c] * x
        return ops.clip(kept * images + (1 - kept) * total, *self.value_range)

    def _branches(self, transformations: list[Any]) -> list[Any]:
        pairs = zip(self._parts(), transformations, strict=True)
        return [*(lambda y, part=part, t=t: part.transform_images(y, t) for part, t in pairs), lambda y: y]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
