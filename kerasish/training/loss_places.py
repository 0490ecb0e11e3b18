"""Which loss belongs to which place in the structure of a model's outputs."""

from typing import Any, NamedTuple

from kerasish.training.outputs import Outputs
from kerasish.utils import tree


class LossPlace(NamedTuple):
    """A loss as `compile` got it, and where it belongs.

    Attributes:
        path: keys and indices that lead to the place in the outputs.
        place: number of the flat output there, or nested numbers of several that the loss gets as a whole.
        loss: identifier of the loss.
        weight: its factor, None for 1.
    """

    path: tuple
    place: Any
    loss: Any
    weight: Any


def place_losses(outputs: Outputs, loss: Any, weights: Any) -> list[LossPlace]:
    """Return the losses of a model one by one.

    Args:
        outputs: the outputs.
        loss: one for every output; or a list or dict of one an output, by name or nested as the outputs are. A
            list where the outputs have none means several losses of the same place.
        weights: factors, nested as `loss` or as the outputs; one number for all.

    Raises:
        ValueError: the structures do not fit the outputs.
    """
    place = outputs.positions
    if not _is_container(loss):
        factors = outputs.spread(weights, "loss_weights")
        for factor in factors:
            if _is_container(factor):
                raise outputs.misfit(weights, "loss_weights")
        found = [LossPlace(path, i, loss, factors[i]) for i, path in enumerate(outputs.paths)]
    else:
        if outputs.are_names(loss):
            loss, place = outputs.by_name(loss), outputs.flat_positions
        if outputs.are_names(weights):
            weights = outputs.by_name(weights)
        found = _Walk(outputs).visit(outputs.paths[0] if isinstance(place, int) else (), place, loss, weights)
    return [entry for entry in found if entry.loss is not None]


class _Walk:
    def __init__(self, outputs: Outputs):
        self.outputs = outputs

    def visit(self, path: tuple, place: Any, loss: Any, weight: Any) -> list[LossPlace]:
        if not _is_container(loss):
            return [LossPlace(path, place, loss, weight)]
        if isinstance(loss, list | tuple):
            flat = tree.flatten(place)
            if _is_container(place) and len(loss) == len(flat) and not any(map(_is_container, loss)):
                factors = weight if isinstance(weight, list | tuple) else [weight] * len(loss)
                self._require(len(factors) == len(loss), weight, "loss_weights")
                return [LossPlace(self.outputs.paths[i], i, x, f) for i, x, f in zip(flat, loss, factors, strict=True)]
            if not isinstance(place, type(loss)):  # several losses of one place
                return [e for k, x in enumerate(loss) for e in self.visit(path, place, x, self._child(weight, k))]
            self._require(len(loss) == len(place), loss, "loss")
            children = list(enumerate(loss))
        else:
            self._require(isinstance(place, dict) and loss.keys() <= place.keys(), loss, "loss")
            children = list(loss.items())
        return [e for k, x in children for e in self.visit((*path, k), place[k], x, self._child(weight, k))]

    def _child(self, weight: Any, key: Any) -> Any:
        if isinstance(weight, dict):
            return weight.get(key)
        if isinstance(weight, list | tuple):
            self._require(isinstance(key, int) and key < len(weight), weight, "loss_weights")
            return weight[key]
        return weight

    def _require(self, fits: bool, value: Any, what: str) -> None:
        if not fits:
            raise self.outputs.misfit(value, what)


def _is_container(x: Any) -> bool:
    return isinstance(x, list | tuple | dict)


def loss_names(outputs: Outputs, places: list[LossPlace], losses: list[Any]) -> list[str]:
    """Return `<name>_loss` for each loss: where its output stands, and the output's name or else the loss's own."""
    out: list[str] = []
    for entry, loss in zip(places, losses, strict=True):
        path = list(entry.path)
        if isinstance(entry.place, int) and (not path or isinstance(path[-1], int)):
            # Of several losses of a single output, each goes by its own name.
            path[-1:] = [(path and outputs.names[entry.place]) or loss.name]
        name = "/".join(map(str, path)) or "_".join(n or "output" for n in outputs.names)
        same = sum(n == f"{name}_loss" or n.startswith(f"{name}_loss_") for n in out)
        out.append(f"{name}_loss_{same}" if same else f"{name}_loss")
    return out
