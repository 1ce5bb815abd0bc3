"""Who may import whom (docs/architecture.md), and that a warm start imports no compiler."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# layer -> what it may import of ours, besides itself. The longest prefix of a module decides which layer it is in.
ALLOWED: dict[str, set[str]] = {
    "dbt.records": set(),
    "dbt.ir": {"dbt.state", "dbt.exits", "dbt.fpscr"},
    "dbt.state": {"dbt.ir"},  # the types of slots
    "dbt.mode": set(),
    "dbt.exits": set(),
    "dbt.shared": set(),
    "dbt.fpscr": set(),
    "dbt.dfp": set(),
    "dbt.frontend": {"dbt.ir", "dbt.state", "dbt.mode", "dbt.exits", "dbt.fpscr", "dbt.dfp"},
    "dbt.backend": {"dbt.records", "dbt.ir", "dbt.state", "dbt.mode", "dbt.exits", "dbt.fpscr", "dbt.dfp", "dbt.shared"},
    "dbt.engine": {"dbt.ir", "dbt.state", "dbt.mode", "dbt.exits", "dbt.fpscr", "dbt.dfp", "dbt.shared", "dbt.frontend", "dbt.backend"},
    "runtime": {"dbt"},
    "runtime.loader": {"dbt.records"},
    "runtime.cli": {"dbt", "runtime", "bench", "guests"},
}
# Modules that put frontend and backend together although they are in the backend: declarations to handlers, words to
# regions. The list may only shrink.
COMPOSERS = {"dbt.backend.build", "dbt.backend.translator", "dbt.backend.trie", "dbt.backend.regioncache"}


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("dbt", "runtime"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """(our module, line) of every import, wherever it stands, but for those that only a type checker sees."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text())
    unseen = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
              for b in node.body for n in ast.walk(b)}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            found = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(x for x in (base, node.module or "") if x)
            found = [f"{base}.{a.name}" for a in node.names]
        else:
            continue
        for target in found:
            if target.split(".")[0] in ("dbt", "runtime", "bench", "guests", "tests"):
                yield target, node.lineno


def layer(module: str) -> str | None:
    return max((x for x in ALLOWED if module == x or module.startswith(x + ".")), key=len, default=None)


def test_layers() -> None:
    wrong = []
    for name, path in modules():
        mine = layer(name)
        if mine is None:
            assert name == "dbt", f"{name} belongs to no layer"
            continue
        for target, line in imports(name, path):
            theirs = layer(target)
            if theirs == mine or any(target == a or target.startswith(a + ".") for a in ALLOWED[mine]):
                continue
            if mine == "dbt.backend" and theirs == "dbt.frontend" and name in COMPOSERS:
                continue
            if mine == "runtime" and theirs is not None and theirs.startswith("runtime") and theirs != "runtime.cli":
                continue
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {name} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_composers_are_still_needed() -> None:
    """An exception that is no longer one must go from the list."""
    using = {name for name, path in modules() if any(t.startswith("dbt.frontend") for t, _ in imports(name, path))}
    stale = {c for c in COMPOSERS if c not in using and not _imports_a_composer(c)}
    assert not stale


def _imports_a_composer(name: str) -> bool:
    return any(t.startswith("dbt.backend.translator") for n, p in modules() if n == name for t, _ in imports(n, p))


def test_machinery_is_complete() -> None:
    """What is compiled is cached by the sources of MACHINERY and what all share: one that is missing there would be used stale."""
    from dbt.backend.image import machinery_sources
    from runtime.vm import MACHINERY

    paths = dict(modules())
    named = {n for n in paths for m in MACHINERY if n == m or n.startswith(m + ".")}
    compiled = {n for n, path in paths.items() if "machinery import" in path.read_text() and n != "dbt.backend.helpers"}
    assert compiled <= named
    known = named | {n for n, path in paths.items() if str(path) in machinery_sources()}
    for name in compiled:
        for target, line in imports(name, paths[name]):
            module = target if target in paths else target.rpartition(".")[0]
            assert module in known or paths[module].name == "__init__.py", f"{name}:{line} takes {target}"


COMPILERS = {"numba", "llvmlite", "rich", "mypy", "pytest"}
# What a start of hello.elf or of a Linux program does without; each costs a tenth of it or more (dbt/records.py, dbt/backend/cache.py).
COSTLY = {"numpy", "dataclasses", "inspect", "pathlib", "hashlib", "tempfile", "subprocess", "shutil", "random", "pickle", "json", "platformdirs"}
# What Python's own start brought does not count: an editable installation may have hooks.
BEFORE = "import sys; before = set(sys.modules)\n"
CHECK = "heavy = sorted({} & (set(sys.modules) - before)); assert not heavy, heavy"
AT_EXIT = "import os; end = os._exit; os._exit = lambda status: (print(*({} & (set(sys.modules) - before)), file=sys.stderr), end(status))"


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for program in ("guests/built/hello.elf", "tests/user/built/tiny-ppc64"):
        subprocess.run([sys.executable, "-m", "runtime.cli", "run", program], cwd=ROOT, env=env, check=False, capture_output=True)  # warm now, if it was not
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "code",
    [
        "import runtime.machines.pseries",
        "from runtime.cli import main; main(['disasm', '--word', '38600001'])",
        "from runtime.cli import main; main(['cache', 'info'])",
    ],
)
def test_warm_start_imports_no_compiler(code: str) -> None:
    done = run_python(f"{BEFORE}{code}\n{CHECK.format(COMPILERS)}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import runtime.vm",
        "from runtime.cli import main; main(['run', 'guests/built/hello.elf'])",
        "from runtime.cli import main; main(['run', '--engine', 'interpreter', 'guests/built/hello.elf'])",
    ],
)
def test_warm_start_imports_little(code: str) -> None:
    done = run_python(f"{BEFORE}{code}\n{CHECK.format(COMPILERS | COSTLY)}")
    assert done.returncode == 0, done.stderr


def test_warm_start_of_a_linux_program_imports_little() -> None:
    done = run_python(f"{BEFORE}{AT_EXIT.format(COMPILERS | COSTLY)}\nfrom runtime.cli import main; main(['run', 'tests/user/built/tiny-ppc64'])")
    assert done.stdout.startswith("arguments:") and not done.stderr.split(), done.stderr
