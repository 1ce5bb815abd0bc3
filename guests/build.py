"""Builds the guest programs: bare ELF files (committed, in built/) and, on request, their twins.

    python guests/build.py              rebuild guests/built/*.elf with the cross compiler
    python guests/build.py --host DIR   benchmarks for Linux/ppc64, for this machine and for QEMU's pseries
    python guests/build.py --check      run the native and ppc64 twins and compare with bench/expected.json
    python guests/build.py --expect     recompute the results in bench/expected.json with the native compiler
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BARE = HERE / "bare"
BENCH = HERE / "bench"
BUILT = HERE / "built"
EXPECTED = BENCH / "expected.json"

CROSS = "powerpc64-linux-gnu-"
LITTLE = "powerpc64le-linux-gnu-"
PACKAGES = {
    CROSS + "gcc": "gcc-powerpc64-linux-gnu libc6-dev-ppc64-cross",
    LITTLE + "gcc": "gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross",
    CROSS + "objcopy": "binutils-powerpc64-linux-gnu",
    "gcc": "gcc libc6-dev",
    "qemu-ppc64": "qemu-user",
    "qemu-ppc64le": "qemu-user",
    "qemu-system-ppc64": "qemu-system-ppc",
}

# Floating point must round the same everywhere: no fused operations. Loops stay loops: no calls of memset.
COMMON = ["-std=c11", "-O2", "-Wall", "-Wextra", "-fno-strict-aliasing", "-ffp-contract=off",
          "-fno-math-errno", "-fno-tree-loop-distribute-patterns"]
# Classic instructions only: no AltiVec, no VSX.
CLASSIC = ["-mcpu=power7", "-mno-vsx", "-mno-altivec"]
FREESTANDING = ["-ffreestanding", "-fno-builtin", "-fno-pic", "-fno-pie", "-fno-stack-protector",
                "-fno-asynchronous-unwind-tables", "-fno-ident", "-I", str(BARE)]
LINK = ["-nostdlib", "-static", "-no-pie", "-T", str(BARE / "bare.ld"), "-Wl,-z,max-page-size=4096",
        "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-Wl,--strip-debug"]

BE64 = ["-m64", "-mbig-endian", "-mabi=elfv2", *CLASSIC]
LE64 = ["-m64", "-mlittle-endian", "-mabi=elfv2", "-mcpu=power8", "-mno-vsx", "-mno-altivec"]
BE32 = ["-m32", "-mbig-endian", "-mcpu=powerpc", "-mno-altivec"]


class BuildError(Exception):
    """Said in one line."""


def tool(name: str) -> str:
    """The name of a tool that is there. BuildError: the Debian packages that bring it."""
    if reason := missing(name):
        raise BuildError(reason)
    return name


def missing(name: str) -> str | None:
    """Why a tool cannot be used, or None."""
    return None if shutil.which(name) else f"{name} not found: apt-get install {PACKAGES.get(name, name)}"


def run(command: Sequence[str | Path]) -> str:
    """Runs a command and returns its output; what it complains about is shown."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise BuildError(f"{Path(command[0]).name} failed with status {done.returncode}")
    return done.stdout


@dataclass(frozen=True)
class Program:
    """A bare program: its name and sources below bare/, and the code it is built for."""

    name: str
    sources: tuple[str, ...]
    target: tuple[str, ...] = tuple(BE64)


PROGRAMS = [
    Program("hello", ("hello.c",)),
    Program("hello32", ("hello.c",), tuple(BE32)),
    Program("hello64le", ("hello.c",), tuple(LE64)),
    Program("echo", ("echo.c",)),
    Program("selfmod", ("selfmod.c",)),
    Program("traps", ("traps.c", "vectors.S")),
]


@dataclass(frozen=True)
class Run:
    """So many rounds of a workload, and the checksum they must give."""

    reps: int
    result: str


@dataclass(frozen=True)
class Workload:
    """A row of expected.json: `full` takes about a second under qemu-ppc64, `quick` is for tests."""

    name: str
    kind: str
    full: Run
    quick: Run

    @property
    def source(self) -> Path:
        return BENCH / f"{self.name}.c"

    def defines(self) -> list[str]:
        return [f'-DNAME="{self.name}"', f"-DREPS={self.full.reps}"]


def workloads() -> list[Workload]:
    """Every workload, from expected.json."""
    rows = json.loads(EXPECTED.read_text())
    return [
        Workload(row["name"], row["kind"], Run(row["reps"], row["expected"]),
                 Run(row["quick_reps"], row["quick_expected"]))
        for row in rows
    ]


def save(table: Sequence[Workload]) -> None:
    rows = [
        {"name": w.name, "kind": w.kind, "reps": w.full.reps, "expected": w.full.result,
         "quick_reps": w.quick.reps, "quick_expected": w.quick.result}
        for w in table
    ]
    EXPECTED.write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")


def link_bare(out: Path, target: Sequence[str], sources: Sequence[Path], extra: Sequence[str] = (),
              machine: str = "ports.c") -> None:
    """Compiles and links one freestanding program."""
    common = [BARE / name for name in ("start.S", "console.c", machine, "memory.c")]
    run([tool(CROSS + "gcc"), *COMMON, *FREESTANDING, *target, *extra, *LINK, *common, *sources, "-o", out])


def build_bare(out: Path) -> None:
    """The bare machine's programs and benchmarks, as committed."""
    for program in PROGRAMS:
        link_bare(out / f"{program.name}.elf", program.target, [BARE / source for source in program.sources])
    for w in workloads():
        link_bare(out / f"bench-{w.name}.elf", BE64, [BENCH / "main.c", w.source], w.defines())


