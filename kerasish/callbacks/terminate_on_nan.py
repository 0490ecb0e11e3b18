"""Stop when the loss is no number."""

import math

from kerasish.callbacks.callback import Callback
from kerasish.utils.interactive import print_msg


class TerminateOnNaN(Callback):
    """Stop training when the loss is NaN or infinite.

    It reads the loss after every step, so each step waits for the device.

    Args:
        raise_error: whether to raise a RuntimeError instead of stopping quietly after the step.

    Source: `keras.callbacks.TerminateOnNaN`.
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered: that of batch {batch} is {loss}, and training stops")
        print_msg(f"Batch {batch}: Invalid loss ({loss}), terminating training")
        self.model.stop_training = True
