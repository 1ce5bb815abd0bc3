"""Linux programs: their output and exit status, on three ABIs.

`programs/*.c` are compiled with the cross compilers. What they print is compared with QEMU's, or, where QEMU is wrong, with `programs/*.out`,
worked out by hand: QEMU 7.2 gives SEGV_MAPERR for a protection fault and no address for a wild one, and executes no PowerPC program without binfmt_misc.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..limits import PATIENCE

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ABIS = {
    "ppc64le": ("powerpc64le-linux-gnu-gcc", "qemu-ppc64le", "/usr/powerpc64le-linux-gnu"),
    "ppc64": ("powerpc64-linux-gnu-gcc", "qemu-ppc64", "/usr/powerpc64-linux-gnu"),
    "ppc": ("powerpc-linux-gnu-gcc", "qemu-ppc", "/usr/powerpc-linux-gnu"),
}
INPUT = b"line one\nline two"
TINY = b"arguments: a b\npage 4096 entry 1\nmmap 120\nbrk 5000\nbad call -38\nbad file -9\n"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux programs need a Linux host")


def ours(program: Path, *arguments: str, options: tuple[str, ...] = (), stdin: bytes = INPUT) -> subprocess.CompletedProcess[bytes]:
    """`ppcdbt run`."""
    command = [sys.executable, "-m", "runtime.cli", "run", *options, str(program), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, input=stdin, capture_output=True, timeout=PATIENCE, env=environment)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A compiler of programs: build(name, abi, *flags)."""
    folder = tmp_path_factory.mktemp("programs")

    def made(name: str, abi: str, *flags: str) -> Path:
        out = folder / "-".join([name, abi, *flags]).replace("/", "_")
        if not out.exists():
            compiler = ABIS[abi][0]
            if not shutil.which(compiler):
                pytest.skip(f"{compiler} is not installed")
            source = HERE / "programs" / f"{name}.c"
            subprocess.run([compiler, "-O2", "-w", "-D_FILE_OFFSET_BITS=64", *(flags or ("-static",)), source, "-o", out, "-lm"], check=True)
        return out

    return made


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("abi", ABIS)
def test_a_program_without_a_library(abi: str, engine: str) -> None:
    done = ours(HERE / "built" / f"tiny-{abi}", "a", "b", options=("--engine", engine))
    assert (done.stdout, done.returncode) == (TINY, 43), done.stderr


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("name", ["files", "signals", "numbers", "threads", "events", "contexts", "more", "notified"])
def test_as_under_qemu(build, name: str, abi: str, engine: str) -> None:  # type: ignore[no-untyped-def]
    program = build(name, abi)
    qemu = ABIS[abi][1]
    if not shutil.which(qemu):
        pytest.skip(f"{qemu} is not installed")
    cpu = ("-cpu", "power9") if abi != "ppc" else ("-cpu", "7457")
    expected = subprocess.run([qemu, *cpu, program], input=INPUT, capture_output=True, timeout=PATIENCE)
    if abi == "ppc" and expected.returncode == -signal.SIGILL:
        pytest.skip("QEMU's 32-bit processors lack an instruction that the library uses")
    done = ours(program, options=("--engine", engine))
    assert (done.stdout.decode(), done.returncode) == (expected.stdout.decode(), expected.returncode), done.stderr.decode()
    assert done.stderr == b"".join(line for line in expected.stderr.splitlines(True) if not line.startswith(b"qemu:"))


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_quad_precision_as_under_qemu(build, engine: str) -> None:  # type: ignore[no-untyped-def]
    """AT_HWCAP2 announces it, so the library computes with it too."""
    program = build("quad", "ppc64le", "-static", "-mcpu=power9", "-mfloat128")
    if not shutil.which("qemu-ppc64le"):
        pytest.skip("qemu-ppc64le is not installed")
    expected = subprocess.run(["qemu-ppc64le", "-cpu", "power9", program], capture_output=True, timeout=PATIENCE, check=True)
    done = ours(program, options=("--engine", engine))
    assert done.stdout.decode() == expected.stdout.decode() and done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its root")
