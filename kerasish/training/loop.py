"""The one epoch loop: fit, evaluate and predict run it with another step."""

from collections.abc import Callable
from typing import Any

from kerasish.callbacks.callback_list import CallbackList
from kerasish.callbacks.logs import LazyLogs
from kerasish.data.epochs import EpochIterator


def run_epoch(batches: EpochIterator, step: Callable[[list], Any], callbacks: CallbackList, mode: str,
              should_stop: Callable[[], bool], collect: Callable[[Any], Any] | None = None) -> Any:
    """Run a step on every batch of an epoch.

    Args:
        batches: the epoch's batches, in groups of as many as a step takes.
        step: what is done with a group; returns logs (or, for predictions, outputs).
        callbacks: told before and after every group.
        mode: "train", "test" or "predict": which hooks they are told by.
        should_stop: asked after every group.
        collect: given every result of a step, for what it keeps of it.

    Returns:
        What the last step returned; None if there was no batch, or results were collected.
    """
    begin = getattr(callbacks, f"on_{mode}_batch_begin") if callbacks.listens(f"on_{mode}_batch_begin") else None
    end = getattr(callbacks, f"on_{mode}_batch_end") if callbacks.listens(f"on_{mode}_batch_end") else None
    out = None
    for first, last, group in batches:
        if begin is not None:
            begin(first)
        out = step(group)
        if collect is not None:
            collect(out)
        if end is not None:
            end(last, {"outputs": out} if mode == "predict" else _lazy(out))
        if collect is not None:
            out = None  # whoever collects has it; large outputs are not kept while the next are made
        if should_stop():
            break
    return out


def _lazy(logs: Any) -> LazyLogs:
    return LazyLogs(lambda: logs)
