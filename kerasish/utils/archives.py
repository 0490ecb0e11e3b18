"""Tar and zip archives unpacked without letting them write anywhere else."""

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path


def extract_archive(archive: Path, folder: Path, archive_format: str | Iterable[str] | None = "auto") -> None:
    """Unpack an archive; the folder appears only when all of it is there, and replaces one of its name.

    Args:
        archive: a tar file (plain, gz, bz2, xz) or a zip file.
        folder: where its files go.
        archive_format: "tar", "zip", several of them, or "auto" for both.

    Raises:
        ValueError: the file is no such archive, or a member's path lies outside the folder.
    """
    kind = _kind(archive, archive_format)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _extract_tar(archive, fresh) if kind == "tar" else _extract_zip(archive, fresh)
        fresh.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _kind(archive: Path, archive_format: str | Iterable[str] | None) -> str:
    if archive_format == "auto":
        archive_format = ("tar", "zip")
    wanted = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format or ())
    recognise = {"tar": tarfile.is_tarfile, "zip": zipfile.is_zipfile}
    for kind in wanted:
        if kind not in recognise:
            raise ValueError(f"archive_format must be 'auto', 'tar' or 'zip', got {kind!r}")
        if recognise[kind](archive):
            return kind
    raise ValueError(f"{archive} cannot be extracted: it is no archive of format {' or '.join(wanted) or 'None'}")


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        _refuse_paths_outside(archive, opened.namelist())
        opened.extractall(folder)


def _extract_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
        _refuse_paths_outside(archive, (m.name for m in members))
        try:
            if hasattr(tarfile, "data_filter"):
                # Follows links as they are made, which no check beforehand can do.
                opened.extractall(folder, filter="data")
            elif any(m.issym() or m.islnk() or m.isdev() for m in members):
                raise ValueError(f"{archive} holds links; extracting it safely needs Python 3.11.4 or newer")
            else:
                opened.extractall(folder)
        except tarfile.TarError as error:
            raise ValueError(f"{archive} was not extracted: {error}") from error


def _refuse_paths_outside(archive: Path, names: Iterable[str]) -> None:
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or os.path.isabs(name) or parts[0] == "" or ":" in parts[0]:
            raise ValueError(f"{archive} was not extracted: its member {name!r} lies outside the target folder")
