"""Layers that prepare data: numbers, images, texts."""

from kerasish.layers.preprocessing.rescaling import Rescaling

__all__ = ["Rescaling"]
