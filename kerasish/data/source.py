"""Where batches come from: the one interface that the training loop reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from kerasish.data.class_weight import check_class_weight, weigh_classes
from kerasish.data.leaves import to_batch
from kerasish.utils.arguments import unpack_x_y_sample_weight

Batch = tuple[Any, Any, Any]


class BatchSource:
    """An iterable of batches `(x, y, sample_weight)`, structures of arrays; `y` and `sample_weight` may be None.

    Attributes:
        num_batches: batches of one pass, None if that is not known.
        infinite: whether a pass is known to have no end.
        restartable: whether `iter` begins a new pass; if not, it goes on where the last one stopped.
        batch_size: samples of a batch, None if that is not known.
        partial_batch_size: samples of a last, smaller batch; None if there is none, or it is not known.
        num_samples: samples of one pass, None if that is not known.
    """

    num_batches: int | None = None
    infinite = False
    restartable = True
    batch_size: int | None = None
    partial_batch_size: int | None = None
    num_samples: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        raise NotImplementedError

    def peek(self) -> Batch:
        """Return a batch to learn shapes and dtypes from; none is lost to later passes.

        Raises:
            ValueError: there is no data.
        """
        for batch in self:
            return batch
        raise ValueError("the data has no batches")

    def on_epoch_begin(self) -> None:
        """Called before every epoch that reads from here."""

    def on_epoch_end(self) -> None:
        """Called after every epoch that has read from here."""


class ConvertingSource(BatchSource):
    """Base of the sources whose batches the user makes: they are unpacked and become arrays.

    Args:
        class_weight: class -> weight, or None.
    """

    kind = "dataset"

    def __init__(self, class_weight: Mapping[int, float] | None = None):
        check_class_weight(class_weight)
        self._class_weight = class_weight

    def _convert(self, data: Any) -> Batch:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        x, y = to_batch(x, "x"), to_batch(y, "y")
        sample_weight = to_batch(sample_weight, "sample_weight")
        if self._class_weight is not None and y is not None:
            sample_weight = weigh_classes(y, sample_weight, self._class_weight)
        return x, y, sample_weight
