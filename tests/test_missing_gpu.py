"""What is said where CuPy or a GPU is missing: by the environment variable, `set_backend` and `device`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Stand-ins for a CuPy that cannot be imported, or finds no GPU: files of a package `cupy`.
BROKEN = 'raise ImportError("libcudart.so.13: cannot open shared object file")\n'
HALF_INSTALLED = "import cuda_pathfinder_that_is_missing\n"
RUNTIME = """
class CUDARuntimeError(RuntimeError):
    pass

class runtime:
    CUDARuntimeError = CUDARuntimeError

    def getDeviceCount():
        {count}

class cuda:
    runtime = runtime
"""
OLD_DRIVER = RUNTIME.format(count='raise CUDARuntimeError("cudaErrorInsufficientDriver")')
NO_DEVICE = RUNTIME.format(count="return 0")

WAYS = {
    "environment": ("cupy", "import kerasish"),
    "set_backend": (None, "import kerasish; kerasish.config.set_backend('cupy')"),
    "device": (None, "import kerasish; kerasish.device('gpu').__enter__()"),
}


def error_of(program: str, folder: Path, backend: str | None) -> str:
    """The last line that a program leaves on stderr."""
    environment = {k: v for k, v in os.environ.items() if k != "KERASISH_BACKEND"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
    if backend is not None:
        environment["KERASISH_BACKEND"] = backend
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("way", WAYS)
def test_without_cupy(way, tmp_path):
    backend, program = WAYS[way]
    said = error_of(f"import sys; sys.modules['cupy'] = None; {program}", tmp_path, backend)
    assert said.startswith("ImportError: the cupy backend needs CuPy: pip install 'kerasish[cuda13]'")
    assert "kerasish[cuda12]" in said and "unset KERASISH_BACKEND" in said


@pytest.mark.parametrize(("source", "says"), [
    (BROKEN, "CuPy is installed but cannot be imported (libcudart.so.13: cannot open shared object file)"),
    (HALF_INSTALLED, "cannot be imported (No module named 'cuda_pathfinder_that_is_missing')"),
    (OLD_DRIVER, "finds no usable GPU (cudaErrorInsufficientDriver): install an NVIDIA driver"),
    (NO_DEVICE, "CuPy is installed but there is no GPU"),
], ids=["broken", "half-installed", "old-driver", "no-device"])
def test_cupy_that_cannot_run(source, says, tmp_path):
    tmp_path.joinpath("cupy.py").write_text(source)
    said = error_of(WAYS["environment"][1], tmp_path, "cupy")
    assert said.startswith("ImportError: ") and says in said and "run on the CPU" in said


def test_unknown_backend(tmp_path):
    said = error_of("import kerasish", tmp_path, "tpu")
    assert said == "ValueError: unknown backend 'tpu': expected one of 'numpy', 'cupy'"


def test_the_cpu_goes_on_after_a_failed_choice(tmp_path):
    program = """
import sys
sys.modules["cupy"] = None
import kerasish
try:
    kerasish.config.set_backend("cupy")
except ImportError:
    raise SystemExit(3 if float(kerasish.ops.sum(kerasish.ops.ones(3))) == 3
                     and kerasish.config.backend() == "numpy" else 2)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 3
