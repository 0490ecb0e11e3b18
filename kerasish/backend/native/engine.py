"""From a kernel's text to machine code: compiled once, kept in memory, and on disk for the next process."""

import ctypes
import functools
import hashlib
import os
import platform
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import binding

from kerasish.backend.native.language import Kernel
from kerasish.version import __version__

_functions: dict[str, int] = {}  # key -> address
_kept: list[Any] = []  # what owns the machine code
_lock = threading.RLock()


@functools.cache
def _target() -> Any:
    """The compiler's target: this machine."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features().flatten()
    made = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="small")
    return made


@functools.cache
def _linker() -> Any:
    return binding.create_lljit_compiler(_target_for_linking())


def _target_for_linking() -> Any:
    _target()
    return binding.Target.from_default_triple().create_target_machine(opt=3, reloc="pic", codemodel="small")


@functools.cache
def lanes() -> int:
    """Return how many float32 numbers a vector of this machine holds."""
    features = binding.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") else 4


@functools.cache
def _fingerprint() -> str:
    """What else machine code depends on: this machine, the compiler, our own sources."""
    digest = hashlib.sha256()
    for fact in (__version__, platform.machine(), platform.system(), binding.get_host_cpu_name(),
                 binding.get_host_cpu_features().flatten(), str(binding.llvm_version_info)):
        digest.update(fact.encode() + b"\0")
    package = Path(__file__).resolve().parents[2]
    for folder in ("backend/native", "compiler/codegen"):
        for source in sorted((package / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


@functools.cache
def cache_folder() -> Path | None:
    """Return where compiled kernels are kept, None if they are not: KERASISH_CACHE_DIR, or the user's cache."""
    named = os.environ.get("KERASISH_CACHE_DIR")
    if named == "":
        return None
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kerasish"
    folder = base / "kernels" / _fingerprint()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def function(key: str, write: Callable[[Any], None]) -> int:
    """Return the address of a kernel.

    Args:
        key: names the kernel; equal keys stand for equal machine code.
        write: writes the kernel with the language, if it is not there yet.
    """
    found = _functions.get(key)
    if found is None:
        with _lock:
            found = _functions.get(key) or _load(key, write)
            _functions[key] = found
    return found


def _path(key: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / hashlib.sha256(key.encode()).hexdigest()[:40]


def _load(key: str, write: Callable[[Any], None]) -> int:
    path = _path(key)
    code = _read(path)
    if code is None:
        code = _compile(write)
        _keep(path, code)
    return _link(code)


def _compile(write: Callable[[Any], None]) -> bytes:
    kernel = Kernel(lanes())
    write(kernel)
    kernel.builder.ret_void()
    module = binding.parse_assembly(str(kernel.module))
    module.verify()
    target = _target()
    options = binding.create_pipeline_tuning_options(3)
    options.loop_unrolling = kernel.unrolls
    builder = binding.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return target.emit_object(module)


def _link(code: bytes) -> int:
    name = f"kernel{len(_kept)}"
    library = binding.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol("kernel")
    tracker = library.link(_linker(), name)
    _kept.append(tracker)
    for owner in (tracker, _linker()):  # never freed: at exit a thread may still be in the code
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(owner))
    return tracker["kernel"]


def _read(path: Path | None) -> bytes | None:
    """Return what was kept under a path, None if it is not there or damaged."""
    if path is None:
        return None
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    digest, code = kept[:32], kept[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _keep(path: Path | None, code: bytes) -> None:
    """Write a kernel beside its place and put it there at once: another process sees the whole file or none."""
    if path is None:
        return
    beside = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    try:
        beside.write_bytes(hashlib.sha256(code).digest() + code)
        os.replace(beside, path)
    except OSError:  # a full or read-only disk: the kernel is compiled again next time
        beside.unlink(missing_ok=True)


Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def callable_of(address: int) -> Any:
    """Return a kernel as a Python function of (slots, table, lo, hi); it runs without the interpreter's lock."""
    return Call(address)
