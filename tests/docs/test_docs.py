"""Runs what the documentation shows: files, commands with their output, and pieces of Python.

A fenced block names what it is: ```python NAME or ```asm NAME appends to a file, ```python alone is run, ```console holds commands
after `$ ` and what they print (`...` stands for any lines).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("adding-an-instruction", "adding-an-ir-operation")  # in this order: the second continues the first


def blocks(page: str) -> list[tuple[str, str, str]]:
    """(language, file name or "", text) of a page's fenced blocks."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with all files of all pages: one module, so that the interpreter is compiled once."""
    path = tmp_path_factory.mktemp("docs")
    for page in PAGES:
        for _, name, text in blocks(page):
            if name:
                with (path / name).open("a") as f:
                    f.write(text + "\n")
    tool = path / "bin" / "ppcdbt"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m runtime.cli "$@"\n')
    tool.chmod(0o755)
    return path


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": f"{ROOT}:{folder}"}


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, folder: Path) -> None:
    ran = 0
    for language, name, text in blocks(page):
        if language == "python" and not name:
            done = subprocess.run([sys.executable, "-c", text], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            ran += 1
        elif language == "console":
            for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
                output = "".join(line for line in done.stdout.splitlines(True) if line.strip() and not line.startswith("compil"))
                assert matches(output, expected), f"$ {command}\n{output}\nexpected:\n{expected}"
                ran += 1
    assert ran > 2


def matches(output: str, expected: str) -> bool:
    pattern = re.sub(r"^\.\.\.$", "\0", expected, flags=re.MULTILINE).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    return fnmatchcase(output, pattern.replace("\0\n", "*").replace("\0", "*"))


def test_readme_example(folder: Path) -> None:
    found = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    done = subprocess.run([sys.executable, "-c", found[0]], env=environment(folder), capture_output=True, text=True, check=False)
    assert done.stdout == "Budget() 1000 0x1008\n", done.stderr


def test_links() -> None:
    """Files that the pages name exist."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
