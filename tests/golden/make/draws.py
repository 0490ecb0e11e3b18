"""Random inputs; without Keras, so that tests may use them too."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draw:
    """An array yet to be drawn from a row's own generator, so that rows do not depend on their order."""

    kind: str
    shape: tuple[int, ...]
    low: float = 0
    high: float = 1

    def sample(self, rng: np.random.RandomState) -> np.ndarray:
        if self.kind == "normal":
            return coarse(rng.standard_normal(self.shape) * self.high + self.low)
        if self.kind == "uniform":
            return coarse(rng.uniform(self.low, self.high, self.shape))
        if self.kind == "ints":
            return rng.randint(self.low, self.high, self.shape).astype("int32")
        if self.kind == "bools":
            return rng.uniform(size=self.shape) < self.high
        if self.kind == "prefix":  # a mask: each row true up to a random length of at least one
            lengths = rng.randint(1, self.shape[-1] + 1, self.shape[:-1])
            return np.arange(self.shape[-1]) < lengths[..., None]
        if self.kind == "probs":  # rows that sum to one
            raw = rng.uniform(0.1, 1.0, self.shape)
            return (raw / raw.sum(-1, keepdims=True)).astype("float32")
        if self.kind == "onehot":
            return np.eye(self.shape[-1], dtype="float32")[rng.randint(0, self.shape[-1], self.shape[:-1])]
        raise ValueError(f"unknown kind of draw {self.kind!r}")


def coarse(x: np.ndarray) -> np.ndarray:
    """float32 with at most 12 bits after the point: it compresses, and has hardly any ties."""
    return (np.round(x * 4096) / 4096).astype("float32")


def normal(*shape: int, mean: float = 0, std: float = 1) -> Draw:
    return Draw("normal", shape, mean, std)


def uniform(*shape: int, low: float = 0, high: float = 1) -> Draw:
    return Draw("uniform", shape, low, high)


def ints(*shape: int, low: int = 0, high: int = 5) -> Draw:
    return Draw("ints", shape, low, high)


def bools(*shape: int, rate: float = 0.5) -> Draw:
    return Draw("bools", shape, 0, rate)


def prefix(*shape: int) -> Draw:
    return Draw("prefix", shape)


def probs(*shape: int) -> Draw:
    return Draw("probs", shape)


def onehot(*shape: int) -> Draw:
    return Draw("onehot", shape)


def generator(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def draw(tree: Any, rng: np.random.RandomState) -> Any:
    """The tree with each Draw replaced by an array."""
    if isinstance(tree, Draw):
        return tree.sample(rng)
    if isinstance(tree, dict):
        return {key: draw(value, rng) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(draw(value, rng) for value in tree)
    return tree
