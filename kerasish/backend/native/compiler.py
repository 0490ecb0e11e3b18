"""From a kernel's text to machine code, by LLVM."""

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any

from llvmlite import binding

from kerasish.backend.native import elf
from kerasish.backend.native.image import Image
from kerasish.backend.native.language import Kernel

_kept: list[Any] = []  # what owns machine code that LLVM has linked


def compile_kernel(write: Callable[[Any], None], lanes: int) -> Image | bytes:
    """Return a kernel as an image, or as an object file where LLVM is to link it."""
    code = _object_of(write, lanes)
    return (elf.link(code) if sys.platform == "linux" else None) or code


def link(code: bytes) -> int:
    """Return the address of a kernel in an object file."""
    library = binding.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol("kernel")
    tracker = library.link(_linker(), f"kernel{len(_kept)}")
    _kept.append(tracker)
    for owner in (tracker, _linker()):  # never freed: at exit a thread may still be in the code
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(owner))
    return tracker["kernel"]


def _object_of(write: Callable[[Any], None], lanes: int) -> bytes:
    kernel = Kernel(lanes)
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


@functools.cache
def _target() -> Any:
    """The compiler's target: this machine."""
    _initialize()
    features = binding.get_host_cpu_features().flatten()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="small")


@functools.cache
def _linker() -> Any:
    _initialize()
    target = binding.Target.from_default_triple().create_target_machine(opt=3, reloc="pic", codemodel="small")
    return binding.create_lljit_compiler(target)


@functools.cache
def _initialize() -> None:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
