"""Debian's packages by name, through the system's package client, and what building a guest from them shares."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Called with a stage ("building Linux") and a detail that changes meanwhile ("412 lines", possibly empty).
Progress = Callable[[str, str], object]


class FetchError(Exception):
    """Said in one line."""


def cache_dir() -> Path:
    """The cache of guests, made if it does not exist."""
    try:
        from platformdirs import user_cache_dir
    except ImportError:
        raise FetchError("Python package platformdirs is missing: use the project's .venv") from None
    path = Path(user_cache_dir("ppcdbt")) / "guests"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps a second build of the same guest waiting for the first."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str | Path], cwd: Path, log: Path, stage: str, progress: Progress,
        env: Mapping[str, str] | None = None) -> None:
    """Runs one step with its output in a log file; lines are its progress, and a failure says the reason."""
    lines: list[str] = []
    words = [str(word) for word in command]
    progress(stage, "")
    with log.open("a") as file:
        file.write(f"$ {' '.join(words)}\n")
        process = subprocess.Popen(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace",
                                   env={**os.environ, **(env or {})})
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            lines.append(line.strip())
            progress(stage, f"{len(lines)} lines" if len(lines) > 1 else "")
    if process.wait():
        errors = [line for line in lines if re.search(r"\berror\b|^E:|\*\*\*", line)]
        reason = next(iter(errors or lines[-1:]), f"status {process.returncode}")
        raise FetchError(f"{stage} failed: {reason} (all of it: {log})")


class Apt:
    """apt with lists and cache of its own: needs neither root nor deb-src lines, leaves the system alone.

    With `architecture` it knows that architecture's packages and thinks that none is installed."""

    def __init__(self, folder: Path, progress: Progress, architecture: str | None = None) -> None:
        self.folder = folder
        self.progress = progress
        self.architecture = architecture

    def download(self, action: Sequence[str], to: Path, pattern: str) -> Path:
        """Downloads into a folder unless it is there; the one file that matches."""
        if not (found := sorted(to.glob(pattern))):
            self._update()
            to.mkdir(parents=True, exist_ok=True)
            self._run([*action], to, f"downloading {action[-1]}")
            found = sorted(to.glob(pattern))
        if not found:
            raise FetchError(f"apt brought no {pattern}: building needs Debian 12's package sources")
        return found[0]

    def download_all(self, packages: Sequence[str]) -> list[Path]:
        """Downloads packages and all they depend on; their files, in apt's order of names."""
        self._update()
        archives = self.folder / "cache" / "archives"
        self._run(["install", "--download-only", "--no-install-recommends", "--yes", *packages], self.folder,
                  f"downloading {len(packages)} packages and what they need")
        if not (found := sorted(archives.glob("*.deb"))):
            raise FetchError("apt brought no packages")
        return found

    def _update(self) -> None:
        if (self.folder / "updated").exists():
            return
        parts = self.folder / "parts"
        for name in ("parts", "lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "empty").touch()
        kinds = "deb deb-src" if self.architecture is None else "deb"
        for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
            if path.suffix == ".sources":
                text = re.sub(r"(?m)^Types:.*$", f"Types: {kinds}", path.read_text())
                (parts / path.name).write_text(text)
            elif path.suffix == ".list" and path.exists():
                lines = [line.split(maxsplit=1)[1] for line in path.read_text().splitlines()
                         if re.match(r"deb\s", line)]
                text = "".join(f"{kind} {line}\n" for line in lines for kind in kinds.split())
                (parts / path.name).write_text(text)
        try:
            self._run(["update"], self.folder, "reading Debian's package lists")
        except FetchError:  # one source of several may be out of order for a while: what there is may do
            if not any((self.folder / "lists").glob("*_Packages*")):
                raise
        (self.folder / "updated").touch()

    def _run(self, action: Sequence[str], cwd: Path, stage: str) -> None:
        settings: dict[str, object] = {
            "Dir::Etc::SourceList": self.folder / "empty",
            "Dir::Etc::SourceParts": self.folder / "parts",
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache": self.folder / "cache",
            "APT::Sandbox::User": "root",
        }
        if self.architecture is not None:
            settings |= {
                "Dir::State::Status": self.folder / "empty",
                "Dir::State::Extended_States": self.folder / "extended",
                "APT::Architecture": self.architecture,
                "APT::Architectures": self.architecture,
                "Debug::NoLocking": "true",
            }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        run(["apt-get", *options, *action], cwd, self.folder / "log", stage, self.progress)


def terminal_progress() -> Progress:
    """One changing line on a terminal; elsewhere one line a stage."""
    stages: list[str] = []
    live = sys.stderr.isatty()

    def show(stage: str, detail: str) -> None:
        if live:
            end = f"  {detail}" if detail else ""
            new = "\n" if stages and stages[-1] != stage else ""
            sys.stderr.write(f"{new}\r\x1b[K{stage}{end}")
        elif not stages or stages[-1] != stage:
            sys.stderr.write(stage + "\n")
        sys.stderr.flush()
        stages.append(stage)
        del stages[:-1]

    return show
