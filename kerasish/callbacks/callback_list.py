"""Many callbacks behind one."""

from collections.abc import Callable, Iterable
from typing import Any

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.history import History
from kerasish.callbacks.logs import pythonify_logs
from kerasish.callbacks.progbar_logger import ProgbarLogger

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end") + tuple(
    f"on_{mode}_batch_{when}" for mode in ("train", "test", "predict") for when in ("begin", "end")
)
_EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
_RUN_HOOKS = tuple(f"on_{mode}_{when}" for mode in ("train", "test", "predict") for when in ("begin", "end"))
HOOKS = (*_BATCH_HOOKS, *_EPOCH_HOOKS, *_RUN_HOOKS)
_NOBODY: dict[str, list[Callable]] = {hook: [] for hook in HOOKS}
# The default of the first calls the second, so either one makes a listener.
_OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _overrides(callback: Any, hook: str) -> bool:
    method = getattr(callback, hook, None)
    if method is None:
        return False
    if getattr(method, "__func__", method) is not getattr(Callback, hook):
        return True
    return hook in _OLDER_NAMES and _overrides(callback, _OLDER_NAMES[hook])


def _flatten(callbacks: Any) -> Iterable[Any]:
    if isinstance(callbacks, (list, tuple)):
        for callback in callbacks:
            yield from _flatten(callback)
    elif callbacks is not None:
        yield callbacks


def _batch(hook: str) -> Callable:
    def tell(self: "CallbackList", batch: int, logs: dict | None = None) -> None:
        if self._listeners[hook]:
            _tell_all(self, hook, batch, pythonify_logs(logs))

    return tell


def _epoch(hook: str) -> Callable:
    def tell(self: "CallbackList", epoch: int, logs: dict | None = None) -> None:
        _tell_all(self, hook, epoch, pythonify_logs(logs))

    return tell


def _begin(hook: str) -> Callable:
    def tell(self: "CallbackList", logs: dict | None = None) -> None:
        self._find_listeners()
        _tell_all(self, hook, pythonify_logs(logs))

    return tell


def _end(hook: str) -> Callable:
    def tell(self: "CallbackList", logs: dict | None = None) -> None:
        _tell_all(self, hook, pythonify_logs(logs))

    return tell


def _tell_all(callbacks: "CallbackList", hook: str, *arguments: Any) -> None:
    for listener in callbacks._listeners[hook]:
        listener(*arguments)


class CallbackList(Callback):
    """A list of callbacks that is told everything once and tells each that listens.

    All listeners of one event get the same `logs`, so what one adds (a learning rate) the next ones see.

    Args:
        callbacks: a callback, or a list of them.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: the model that is being run.
        params: facts of the run (`verbose`, `epochs`, `steps`), given to every callback.

    Raises:
        TypeError: something in the list has no hooks; names it.

    Source: `keras.callbacks.CallbackList`.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks = list(_flatten(callbacks))
        for callback in self.callbacks:
            if isinstance(callback, type) or not hasattr(callback, "set_model"):
                cure = "write it with parentheses" if isinstance(callback, type) else "subclass it"
                raise TypeError(f"callbacks must be instances of Callback, got {callback!r}: {cure}")
        if add_history and not self._has(History):
            self.callbacks.append(History())
        if add_progbar and not self._has(ProgbarLogger):
            self.callbacks.append(ProgbarLogger())
        self._find_listeners()
        self.set_model(model)
        self.set_params(params)

    def _has(self, kind: type) -> bool:
        return any(isinstance(callback, kind) for callback in self.callbacks)

    def _find_listeners(self) -> None:
        self._listeners = {hook: [getattr(c, hook) for c in self.callbacks if _overrides(c, hook)] for hook in HOOKS
                           } if self.callbacks else _NOBODY

    def listens(self, hook: str) -> bool:
        """Tell whether any callback overrides a hook, so that a loop can save itself the call."""
        return bool(self._listeners[hook])

    def set_params(self, params: dict) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            callback.set_model(model)

    on_batch_begin, on_batch_end = _batch("on_batch_begin"), _batch("on_batch_end")
    on_train_batch_begin, on_train_batch_end = _batch("on_train_batch_begin"), _batch("on_train_batch_end")
    on_test_batch_begin, on_test_batch_end = _batch("on_test_batch_begin"), _batch("on_test_batch_end")
    on_predict_batch_begin = _batch("on_predict_batch_begin")
    on_predict_batch_end = _batch("on_predict_batch_end")
    on_epoch_begin, on_epoch_end = _epoch("on_epoch_begin"), _epoch("on_epoch_end")
    on_train_begin, on_train_end = _begin("on_train_begin"), _end("on_train_end")
    on_test_begin, on_test_end = _begin("on_test_begin"), _end("on_test_end")
    on_predict_begin, on_predict_end = _begin("on_predict_begin"), _end("on_predict_end")
