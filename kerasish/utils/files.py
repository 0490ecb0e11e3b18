"""Files fetched once and kept, and files that appear whole or not at all."""

import hashlib
import os
import secrets
import shutil
import tempfile
import urllib.error
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kerasish.utils.archives import extract_archive
from kerasish.utils.interactive import print_msg
from kerasish.utils.progress import output_is_a_screen, screen_bar

_BLOCK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte


def keras_home() -> Path:
    """Return the folder for downloads and caches: `KERAS_HOME` if it is set, else `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside the target, and put the file there in its place when the block ends.

    Whoever reads the target meanwhile sees the old file; if the block raises or is interrupted, it stays.

    Args:
        path: the target; a link is followed. Its folder must exist.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(6)}{target.suffix}")
    # Made here, so that it has the rights of any new file and the name is surely ours.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        _flush(temporary)
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
        if os.name == "posix":
            _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until the file, or the entries of the folder, are on the disk."""
    flags = os.O_RDONLY if os.name == "posix" else os.O_RDWR
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def get_file(
    fname: str | os.PathLike | None = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None,
    file_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto", extract: bool = False,
    archive_format: Any = "auto", cache_dir: str | os.PathLike | None = None, force_download: bool = False,
) -> str:
    """Return the path of a file from the network, which is fetched unless it is there already.

    Args:
        fname: its name in the cache; by default the last part of `origin`. Of an archive: without a dot,
            the folder that it is unpacked into.
        origin: where it comes from, `https://...` or `file://...`.
        untar: the same as `extract=True, archive_format="tar"`.
        md5_hash: the same as `file_hash=..., hash_algorithm="md5"`.
        file_hash: its SHA-256 or MD5 digest in hexadecimal; a file with another one is fetched anew.
        cache_subdir: folder in `cache_dir`.
        hash_algorithm: "sha256", "md5", or "auto" to tell by the length of the hash.
        extract: whether to unpack it; then the path of the folder is returned.
        archive_format: "tar", "zip", or "auto".
        cache_dir: by default `KERAS_HOME` if it is set, else `~/.keras`.
        force_download: whether to fetch it even if it is there.

    Raises:
        ValueError: the file has another hash, or an archive cannot be unpacked; nothing is kept then.
        OSError: it could not be fetched.
    """
    if origin is None:
        raise ValueError("get_file needs `origin`, the URL of the file")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    name = os.fspath(fname) if fname else Path(urllib.parse.unquote(urllib.parse.urlsplit(origin).path)).name
    if not name or "/" in name or os.sep in name:
        raise ValueError(f"fname must be a file name without folders, got {name!r}; use cache_dir or cache_subdir")
    folder = _cache_folder(cache_dir, cache_subdir)
    extract = extract or untar
    file, unpacked = _places(folder, name, bool(fname), extract)
    fetched = force_download or not _is_cached(file, file_hash, hash_algorithm)
    if fetched:
        _fetch(origin, file, file_hash, hash_algorithm)
    if not extract:
        return str(file)
    if fetched or not unpacked.exists():
        extract_archive(file, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _cache_folder(cache_dir: str | os.PathLike | None, cache_subdir: str) -> Path:
    base = keras_home() if cache_dir is None else Path(cache_dir).expanduser()
    for candidate in (base, Path(tempfile.gettempdir()) / ".keras"):
        folder = candidate / cache_subdir
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise PermissionError(f"cannot write to {base / cache_subdir}; set KERAS_HOME or pass cache_dir")


def _places(folder: Path, name: str, named: bool, extract: bool) -> tuple[Path, Path]:
    """Return where the file and where its unpacked content lie, as Keras names them."""
    if not extract:
        return folder / name, folder / name
    if named and "." in name:
        return folder / name, folder / f"{name.split('.')[0]}_extracted"
    return folder / f"{name}_archive", folder / name


def _is_cached(file: Path, file_hash: str | None, algorithm: str) -> bool:
    if not file.exists():
        return False
    if file_hash is None or hash_file(file, _algorithm(file_hash, algorithm)) == file_hash:
        return True
    print_msg(f"{file} has another hash than expected; fetching it again")
    return False


def hash_file(path: str | os.PathLike, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file, "sha256" or "md5"."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, algorithm).hexdigest()


def _algorithm(file_hash: str, algorithm: str) -> str:
    if algorithm == "auto":
        return "sha256" if len(file_hash) == 64 else "md5"
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f"hash_algorithm must be 'auto', 'sha256' or 'md5', got {algorithm!r}")
    return algorithm


def _fetch(origin: str, file: Path, file_hash: str | None, algorithm: str) -> None:
    import urllib.request  # costs 25 ms, which a program that downloads nothing need not pay

    print_msg(f"Downloading data from {origin}")
    with atomic_write(file) as temporary:
        try:
            with urllib.request.urlopen(origin, timeout=_TIMEOUT) as response:
                received, expected = _copy(response, temporary)
        except urllib.error.URLError as error:
            raise OSError(f"could not fetch {origin}: {error}") from error
        if expected is not None and received != expected:
            raise OSError(f"could not fetch {origin}: {received} of {expected} bytes arrived")
        if file_hash is None:
            return
        found = hash_file(temporary, _algorithm(file_hash, algorithm))
        if found != file_hash:
            raise ValueError(f"Incomplete or corrupted file: {origin} has the hash {found}, expected {file_hash}; "
                             "the file was not kept")


def _copy(response: Any, path: Path) -> tuple[int, int | None]:
    """Write what the server sends to a file; return the bytes received and those announced."""
    length = response.headers.get("Content-Length")
    expected = int(length) if length else None
    bar = None
    if output_is_a_screen():
        bar = screen_bar(total=expected, unit="B", unit_scale=True, unit_divisor=1024)
    received = 0
    try:
        with open(path, "wb") as opened:
            while block := response.read(_BLOCK):
                opened.write(block)
                received += len(block)
                if bar is not None:
                    bar.update(len(block))
    finally:
        if bar is not None:
            bar.close()
    return received, expected