def test_a_program_that_changes_its_root(build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Nothing is cached, so almost all that it executes is compiled after the host's files are out of sight; and none of ours appear there."""
    program = build("jail", "ppc64le")
    monkeypatch.setenv("PPCDBT_CACHE", str(tmp_path / "cache"))
    found = {}
    for who in ("theirs", "ours"):
        root = tmp_path / who
        root.mkdir()
        shutil.copy(program, root / "program")
        if who == "ours":
            found[who] = ours(root / "program", str(root))
        elif shutil.which("qemu-ppc64le"):
            found[who] = subprocess.run(["qemu-ppc64le", "-cpu", "power9", root / "program", root], capture_output=True, timeout=PATIENCE)
        else:
            pytest.skip("qemu-ppc64le is not installed")
    child, parent = found["theirs"].stdout.decode().splitlines()  # QEMU executes no program of its architecture
    assert found["ours"].stdout.decode().splitlines() == [child, child.replace("child", "executed"), parent], found["ours"].stderr.decode()
    assert found["ours"].returncode == 5
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == ["hello", "program"]


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize(("name", "status"), [("memory", 0), ("processes", 3), ("newcode", 0)])
def test_as_linux_has_it(build, name: str, status: int, abi: str) -> None:  # type: ignore[no-untyped-def]
    done = ours(build(name, abi))
    assert (done.stdout.decode(), done.returncode) == ((HERE / "programs" / f"{name}.out").read_text(), status), done.stderr.decode()


@pytest.mark.parametrize("abi", ["ppc64le", "ppc64"])
def test_what_is_announced_works(build, abi: str) -> None:  # type: ignore[no-untyped-def]
    """AT_HWCAP and AT_HWCAP2 name what the CPU model has, and what they name can be used (QEMU 7.2 does not announce scv)."""
    lines = {"power7": ["isel 5"], "power8": ["tar 123456789", "dscr 5"], "power9": ["modud 0", "darn ok", "scv -9"]}
    expected: list[str] = []
    for cpu, more in lines.items():
        expected += more
        last = ["dadd 2238000000000002", *(["xsaddqp 4000000000000000"] if cpu == "power9" else []), "xsmaddadp 4.375", "1 1 1"]
        if (cpu, abi) == ("power7", "ppc64le"):
            continue  # its library needs more
        done = ours(build("features", abi), options=("-cpu", cpu))
        assert (done.stdout.decode().splitlines(), done.returncode) == ([*expected, *last], 0), done.stderr.decode()


@pytest.mark.parametrize("abi", ABIS)
def test_wild_pointers(build, abi: str) -> None:  # type: ignore[no-untyped-def]
    """Faults are precise in handlers and in compiled code. QEMU agrees on the registers; its si_code and si_addr are not looked at."""
    program = build("wild", abi)
    expected = subprocess.run([ABIS[abi][1], program, "relaxed"], capture_output=True, timeout=PATIENCE).stdout
    assert expected.endswith(b"wrong 0\n")
    for options in (("--engine", "interpreter"), ("--engine", "jit", "--warm", "20"), ("--engine", "jit")):
        done = ours(program, options=options)
        assert (done.stdout, done.returncode) == (expected, 0), done.stderr.decode()


@pytest.mark.parametrize("abi", ABIS)
def test_dynamic(build, abi: str) -> None:  # type: ignore[no-untyped-def]
    """Through the dynamic linker, position-independent and not."""
    for flags in (("-pie", "-fPIE"), ("-no-pie",)):
        program = build("files", abi, *flags)
        done = ours(program, options=("-L", ABIS[abi][2]))
        static = ours(build("files", abi))
        assert (done.stdout, done.returncode) == (static.stdout, static.returncode), done.stderr.decode()


def test_without_its_libraries(build) -> None:  # type: ignore[no-untyped-def]
    """The message names the interpreter and the option."""
    done = ours(build("files", "ppc64", "-pie", "-fPIE"))
    assert done.returncode == 2
    assert b"dynamic linker" in done.stderr and b"-L" in done.stderr


def test_options() -> None:
    """--strace names calls and unknown ones; -0 and -E reach the program."""
    program = HERE / "built" / "tiny-ppc64"
    done = ours(program, options=("--strace", "--stats", "-cpu", "power8", "-E", "A=b", "-0", "other"))
    assert done.returncode == 41
    assert b"write(1, " in done.stderr and b"ENOSYS" in done.stderr and b"(not implemented)" in done.stderr
    assert b"brk" in done.stderr


@pytest.mark.parametrize("page", [65536, 4096, 256])
def test_segments(build, page: int) -> None:  # type: ignore[no-untyped-def]
    """However segments share pages, of memory and of the file (QEMU maps only those of whole pages)."""
    for abi in ABIS:
        done = ours(build("segments", abi, "-static", f"-Wl,-z,max-page-size={page},-z,common-page-size={page}"))
        assert (done.stdout.decode(), done.returncode) == ("6 constant 7 0 1\n", 6), (abi, done.stderr.decode())


def test_bare_programs_stay_bare() -> None:
    """None of our bare-metal guests is taken for a Linux program; all tiny programs are."""
    from runtime.cli.linux import recognise

    for path in (ROOT / "guests" / "built").glob("*.elf"):
        assert recognise(str(path), path.read_bytes()) == ""
    for path in (HERE / "built").iterdir():
        assert "for Linux" in recognise(str(path), path.read_bytes())
    assert recognise("x", b"\x7fELF") == ""