def build_pseries(out: Path) -> None:
    """The big-endian 64-bit programs for QEMU's pseries machine: see `pseries_command`.

    QEMU adds kernel-addr to the load address, so that is set to zero; code and symbols stay where they were.
    """
    objcopy = tool(CROSS + "objcopy")

    def finish(name: str, sources: Sequence[Path], extra: Sequence[str] = ()) -> None:
        link_bare(out / name, BE64, sources, extra, "pseries.c")
        run([objcopy, "--change-section-lma", "*-0x10000", out / name])

    for program in PROGRAMS:
        if program.target == tuple(BE64):
            finish(program.name, [BARE / source for source in program.sources])
    for w in workloads():
        finish(f"bench-{w.name}", [BENCH / "main.c", w.source], w.defines())


def pseries_command(program: Path) -> list[str]:
    """Runs what `build_pseries` built, on QEMU without other firmware than its own few instructions."""
    # Without these four, QEMU warns that its emulation does not offer them.
    quiet = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"
    machine = f"pseries,x-vof=on,kernel-addr=0x10000,{quiet}"
    return [tool("qemu-system-ppc64"), "-M", machine, "-cpu", "power8", "-m", "256", "-display", "none",
            "-vga", "none", "-net", "none", "-serial", "stdio", "-monitor", "none", "-kernel", str(program)]


def build_linux(out: Path) -> None:
    """Static Linux programs for qemu-ppc64, big-endian, the same instruction subset as the bare ones."""
    for w in workloads():
        run([tool(CROSS + "gcc"), *COMMON, *CLASSIC, "-static", *w.defines(), BENCH / "main.c", w.source,
             "-o", out / w.name])


def build_native(out: Path) -> None:
    """The same programs for the machine this runs on."""
    for w in workloads():
        run([tool("gcc"), *COMMON, *w.defines(), BENCH / "main.c", w.source, "-o", out / w.name])


HOST_BUILDS: dict[str, Callable[[Path], None]] = {
    "linux": build_linux,
    "native": build_native,
    "pseries": build_pseries,
}


def build_host(out: Path) -> dict[str, str]:
    """Builds OUT/linux, OUT/native and OUT/pseries; returns what could not be built, with the reason."""
    failed = {}
    for name, build in HOST_BUILDS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            build(folder)
        except BuildError as error:
            failed[name] = str(error)
    return failed


def result_of(command: Sequence[str | Path]) -> tuple[str, float]:
    """Runs a twin; the last word it printed and the seconds it took."""
    start = time.perf_counter()
    words = run(command).split()
    return words[-1] if words else "", time.perf_counter() - start


def expect() -> None:
    """Recomputes every result natively, keeping the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        build_native(Path(folder))
        save([
            Workload(w.name, w.kind, *(Run(r.reps, result_of([Path(folder) / w.name, str(r.reps)])[0])
                                       for r in (w.full, w.quick)))
            for w in workloads()
        ])


def check() -> int:
    """Runs every twin that this machine can run; prints a row each and returns how many disagreed."""
    wrong = 0

    def compare(target: str, got: str, want: str, seconds: float) -> str:
        nonlocal wrong
        wrong += got != want
        return f"{target} {seconds:5.2f} s {'ok' if got == want else 'WRONG ' + got}"

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        left_out = build_host(folder)
        for runner, target in (("qemu-ppc64", "linux"), ("qemu-system-ppc64", "pseries")):
            if not shutil.which(runner):
                left_out[target] = f"{runner} not found: apt-get install {PACKAGES[runner]}"
        for target, problem in left_out.items():
            print(f"left out: {target}: {problem}", file=sys.stderr)
        for w in workloads():
            cells = []
            for target, prefix in (("native", []), ("linux", ["qemu-ppc64"])):
                if target not in left_out:
                    quick, _ = result_of([*prefix, folder / target / w.name, str(w.quick.reps)])
                    full, seconds = result_of([*prefix, folder / target / w.name])
                    want = f"{w.quick.result} {w.full.result}"
                    cells.append(compare(target, f"{quick} {full}", want, seconds))
            if "pseries" not in left_out:
                full, seconds = result_of(pseries_command(folder / "pseries" / f"bench-{w.name}"))
                cells.append(compare("pseries", full, w.full.result, seconds))
            print(f"{w.name:14}{w.full.reps:8}  {w.full.result}  {'  '.join(cells)}", flush=True)
        if "pseries" not in left_out:
            for program, want in (("hello", "big-endian)"), ("selfmod", "ok"), ("traps", "ok")):
                got, seconds = result_of(pseries_command(folder / "pseries" / program))
                print(f"{program:40}  {compare('pseries', got, want, seconds)}", flush=True)
    return wrong


def main() -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--host", type=Path, metavar="DIR", help="build DIR/linux, DIR/native, DIR/pseries")
    action.add_argument("--check", action="store_true", help="compare the twins with expected.json")
    action.add_argument("--expect", action="store_true", help="recompute expected.json natively")
    parser.add_argument("--out", type=Path, default=BUILT, metavar="DIR", help="where the bare programs go")
    options = parser.parse_args()
    try:
        if options.host:
            failed = build_host(options.host)
            for name, problem in failed.items():
                print(f"build.py: {name}: {problem}", file=sys.stderr)
            return 1 if failed else 0
        if options.check:
            return 1 if check() else 0
        if options.expect:
            expect()
            return 0
        options.out.mkdir(parents=True, exist_ok=True)
        build_bare(options.out)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
