"""Ops on images (`keras.ops.image`).

An image is (height, width, channels), or (channels, height, width) where `data_format` is "channels_first"; a
leading axis makes a batch of them. `data_format` is the global one where it is not given.
"""

from kerasish.ops.image.borders import crop_images, pad_images
from kerasish.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from kerasish.ops.image.filters import gaussian_blur, sobel_edges, ssim
from kerasish.ops.image.patches import extract_patches, extract_patches_3d
from kerasish.ops.image.resize import resize, scale_and_translate
from kerasish.ops.image.warp import affine_transform, elastic_transform, map_coordinates, perspective_transform
