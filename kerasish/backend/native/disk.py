"""Where compiled kernels are kept for the next process: a folder of the user's own, files whole or not at all."""

import contextlib
import functools
import importlib
import os
import stat
from importlib.util import source_hash

try:
    from _blake2 import blake2b  # hashlib would load OpenSSL, which takes longer than all that is hashed here
except ImportError:
    from hashlib import blake2b

_DIGEST = 8


@functools.cache
def cache_folder() -> str | None:
    """Return where compiled kernels are kept, None if they are not: KERASISH_CACHE_DIR, or the user's cache."""
    machine = importlib.import_module("kerasish.backend.native.machine")
    base, depends_on = _base(), machine.fingerprint()
    return None if base is None or depends_on is None else _made(os.path.join(base, "kernels", depends_on))


@functools.cache
def programs_folder() -> str | None:
    """Return where programs are kept, None if they are not; what lies in it is run too."""
    base = _base()
    return None if base is None else _made(os.path.join(base, "programs"))


def _base() -> str | None:
    named = os.environ.get("KERASISH_CACHE_DIR")
    folder = os.path.expanduser(named or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "kerasish"))
    return None if named == "" or folder.startswith("~") else os.path.abspath(folder)  # nobody knows the user's home


def _made(folder: str) -> str | None:
    """The folder, made if it is not there; None if that cannot be, or others may write to it."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder if _is_private(os.stat(folder)) else None
    except OSError:
        return None


def _is_private(found: os.stat_result) -> bool:
    """Whether nobody but the user and the system's owner can put files into a folder: what lies in it is run."""
    if os.name == "nt":  # where a user's folders are the user's own
        return True
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def path_of(folder: str | None, key: str | bytes) -> str | None:
    """Return the file of a kernel or program in a folder, None without one."""
    named = key.encode() if isinstance(key, str) else key
    return None if folder is None else os.path.join(folder, name_of(named).decode())


def name_of(key: bytes) -> bytes:
    """Return a short name that no other key has."""
    return blake2b(key, digest_size=20).hexdigest().encode()


def read(path: str | None) -> bytes | None:
    """Return what was kept under a path, None if it is not there or damaged."""
    if path is None:
        return None
    try:
        with open(path, "rb", buffering=0) as file:
            kept = file.read()
    except OSError:
        return None
    content = kept[_DIGEST:]
    return content if kept[:_DIGEST] == _digest(content) else None


def keep(path: str | None, content: bytes) -> None:
    """Write a file beside its place and put it there at once: another process sees the whole file or none."""
    if path is None:
        return
    beside = f"{path}.{os.urandom(6).hex()}"
    try:
        with open(beside, "xb") as file:
            file.write(_digest(content) + content)
        os.replace(beside, path)
    except OSError:  # a full or read-only disk: the kernel is compiled again next time
        with contextlib.suppress(OSError):
            os.unlink(beside)


def prune(folder: str, most: int, nbytes: int) -> None:
    """Remove the files of a folder that were written longest ago, half of them, if there are too many or too much."""
    with contextlib.suppress(OSError):
        found = [(entry.stat(), entry.path) for entry in os.scandir(folder)]
        if len(found) > most or sum([stat.st_size for stat, _ in found]) > nbytes:
            for _, path in sorted(found, key=lambda each: each[0].st_mtime_ns)[: len(found) // 2]:
                with contextlib.suppress(OSError):  # another process was quicker
                    os.unlink(path)


def _digest(content: bytes) -> bytes:
    return source_hash(content)  # which tells torn files from whole ones, and is quicker than a cryptographic hash
