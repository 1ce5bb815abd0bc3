"""Debian's packages by name, through the system's package client, and what building a guest from them shares."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """apt with sources, lists and cache of its own: needs neither root nor deb-src lines, leaves the system alone.

    With `architecture` it knows that architecture's packages and thinks that none is installed. With `release` ("trixie") the system's
    sources are read as if they were of that release of Debian."""

    def __init__(self, folder: Path, progress: Progress, architecture: str | None = None, release: str | None = None) -> None:
        self.folder, self.progress = folder, progress
        self.architecture, self.release = architecture, release
        self.refused = ""  # why the lists could not all be read: one source of several may be down and not matter

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

    def package(self, name: str, to: Path) -> Path:
        """Downloads one package; its file, checked by apt."""
        return self.download(["download", name], to, f"{name}_*.deb")

    def download_all(self, packages: Sequence[str]) -> list[Path]:
        """Downloads packages and all they depend on; their files, in apt's order of names."""
        self._update()
        archives = self.folder / "cache" / "archives"
        self._run(["install", "--download-only", "--no-install-recommends", "--yes", *packages], self.folder,
                  f"downloading {len(packages)} packages and what they need")
        if not (found := sorted(archives.glob("*.deb"))):
            raise FetchError("apt brought no packages")
        return found

    def dependency(self, package: str, wanted: str) -> str | None:
        """The package that another one depends on and whose name is `wanted`, a regular expression; None: there is no such one."""
        self._update()
        text = subprocess.run(["apt-cache", *self._options(), "depends", package], capture_output=True, text=True).stdout
        found = re.search(rf"Depends: ({wanted})\s", text)
        return found and found[1]

    def _update(self) -> None:
        if (self.folder / "updated").exists():
            return
        parts = self.folder / "parts"
        for name in ("parts", "lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "empty").touch()
        kinds = ("deb", "deb-src") if self.architecture is None else ("deb",)
        for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
            if path.suffix in (".sources", ".list") and path.exists():
                (parts / path.name).write_text(sources(path.read_text(), path.suffix == ".sources", kinds, self.release))
        try:
            self._run(["update"], self.folder, "reading Debian's package lists")
        except FetchError as e:
            if not any((self.folder / "lists").glob("*_Packages*")):
                raise
            self.refused = str(e)
        (self.folder / "updated").touch()

    def _options(self) -> list[str]:
        settings: dict[str, object] = {
            "Dir::Etc::SourceList": self.folder / "empty",
            "Dir::Etc::SourceParts": self.folder / "parts",
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache": self.folder / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": 2,
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
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _run(self, action: Sequence[str], cwd: Path, stage: str) -> None:
        run(["apt-get", *self._options(), *action], cwd, self.folder / "log", stage, self.progress)


def sources(text: str, deb822: bool, kinds: Sequence[str], release: str | None) -> str:
    """A file of package sources (sources.list(5), in either form), for `kinds` of packages, and of another release if one is named."""

    def of_release(suite: str) -> str:  # bookworm-updates -> trixie-updates
        return suite if release is None else re.sub(r"^\w+", release, suite)

    if deb822:
        text = re.sub(r"(?m)^Types:.*$", f"Types: {' '.join(kinds)}", text)
        return re.sub(r"(?m)^Suites:(.*)$", lambda m: " ".join(("Suites:", *map(of_release, m[1].split()))), text)
    found = re.finditer(r"(?m)^deb\s+((?:\[[^]]*\]\s+)?\S+)\s+(\S+)(.*)$", text)
    return "".join(f"{kind} {m[1]} {of_release(m[2])}{m[3]}\n" for m in found for kind in kinds)


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


def print_paths(fetch: Callable[[Progress], Iterable[Path]]) -> int:
    """The end of a script that obtains files: what they are called on standard output, errors in a line. Its exit status."""
    try:
        paths = fetch(terminal_progress())
    except FetchError as error:
        print(f"{chr(10) if sys.stderr.isatty() else ''}{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    print(*paths, sep="\n")
    return 0
