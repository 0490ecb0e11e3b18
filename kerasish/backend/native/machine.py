"""What machine code depends on besides a kernel's text: the processor, the compiler, our own sources."""

import functools
import importlib.util
import os
import platform
import sys
from collections.abc import Sequence

from kerasish.backend.native.llvm import binding
from kerasish.version import __version__

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_SOURCES = ("backend/native", "backend/native/kernels", "compiler/codegen")
_TRAITS = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")


@functools.cache
def traits() -> dict[str, str]:
    """Return what Linux says of an x86-64 processor, by name; nothing elsewhere, where LLVM is to be asked."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return {}
    text = b""
    try:
        with open("/proc/cpuinfo", "rb", buffering=0) as file:
            while b"\n\n" not in text and (more := file.read(4096)):  # the first processor of perhaps hundreds
                text += more
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.split(b"\n\n")[0].decode(errors="replace").splitlines())
    found = {name.strip(): value.strip() for name, _, value in lines}
    return {name: found[name] for name in _TRAITS} if found.keys() >= set(_TRAITS) else {}


@functools.cache
def lanes() -> int:
    """Return how many float32 numbers a vector of this machine holds."""
    said = traits()
    has = said["flags"].split().__contains__ if said else binding.get_host_cpu_features().get
    return 16 if has("avx512f") else 8 if has("avx2") else 4


@functools.cache
def fingerprint() -> str | None:
    """Return a name for all that kernels depend on besides their keys, None if it cannot be told.

    LLVM itself is asked only where the system does not tell the processor, because to load it takes long.
    """
    said = traits()
    processor = [f"{name} {value}" for name, value in said.items()] if said else [
        binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    try:
        facts = [__version__, platform.machine(), platform.system(), *processor, *_compiler(), *_sources()]
    except (OSError, ImportError):
        return None
    return f"{_hash(chr(0).join(facts).encode()):016x}"


def _compiler() -> list[str]:
    """Which llvmlite is installed, by the files that differ from version to version."""
    found = importlib.util.find_spec("llvmlite")
    if found is None or not found.submodule_search_locations:
        raise ImportError("llvmlite is not installed")
    folder = found.submodule_search_locations[0]
    library = os.path.join(folder, "binding")
    sizes = [f"{e.name} {e.stat().st_size}" for e in os.scandir(library) if "llvmlite." in e.name]
    return [_digest(os.path.join(folder, "_version.py")), *sorted(sizes)]


def _sources(package: str = _PACKAGE, folders: Sequence[str] = _SOURCES) -> list[str]:
    """What is written in our files that write kernels, and that choose sizes and keys for them."""
    files = [(folder, entry.name, entry.path) for folder in folders
             for entry in os.scandir(os.path.join(package, folder)) if entry.name.endswith(".py")]
    return [f"{folder} {name} {_digest(path)}" for folder, name, path in sorted(files)]


def stamps(folders: Sequence[str], package: str = _PACKAGE) -> list[tuple[str, int, int]]:
    """Return when our files in some folders were written, and their sizes: by these Python knows outdated byte code."""
    entries = [entry for folder in folders for entry in os.scandir(os.path.join(package, folder))]
    found = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(".py")]
    return sorted([(path, stat.st_mtime_ns, stat.st_size) for path, stat in found])


def _digest(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return f"{_hash(file.read()):016x}"


def _hash(content: bytes) -> int:
    """Python's own hash of sources, by which it knows outdated byte code: quicker than a cryptographic one."""
    return int.from_bytes(importlib.util.source_hash(content), "little")
