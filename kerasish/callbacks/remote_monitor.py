"""The metrics of every epoch sent to a web server."""

import json
import warnings
from urllib.parse import urlencode, urlsplit

import numpy as np

from kerasish.callbacks.callback import Callback

_TIMEOUT = 10  # seconds; training must not hang on a server that does not answer


class RemoteMonitor(Callback):
    """Send the epoch and its metrics as JSON by HTTP POST after every epoch.

    A server that cannot be reached gives a warning; training goes on.

    Args:
        root: address of the server, http or https.
        path: path on it.
        field: name of the form field that holds the JSON.
        headers: further HTTP headers.
        send_as_json: whether to send the JSON itself (`application/json`) instead of a form.

    Raises:
        ValueError: the address is not http or https.

    Source: `keras.callbacks.RemoteMonitor`.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        if urlsplit(root).scheme not in ("http", "https"):
            raise ValueError(f"RemoteMonitor: root must start with http:// or https://, got {root!r}")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        event = {"epoch": epoch}
        for name, value in (logs or {}).items():
            event[name] = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
        text = json.dumps(event)
        body, kind = (
            (text, "application/json")
            if self.send_as_json
            else (urlencode({self.field: text}), "application/x-www-form-urlencoded")
        )
        headers = {"Content-Type": kind, **(self.headers or {})}
        from urllib.request import Request, urlopen  # costs 25 ms, which most programs need not pay

        try:
            with urlopen(Request(self.root + self.path, body.encode(), headers), timeout=_TIMEOUT):
                pass
        except OSError as error:
            warnings.warn(f"RemoteMonitor could not send to {self.root}: {error}", stacklevel=2)
