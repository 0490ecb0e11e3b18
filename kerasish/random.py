"""Random numbers (`keras.random`)."""

from kerasish.core.random_state import SeedGenerator
from kerasish.ops.random import *
