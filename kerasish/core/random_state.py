"""Where seeds come from: generators with a state, and the global one.

A draw is a pure function of a seed of two uint32, which is a tensor like any other; so a traced program takes
its seeds from variables, and the same seed gives the same bits wherever it runs.
"""

import random
import threading
from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.name_scope import name_scope
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable
from kerasish.utils import naming
from kerasish.utils.registry import builtin

SEED_DTYPE = "uint32"
# Threads that load data may draw from one generator; a lock for all, because generators are copied and pickled.
_advancing = threading.RLock()


@builtin("keras.random")
class SeedGenerator:
    """Give another seed at every call (Keras: `random.SeedGenerator`).

    Args:
        seed: an integer; None takes one from Python's `random`.
        name: unique if left out.

    Attributes:
        state: variable of two uint32, the seed and a counter.

    Raises:
        ValueError: the seed is no integer.
    """

    tracked_as = "seed_generator"  # layers that hold one list its state among their variables

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        kwargs.pop("backend", None)  # Keras's way to name another backend: there is one here
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of SeedGenerator")
        self.name = name or naming.auto_name(type(self).__name__)
        self._initial_seed = seed
        first = make_default_seed() if seed is None else seed
        if not isinstance(first, int | np.integer) or isinstance(first, bool):
            raise ValueError(f"Argument `seed` must be an integer or None, got {seed!r}")
        with name_scope(self.name, caller=self):
            self.state = Variable(seed_array(int(first)), dtype=SEED_DTYPE, trainable=False,
                                  name="seed_generator_state")

    def next(self, ordered: bool = True) -> Tensor:
        """Return a seed, and advance the state.

        Args:
            ordered: whether the next seed is this one's counter plus one; else it is scattered.
        """
        with _advancing:
            seed = self.state.value
            if ordered:
                self.state.assign(OPS["add"](seed, np.array([0, 1], SEED_DTYPE)))
            else:
                scattered = OPS["multiply"](OPS["add"](seed, np.uint32(1)), np.uint32(5387))
                self.state.assign(OPS["mod"](scattered, np.uint32(933199)))
            return seed

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SeedGenerator":
        """Make a generator from what `get_config` gave."""
        return cls(**config)


def seed_array(seed: int) -> np.ndarray:
    """Return the seed of an integer: its low 32 bits, and a counter of zero."""
    return np.array([seed & 0xFFFFFFFF, 0], SEED_DTYPE)


def make_default_seed() -> int:
    """Return a seed from Python's `random`, between 1 and 10^9."""
    return random.randint(1, 10**9)


_global: list[SeedGenerator] = []


def global_seed_generator() -> SeedGenerator:
    """Return the generator that serves draws without a seed, made on first use."""
    if not _global:
        _global.append(SeedGenerator(name="global_seed_generator"))
    return _global[0]


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator and the global seed generator (Keras: `utils.set_random_seed`).

    Raises:
        ValueError: the seed is no integer.
    """
    if not isinstance(seed, int):
        raise ValueError(f"argument `seed` must be an integer, got {seed!r}")
    random.seed(seed)
    np.random.seed(seed)
    _global[:] = [SeedGenerator(seed, name="global_seed_generator")]


def reset_global_seed_generator() -> None:
    """Set the global generator back to the seed that it was given, or forget one that was given none."""
    given = _global[0].get_config()["seed"] if _global else None
    _global.clear()
    if given is not None:
        _global.append(SeedGenerator(given, name="global_seed_generator"))


def draw_seed(seed: Any) -> Tensor:
    """Return the seed of a draw as a tensor of two uint32.

    Args:
        seed: a `SeedGenerator`, which advances; an integer, always the same seed; None, for the global
            generator; or a tensor of two integers, the seed itself.

    Raises:
        ValueError: anything else.
    """
    if seed is None:
        return global_seed_generator().next(ordered=False)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return to_tensor(seed_array(int(seed)))
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if getattr(seed, "shape", None) == (2,):
        return to_tensor(seed, SEED_DTYPE)
    raise ValueError(f"Argument `seed` must be an integer, a SeedGenerator or None, got {seed!r}")
