"""GCC's execution tests (gcc.c-torture/execute), built static for an ABI and run here and under QEMU.

    python -m tests.user.torture ppc64 --engine interpreter --count 200
    python -m tests.user.torture ppc64 --engine interpreter jit --all
    python -m tests.user.torture ppc64le ppc --all

The sources come from Debian's gcc-12-source (fetched with apt-get download on first use). A test passes if it exits with 0. Each runs in
a fork of one process with the engine in it, so that starting costs nothing. Exit status 1 if QEMU passes a test that we do not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ABIS = {
    "ppc64le": ("powerpc64le-linux-gnu-gcc", "qemu-ppc64le"),
    "ppc64": ("powerpc64-linux-gnu-gcc", "qemu-ppc64"),
    "ppc": ("powerpc-linux-gnu-gcc", "qemu-ppc"),
}
SECONDS, PATIENCE = 20, 300  # of a program's CPU time, and by the clock


def sources() -> list[Path]:
    """The tests' sources, fetched if need be."""
    cache = Path(os.environ.get("PPCDBT_TORTURE", Path.home() / ".cache/ppcdbt/torture"))
    if not (found := sorted(cache.glob("**/gcc.c-torture/execute/**/*.c"))):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as at:
            subprocess.run(["apt-get", "download", "gcc-12-source"], cwd=at, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["dpkg-deb", "-x", next(Path(at).glob("*.deb")), at], check=True)
            archive = next(Path(at).glob("usr/src/gcc-12/gcc-12*.tar.xz"))
            subprocess.run(["tar", "xf", archive, "-C", cache, "--wildcards", "*/gcc.c-torture/execute/*"], check=True)
        found = sorted(cache.glob("**/gcc.c-torture/execute/**/*.c"))
    return [f for f in found if "builtins" not in f.parts or (f.stem.endswith("-lib") is False and f.with_name(f.stem + "-lib.c").exists())]


