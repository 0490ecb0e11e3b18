"""What `import kerasish` must not do."""

import json
import subprocess
import sys

HEAVY = ["IPython", "PIL", "cupy", "h5py", "matplotlib", "ml_dtypes", "numba", "pandas", "pydot", "scipy", "sklearn",
         "tqdm", "jax", "keras", "tensorflow", "torch"]  # fmt: skip


def test_import_is_light():
    """Optional and heavy packages are imported by what needs them, and no other framework ever."""
    code = f"import json, sys, kerasish; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
    assert out.stderr == ""
