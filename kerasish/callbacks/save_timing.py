"""When a callback that saves is due."""


class SaveTiming:
    """Counts batches until the next saving.

    Args:
        owner: name of the callback, for the message.
        save_freq: "epoch", or a number of batches.

    Raises:
        ValueError: it is neither.
    """

    def __init__(self, owner: str, save_freq: str | int):
        is_count = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not is_count:
            raise ValueError(f"{owner}: Invalid value. Unrecognized save_freq {save_freq!r}: "
                             "expected 'epoch' or a positive number of batches")
        self.save_freq = save_freq
        self._unsaved = 0
        self._last_batch = -1

    @property
    def by_epoch(self) -> bool:
        return self.save_freq == "epoch"

    def start_epoch(self) -> None:
        """Take note that batches are counted from 0 again."""
        self._last_batch = -1

    def is_due_after(self, batch: int) -> bool:
        """Tell whether to save now; batches may be passed over, as `steps_per_execution` does."""
        if not isinstance(self.save_freq, int):
            return False
        self._unsaved += batch - self._last_batch if batch > self._last_batch else batch + 1
        self._last_batch = batch
        if self._unsaved < self.save_freq:
            return False
        self._unsaved = 0
        return True
