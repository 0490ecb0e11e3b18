"""What belongs to which output of a model: losses, metrics, weights and targets, given in many ways."""

from typing import Any

from kerasish.utils import naming, tree


class MisfitError(KeyError, ValueError):
    """A structure does not fit that of the outputs: a wrong key, and a wrong value."""

    __str__ = ValueError.__str__  # that of KeyError quotes the message


class Outputs:
    """The outputs of a model in flat order, and how other structures map to them.

    Args:
        y_pred: the outputs, in their structure.
        names: the model's own names of its flat outputs, None where it has none.
    """

    def __init__(self, y_pred: Any, names: list[str] | None):
        self.paths = [tuple(path) for path, _ in tree.flatten_with_path(y_pred)]
        self.count = len(self.paths)
        self.positions = tree.pack_sequence_as(y_pred, list(range(self.count)))
        keyed = isinstance(y_pred, dict) and len(y_pred) == self.count
        self.keys = [path[0] for path in self.paths] if keyed else None
        names = names if names is not None and len(names) == self.count else None
        # The keys of a dict say which output is which; the model's names could be in another order.
        self.names: list[str | None] = list(self.keys or names or [None] * self.count)

    @property
    def structure(self) -> Any:
        """The structure of the outputs, for messages."""
        return tree.map_structure(lambda i: self.names[i] or "output", self.positions)

    def label(self, i: int) -> str:
        """What to call an output in a message."""
        return self.names[i] or "/".join(str(p) for p in self.paths[i]) or "0"

    def _index(self) -> dict[str, int]:
        out = {n: i for i, n in enumerate(self.names) if n is not None}
        out.update({k: i for i, k in enumerate(self.keys or ())})
        return out

    def spread(self, value: Any, what: str) -> list[Any]:
        """Return one entry an output of an argument of `compile`.

        Args:
            value: one entry for all outputs; a list of one an output; a dict by output name; or the structure of
                the outputs with an entry in each place. Outputs left out of a dict get None.
            what: name of the argument, for messages.

        Raises:
            ValueError: names or lengths do not fit the outputs.
        """
        if isinstance(value, dict) and value.keys() <= self._index().keys():
            return self.by_name(value)
        if isinstance(value, list | tuple) and len(value) == self.count and self._is_flat():
            return list(value)
        if isinstance(value, list | tuple) and len(value) == self.count and not any(map(tree.is_nested, value)):
            return list(value)
        return self._walk(value, what)

    def _is_flat(self) -> bool:
        return all(len(path) == 1 for path in self.paths)

    @property
    def flat_positions(self) -> Any:
        """The numbers of the outputs, without their structure."""
        return list(range(self.count)) if tree.is_nested(self.positions) else 0

    def are_names(self, value: Any) -> bool:
        """Tell whether a value is a dict by names of outputs, which do not have the structure of such a dict."""
        return isinstance(value, dict) and not isinstance(self.positions, dict) and value.keys() <= self._index().keys()

    def by_name(self, value: dict[str, Any]) -> list[Any]:
        """Return the entries of a dict by output name in the order of the outputs, None where there is none."""
        index = self._index()
        out: list[Any] = [None] * self.count
        for k, v in value.items():
            out[index[k]] = v
        return out

    def _walk(self, value: Any, what: str) -> list[Any]:
        """Take from a value, place by place of the structure of the outputs, what stands there."""
        out: list[Any] = [None] * self.count

        def visit(place: Any, value: Any) -> None:
            if not tree.is_nested(place):
                out[place] = value
            elif not isinstance(value, list | tuple | dict):
                for i in tree.flatten(place):
                    out[i] = value
            elif isinstance(place, dict) and isinstance(value, dict) and value.keys() <= place.keys():
                for k, v in value.items():
                    visit(place[k], v)
            elif isinstance(place, list | tuple) and isinstance(value, list | tuple) and len(place) == len(value):
                for p, v in zip(place, value, strict=True):
                    visit(p, v)
            else:
                raise self.misfit(value, what)

        visit(self.positions, value)
        return out

    def misfit(self, value: Any, what: str) -> "MisfitError":
        """Return the error: a value does not fit the outputs."""
        has = f"the keys {list(value)}" if isinstance(value, dict) else (
            f"{len(value)} entries" if isinstance(value, list | tuple) else f"the value {value!r}")
        expected = f"Expected keys {list(self._index())}. " if self._index() else ""
        hint = {"loss_weights": "They must match the number of losses. ",
                "y": "y_true and y_pred have different structures. "}.get(what, "")
        return MisfitError(f"Invalid `{what}`: {has} do not fit the model's {self.count} outputs. {expected}{hint}The "
                           f"structure of the outputs is {self.structure}")

    def flatten(self, y: Any, what: str) -> list[Any]:
        """Return targets or sample weights in the order of the outputs, None for those that are missing.

        Raises:
            ValueError: the structure does not fit the outputs.
        """
        if y is None:
            return [None] * self.count
        if isinstance(y, dict):
            if y.keys() <= self._index().keys():
                return self.by_name(y)
            if self.count == 1 and len(y) == 1:
                return tree.flatten(y)
            return self._walk(y, what)
        flat = tree.flatten(y)
        if len(flat) == self.count:
            return flat
        if len(flat) == 1 and what == "sample_weight":
            return flat * self.count
        raise self.misfit(flat, what)


def is_binary_or_sparse(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """Tell from shapes whether "accuracy" or "crossentropy" means the binary or the sparse kind."""
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    binary = bool(p) and p[-1] == 1
    return binary, len(t) < len(p) or (bool(t) and t[-1] == 1 and p[-1] > 1)


def name_of_function(function: Any) -> str:
    """Return the name under which a loss or metric that was given as a function is shown: "lambda" for a lambda."""
    return naming.to_snake_case(getattr(function, "__name__", type(function).__name__))
