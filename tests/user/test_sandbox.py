"""`--sandbox`: what a confined program can reach, and what it cannot."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .test_programs import ABIS, build, ours  # noqa: F401

HERE = Path(__file__).parent
# Registered calls that no sandboxed program may make.
REFUSED = """
accept accept4 bind chown chroot clock_settime clock_settime64 connect fchown fchownat ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget getpeername getsockname getsockopt ioprio_get
ioprio_set lchown listen mknod mknodat nice recv recvfrom recvmmsg recvmsg sched_setparam sched_setscheduler send sendmmsg sendmsg sendto setgid setgroups setpriority setregid setresgid setresuid setreuid
setsockopt setuid shutdown socket socketcall socketpair sync
""".split()


@pytest.mark.parametrize("abi", ABIS)
def test_confined(build, abi: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """Every way out is closed, and what is inside works (worked out by hand: programs/confined.out)."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root / "tmp", root / "bin"):
        folder.mkdir(parents=True)
    (outside / "secret").write_text("secret")
    (root / "hello").write_text("hello\n")
    (root / "bin/true").write_bytes(Path("/bin/true").read_bytes())
    (root / "bin/true").chmod(0o755)
    (root / "outward").symlink_to("/etc/passwd")
    (root / "inward").symlink_to("/bin/../hello")
    program = root / "confined"
    program.write_bytes(build("confined", abi).read_bytes())
    program.chmod(0o755)
    before = {p: p.lstat() for p in root.rglob("*")}
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = ours(program, str(outside), options=("--sandbox", "--scratch", str(scratch), "-L", str(root)))
    text = done.stdout.decode()
    assert (text, done.returncode) == ((HERE / "programs/confined.out").read_text(), 5), done.stderr.decode()
    after = {p: p.lstat() for p in root.rglob("*")}
    assert {p: (s.st_mode, s.st_nlink, s.st_mtime_ns, s.st_size) for p, s in before.items()} == {
        p: (s.st_mode, s.st_nlink, s.st_mtime_ns, s.st_size) for p, s in after.items()
    }
    assert sorted(p.name for p in scratch.iterdir()) == ["folder", "loop", "up"]
    assert (outside / "secret").read_text() == "secret" and len(list(outside.iterdir())) == 1


def test_the_scratch_folder_goes(build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """Without --scratch it is a new one; without -L there is nothing but it."""
    program = build("confined", "ppc64le")
    before = {n for n in os.listdir("/tmp") if n.startswith("ppcdbt-")}
    done = ours(program, str(tmp_path), options=("--sandbox",))
    assert done.returncode == 5 and b'open("/hello", O_RDONLY) -2' in done.stdout
    assert {n for n in os.listdir("/tmp") if n.startswith("ppcdbt-sandbox") or n.startswith("ppcdbt-empty")} <= before


def test_every_call_has_a_policy() -> None:
    """A new call is refused until someone has thought about it."""
    from runtime.user.abi import PPC64
    from runtime.user.sandbox import POLICY
    from runtime.user.syscalls import CALLS, table

    table(PPC64)
    assert sorted(set(CALLS) - set(POLICY)) == sorted(REFUSED)


def test_options() -> None:
    """What cannot be is said in one line."""
    program = HERE / "built" / "tiny-ppc64"
    done = ours(program, options=("--scratch", "/tmp"))
    assert done.returncode == 2 and b"--sandbox" in done.stderr
    assert re.search(rb"no such folder", ours(program, options=("--sandbox", "--scratch", "/nowhere")).stderr)
