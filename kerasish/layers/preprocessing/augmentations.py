"""The layers that RandAugment and AugMix choose from."""

from typing import Any

from kerasish.layers.preprocessing.auto_contrast import AutoContrast
from kerasish.layers.preprocessing.base_image import ImageLayer
from kerasish.layers.preprocessing.equalization import Equalization
from kerasish.layers.preprocessing.random_brightness import RandomBrightness
from kerasish.layers.preprocessing.random_color_degeneration import RandomColorDegeneration
from kerasish.layers.preprocessing.random_contrast import RandomContrast
from kerasish.layers.preprocessing.random_posterization import RandomPosterization
from kerasish.layers.preprocessing.random_rotation import RandomRotation
from kerasish.layers.preprocessing.random_sharpness import RandomSharpness
from kerasish.layers.preprocessing.random_shear import RandomShear
from kerasish.layers.preprocessing.random_translation import RandomTranslation
from kerasish.layers.preprocessing.solarization import Solarization


def augmentations(factor: tuple[float, float], value_range: Any, interpolation: str,
                  **common: Any) -> dict[str, ImageLayer]:
    """Return layers by the names under which those that hold them keep them.

    Args:
        factor: least and largest strength, from 0 to 1.
        value_range: least and largest value of a pixel.
        interpolation: of layers that move images.
        common: further arguments of all of them, `seed` among them.
    """
    moving = {"interpolation": interpolation, **common}
    colour = {"value_range": value_range, **common}
    unseeded = {k: v for k, v in colour.items() if k != "seed"}
    return {
        "random_shear": RandomShear(x_factor=factor, y_factor=factor, **moving),
        "random_translation": RandomTranslation(height_factor=factor, width_factor=factor, **moving),
        "random_rotation": RandomRotation(factor, **moving),
        "random_brightness": RandomBrightness(factor, **colour),
        "random_color_degeneration": RandomColorDegeneration(factor, **colour),
        "random_contrast": RandomContrast(factor, **colour),
        "random_sharpness": RandomSharpness(factor, **colour),
        "random_posterization": RandomPosterization(max(1, int(8 * factor[1])), **colour),
        "solarization": Solarization(factor, factor, **colour),
        "auto_contrast": AutoContrast(**unseeded),
        "equalization": Equalization(**unseeded),
    }
