"""What belongs to which output of a model: losses, metrics, weights and targets, given in many ways."""

from typing import Any

from kerasish.utils import tree


class Outputs:
    """The outputs of a model in flat order, and how other structures map to them.

    Args:
        y_pred: the outputs, in their structure.
        names: the model's own names of its flat outputs, None where it has none.
    """

    def __init__(self, y_pred: Any, names: list[str] | None):
        self.paths = [path for path, _ in tree.flatten_with_path(y_pred)]
        self.count = len(self.paths)
        self.nested = tree.is_nested(y_pred)
        self.structure = tree.map_structure(lambda _: "output", y_pred)
        keyed = isinstance(y_pred, dict) and len(y_pred) == self.count
        self.keys = [path[0] for path in self.paths] if keyed else None
        names = names if names is not None and len(names) == self.count else None
        self.names: list[str | None] = list(names or self.keys or [None] * self.count)

    def _index(self) -> dict[str, int]:
        out = {n: i for i, n in enumerate(self.names) if n is not None}
        out.update({k: i for i, k in enumerate(self.keys or ())})
        return out

    def spread(self, value: Any, what: str, one_for_all: bool = True) -> list[Any]:
        """Return one entry an output of an argument of `compile`.

        Args:
            value: one entry; a list of one an output; or a dict by output name (outputs left out get None).
            what: name of the argument, for messages.
            one_for_all: whether an entry that is no list or dict goes to every output.

        Raises:
            ValueError: names or lengths do not fit the outputs.
        """
        if isinstance(value, dict):
            index = self._index()
            unknown = [k for k in value if k not in index]
            if unknown and all(isinstance(k, str) for k in value):
                raise ValueError(f"`{what}` names the outputs {unknown}, but the model's outputs are {list(index)}")
            out: list[Any] = [None] * self.count
            for k, v in value.items():
                out[index[k]] = v
            return out
        if isinstance(value, list | tuple):
            if len(value) != self.count:
                raise ValueError(f"`{what}` has {len(value)} entries, but the model has {self.count} outputs "
                                 f"{[n for n in self.names if n] or ''}")
            return list(value)
        return [value] * self.count if one_for_all else [value]

    def flatten(self, y: Any, what: str) -> list[Any]:
        """Return targets or sample weights in the order of the outputs, None for those that are missing.

        Raises:
            ValueError: the structure does not fit the outputs.
        """
        if y is None:
            return [None] * self.count
        if isinstance(y, dict):
            index = self._index()
            if not set(y) <= set(index):
                if self.count == 1 and len(y) == 1:
                    return tree.flatten(y)
                raise ValueError(f"`{what}` has the keys {sorted(y)}, but the model's outputs are {list(index)}")
            out: list[Any] = [None] * self.count
            for k, v in y.items():
                out[index[k]] = v
            return out
        flat = tree.flatten(y)
        if len(flat) == self.count:
            return flat
        if len(flat) == 1 and what == "sample_weight":
            return flat * self.count
        raise ValueError(f"`{what}` has {len(flat)} arrays, but the model has {self.count} outputs; the structure of "
                         f"the outputs is {self.structure}")


def is_binary_or_sparse(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """Tell from shapes whether "accuracy" or "crossentropy" means the binary or the sparse kind."""
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    binary = bool(p) and p[-1] == 1
    return binary, len(t) < len(p) or (bool(t) and t[-1] == 1 and p[-1] > 1)
