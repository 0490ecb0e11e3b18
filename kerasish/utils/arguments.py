"""The forms in which a batch is handed over: `x`, `(x, y)` or `(x, y, sample_weight)`."""

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return what `fit` takes as one batch: `x` alone, `(x, y)` or `(x, y, sample_weight)`.

    An `x` that is itself a list or tuple is wrapped, so that it is not taken for `(x, y)`.
    """
    if y is None:
        return (x,) if isinstance(x, list | tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return `(x, y, sample_weight)` from one batch, None for what it lacks.

    Raises:
        ValueError: a list or tuple of no items, or of more than three.
    """
    if not isinstance(data, list | tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"a batch must be x, (x,), (x, y) or (x, y, sample_weight), got a {type(data).__name__} "
            f"of {len(data)} items; wrap several inputs in a tuple of their own: ((x1, x2, ...), y)"
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight
