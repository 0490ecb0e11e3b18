"""Image files as arrays (`keras.preprocessing.image`)."""

from kerasish.utils.image import array_to_img, img_to_array, load_img, save_img