def build(source: Path, compiler: str, out: Path, level: str) -> bool:
    """Compile a test, unless it is there already; False if the compiler refuses it."""
    if out.exists():
        return True
    text = source.read_text(errors="replace")
    flags = " ".join(re.findall(r'dg-(?:additional-)?options "([^"]*)"\s*}', text)).split()
    files = [str(source)]
    if "builtins" in source.parts:
        files += [str(source.with_name(source.stem + "-lib.c")), str(source.with_name("lib") / "main.c")]
        flags.append("-fno-tree-loop-distribute-patterns")
    if "ieee" in source.parts:
        flags += ["-ffloat-store"]
    command = [compiler, level, "-w", "-static", "-s", *flags, *files, "-o", str(out), "-lm"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def limit() -> None:
    """Of the CPU time of what the calling process becomes: a busy machine changes no result."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def under_qemu(qemu: str, program: Path) -> int:
    """Its exit status; negative for a signal."""
    try:
        return subprocess.run([qemu, "-cpu", "power9", program] if qemu != "qemu-ppc" else [qemu, program], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, preexec_fn=limit).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return -99


def under_ours(process: Any, program: Path) -> tuple[int, str, float]:
    """The same, in a fork of our process, what it wrote to standard error, and its seconds of CPU time."""
    compiler = process.vm.compiler
    if compiler is not None:
        compiler.before_fork()
    errors = tempfile.TemporaryFile()  # noqa: SIM115
    child = os.fork()
    if compiler is not None:
        compiler.after_fork(not child)
    if not child:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0), os.dup2(null, 1), os.dup2(errors.fileno(), 2)
            limit()
            signal.alarm(PATIENCE)
            process.forked()
            process.threads.order.forked(None)  # its thread has not begun: nobody's turn it is
            process.start(str(program), [os.fsencode(program)], [b"PATH=/bin"])
            process.run()
        except BaseException as e:
            os.write(2, f"{type(e).__name__}: {str(e)[:2000]}".encode())
        os._exit(70)
    _, status, usage = os.wait4(child, 0)
    errors.seek(0)
    return os.waitstatus_to_exitcode(status), errors.read().decode(errors="replace"), usage.ru_utime + usage.ru_stime


def serve(pipe: Connection, cpu: str, engine: str, hot_threshold: int) -> None:
    """One engine in a process of its own, which each program is a fork of: gets paths, answers as `under_ours`."""
    from runtime.user.abi import PPC64
    from runtime.user.process import Options, Process
    from runtime.user.syscalls import table

    table(PPC64)  # imported once, not in each child
    if engine == "jit":
        import dbt.backend.translator  # noqa: F401
    process = Process(Options(cpu=cpu, engine=engine, vm={"hot_threshold": hot_threshold} if engine == "jit" else {}))  # type: ignore[arg-type]
    while (program := pipe.recv()) is not None:
        pipe.send(under_ours(process, program))
    os._exit(0)


class Engine:
    """An engine's process and its results."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.cpu = name, 0.0
        self.counts = {"ours of those": 0, "ours": 0}
        self.failed: list[str] = []
        self.pipe, other = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        context.Process(target=serve, args=(other, options.cpu, name, options.hot_threshold), daemon=True).start()
        other.close()

    def close(self) -> None:
        """Let its process end."""
        self.pipe.send(None)

    def run(self, program: Path, expected: int) -> None:
        """A program that QEMU's exit status of is known."""
        self.pipe.send(program)
        result, errors, cpu = self.pipe.recv()
        self.cpu += cpu
        self.counts["ours"] += result == 0
        self.counts["ours of those"] += expected == 0 == result
        if expected == 0 != result:
            self.failed.append(f"{program.name.partition('-')[2]}: {result} {errors.strip().splitlines()[:1]}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("abi", nargs="+", choices=list(ABIS))
    parser.add_argument("--engine", nargs="+", default=["interpreter"], choices=("interpreter", "jit", "reference"))
    parser.add_argument("--cpu", default="power8")
    parser.add_argument("--count", type=int, default=100, help="how many tests, chosen by --seed")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", help="a regular expression of names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--level", default="-O2", help="of optimisation")
    parser.add_argument("--hot-threshold", type=int, default=50, help="jit: arrivals before compilation")
    parser.add_argument("--keep", type=Path, help="keep the programs in this folder")
    options = parser.parse_args()
    chosen = sources()
    if options.only:
        chosen = [s for s in chosen if re.search(options.only, str(s))]
    elif not options.all:
        chosen = sorted(random.Random(options.seed).sample(chosen, min(options.count, len(chosen))))
    bad = 0
    for abi in options.abi:
        compiler, qemu = ABIS[abi]
        if not shutil.which(compiler) or not shutil.which(qemu):
            print(f"{abi}: skipped: {compiler} and {qemu} are needed")
            continue
        engines = [Engine(name, options) for name in options.engine]
        built = passed = 0
        with tempfile.TemporaryDirectory() as at, ThreadPoolExecutor(2) as pool:
            folder = options.keep or Path(at)
            folder.mkdir(exist_ok=True)
            outs = [folder / f"{abi}-{s.parent.name}-{s.stem}" for s in chosen]
            jobs = [pool.submit(build, s, compiler, o, options.level) for s, o in zip(chosen, outs, strict=True)]
            for out, job in zip(outs, jobs, strict=True):
                if not job.result():
                    continue
                expected = under_qemu(qemu, out)
                built, passed = built + 1, passed + (expected == 0)
                for engine in engines:
                    engine.run(out, expected)
                if options.keep is None:
                    out.unlink()
        for engine in engines:
            engine.close()
            counts = {"built": built, "qemu passes": passed, **engine.counts}
            print(f"{abi} {engine.name} {options.level}: " + ", ".join(f"{k} {n}" for k, n in counts.items()) + f", {engine.cpu:.1f} s of CPU")
            for line in engine.failed:
                print("  " + line)
            bad += len(engine.failed)
        sys.stdout.flush()
    return bad > 0


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    print(f"{time.monotonic() - started:.0f} s")
    sys.stdout.flush()
    os._exit(status)
