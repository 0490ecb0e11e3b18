"""The Python code in the documentation runs."""

import pathlib
import re

import pytest

import kerasish as keras

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def blocks():
    for page in PAGES:
        for i, (indent, code) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            yield pytest.param(re.sub(f"^{indent}", "", code, flags=re.MULTILINE), id=f"{page.name}-{i}")


@pytest.mark.parametrize("code", list(blocks()))
def test_code_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    exec(compile(code, "documentation", "exec"), {"__name__": "documentation"})


def test_the_first_page_names_the_commands_that_ci_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "bash run.sh train" in readme and "bash run.sh test" in readme and "bash run.sh test" in ci
