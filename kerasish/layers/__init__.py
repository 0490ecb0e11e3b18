"""Layers (`keras.layers`)."""

from kerasish.layers.activations import *
from kerasish.layers.attention import *
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.convolutional import *
from kerasish.layers.core import *
from kerasish.layers.merging import *
from kerasish.layers.normalization import *
from kerasish.layers.pooling import *
from kerasish.layers.preprocessing import *
from kerasish.layers.recurrent import *
from kerasish.layers.regularization import *
from kerasish.layers.reshaping import *
from kerasish.layers.serialization import deserialize, serialize
