"""Layers that prepare data: numbers, images, texts."""

from kerasish.layers.preprocessing.integer_lookup import IntegerLookup
from kerasish.layers.preprocessing.rescaling import Rescaling
from kerasish.layers.preprocessing.string_lookup import StringLookup
from kerasish.layers.preprocessing.text_vectorization import TextVectorization

__all__ = ["IntegerLookup", "Rescaling", "StringLookup", "TextVectorization"]
