"""Where messages to the person at the screen go: printed, or sent to the log."""

import sys

_state = {"interactive": True}


def enable_interactive_logging() -> None:
    """Print messages and progress to standard output (the default)."""
    _state["interactive"] = True


def disable_interactive_logging() -> None:
    """Send messages and progress to the logger "kerasish" at level INFO instead of printing them."""
    _state["interactive"] = False


def is_interactive_logging_enabled() -> bool:
    """Tell whether messages are printed rather than logged."""
    return _state["interactive"]


def screen_columns() -> int:
    """Return the width of the screen, 80 if there is none."""
    import shutil  # slow to import, and only drawing needs it

    return shutil.get_terminal_size().columns


def print_msg(message: object, line_break: bool = True) -> None:
    """Print a message, or log it where interactive logging is off.

    Args:
        message: what to print.
        line_break: whether a new line follows.
    """
    text = str(message)
    if not is_interactive_logging_enabled():
        import logging  # here, for it is slow to import and seldom needed

        logging.getLogger("kerasish").info(text.rstrip("\n"))
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    printable = text.encode(encoding, errors="replace").decode(encoding)
    sys.stdout.write(printable + "\n" if line_break else printable)
    sys.stdout.flush()
