"""Data sets to learn with (`keras.datasets`): `digits` ships with the package, the others are downloaded once."""

from kerasish.utils.lazy import deferred

with deferred(globals()):
    from kerasish.datasets import (
        boston_housing,
        california_housing,
        cifar10,
        cifar100,
        digits,
        fashion_mnist,
        imdb,
        mnist,
        reuters,
    )
