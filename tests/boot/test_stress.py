"""What a system has to bear: storms of processes, too little memory, and Debian's own programs computing what the host knows."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import Any

import pytest

from guests import cpio, debian, modules
from guests.fetch import FetchError
from runtime.events import Panicked, Shutdown
from tests.user.rootfs import debian as debian_root

from .debian_rig import boot, lines, trouble

pytestmark = pytest.mark.slow
CPUS = ["power8", "power9"]  # hashed page table, radix trees
STORM = """
n=0; while [ $n -lt 1000 ]; do /bin/busybox true & n=$((n+1)); [ $((n % 50)) = 0 ] && wait; done; wait; echo forked $n
busybox sha256sum /bin/busybox
exit 7
"""


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("cpu", CPUS)
def test_a_thousand_processes(files: tuple[Path, Path], cpu: str, cpus: int) -> None:
    """Forked and executed, fifty at a time."""
    found, status = boot(files[0], debian.shell(files[1], STORM.encode()), cpu=cpu, cpus=cpus, limit=8_000_000_000)
    said = lines(found)
    assert (found.event, status) == (Shutdown(0), 7), said[-20:]
    assert "forked 1000" in said
    assert f"{hashlib.sha256(files[1].read_bytes()).hexdigest()}  /bin/busybox" in said
    assert not trouble(found)


# 48 files of 2 MB in a tmpfs, twice as much as there is memory for: it is swapped out to compressed memory, read back, partly overwritten and
# read again. The counts show that this happened.
PRESSURE = """
insmod /zsmalloc.ko && insmod /zram.ko || exit 90
echo 256M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || exit 91
mkdir /t; mount -t tmpfs -o size=1g t /t
seq 1 300000 >/base
i=0; while [ $i -lt 48 ]; do { echo $i; cat /base; } >/t/$i; i=$((i+1)); done
for i in /t/*; do md5sum $i; done
for i in /t/*; do dd if=/dev/zero of=$i bs=64k seek=3 count=2 conv=notrunc 2>/dev/null; done
for i in /t/*; do md5sum $i; done
grep -E "pswp|oom_kill" /proc/vmstat
exit 5
"""


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("cpu", CPUS)
def test_too_little_memory(files: tuple[Path, Path], cpu: str, engine: Any) -> None:
    try:
        loadable = modules.fetch(("zsmalloc", "zram"))
    except FetchError as e:
        pytest.skip(str(e))
    disk = debian.shell(files[1], PRESSURE.encode()) + cpio.archive(cpio.file(m.name, m.read_bytes()) for m in loadable)
    found, status = boot(files[0], disk, cpu=cpu, engine=engine, memory=160 << 20, limit=20_000_000_000)
    said = lines(found)
    assert (found.event, status) == (Shutdown(0), 5), said[-20:]
    assert not trouble(found)
    base = "".join(f"{n}\n" for n in range(1, 300_001)).encode()
    whole = {f"/t/{i}": f"{i}\n".encode() + base for i in range(48)}
    holed = {name: data[: 3 << 16] + bytes(2 << 16) + data[5 << 16 :] for name, data in whole.items()}
    expected = [f"{hashlib.md5(data[name]).hexdigest()}  {name}" for data in (whole, holed) for name in sorted(data)]
    assert [line for line in said if line[32:35] == "  /"] == expected
    counts = dict(line.split() for line in said if line.startswith(("pswp", "oom_kill")))
    assert int(counts["pswpout"]) > 1000 and int(counts["pswpin"]) > 1000 and counts["oom_kill"] == "0"


@pytest.mark.parametrize("cpu", CPUS)
def test_no_memory_left(files: tuple[Path, Path], cpu: str) -> None:
    """The kernel kills what asks for too much (tail wants to see the end of /dev/zero), and goes on."""
    script = b"tail /dev/zero; echo tail $?; md5sum /bin/busybox; exit 9\n"
    found, status = boot(files[0], debian.shell(files[1], script), cpu=cpu, memory=160 << 20)
    said = lines(found)
    assert (found.event, status) == (Shutdown(0), 9), said[-20:]
    assert "tail 137" in said and any("Out of memory: Killed process" in line for line in said)
    assert f"{hashlib.md5(files[1].read_bytes()).hexdigest()}  /bin/busybox" in said


@pytest.mark.parametrize("cpu", CPUS)
def test_no_memory_left_and_no_mercy(files: tuple[Path, Path], cpu: str) -> None:
    script = b"echo 2 >/proc/sys/vm/panic_on_oom; tail /dev/zero; exit 9\n"
    found, status = boot(files[0], debian.shell(files[1], script), cpu=cpu, memory=160 << 20)
    assert status is None
    assert found.event == Panicked("OS panic: Out of memory: compulsory panic_on_oom is enabled")


PROGRAMS = ("sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum", "md5sum", "cksum", "openssl", "python3.11", "xz", "gzip",
            "bzip2", "zstd", "seq", "cat", "dirname", "dash")  # fmt: skip
LEFT_OUT = ("test", "idlelib", "tkinter", "lib2to3", "ensurepip", "pydoc_data", "__pycache__")
DIGESTS = """
export LD_LIBRARY_PATH=/usr/lib/powerpc64le-linux-gnu
/usr/bin/seq 1 200000 >/data
for p in sha1 sha224 sha256 sha384 sha512 md5 b2; do echo "$p $(/usr/bin/${p}sum </data)"; done
for p in sha256 sha3-512 blake2s256 sm3 md5; do echo "openssl $p $(/usr/bin/openssl dgst -r -$p </data)"; done
for p in aes-256-cbc aes-128-ctr; do
    echo "round trip $p $(/usr/bin/openssl enc -$p -K 00112233445566778899aabbccddeeff -iv 01 </data 2>/dev/null |
        /usr/bin/openssl enc -d -$p -K 00112233445566778899aabbccddeeff -iv 01 2>/dev/null | /usr/bin/md5sum)"
done
for p in "gzip -c" "bzip2 -c" "xz -c" "zstd -c"; do echo "round trip $p $(/usr/bin/$p </data | /usr/bin/${p%% *} -dc | /usr/bin/md5sum)"; done
/usr/bin/python3.11 -c '
import hashlib, zlib, binascii
d = open("/data", "rb").read()
for n in sorted(hashlib.algorithms_guaranteed):
    h = hashlib.new(n, d)
    print("python", n, h.hexdigest(16) if n.startswith("shake") else h.hexdigest())
print("python crc32", zlib.crc32(d), "adler32", zlib.adler32(d), "pbkdf2", hashlib.pbkdf2_hmac("sha256", b"pass", b"salt", 1000).hex())
print("python pow", pow(3, 65537, 2**521 - 1), sum(n * n for n in range(10**5)), repr(sum(1 / n for n in range(1, 10**5))))
'
exit 4
"""


def root_archive(root: Path) -> bytes:
    """The programs above with their libraries, as a RAM disk to be unpacked after another."""
    lib = "powerpc64le-linux-gnu"
    chosen = [root / "usr/bin" / name for name in PROGRAMS if (root / "usr/bin" / name).exists()]
    chosen += [p for p in (root / "usr/lib" / lib).glob("*.so*") if p.is_file()]
    chosen += [p for p in (root / "usr/lib/python3.11").rglob("*") if p.is_file() and not set(p.parts) & set(LEFT_OUT)]
    chosen += [p for p in (root / "lib" / lib).iterdir() if p.is_file()]
    places = {str(p.relative_to(root)): p.read_bytes() for p in chosen}
    places |= {f"usr/bin/{name}": (root / "bin" / name).read_bytes() for name in PROGRAMS if (root / "bin" / name).exists()}
    places["lib64/ld64.so.2"] = (root / "lib" / lib / "ld64.so.2").read_bytes()
    folders = sorted({str(f) for p in places for f in Path(p).parents} - {"."})
    return cpio.archive([*map(cpio.folder, folders), *(cpio.file(name, places[name], 0o755) for name in sorted(places))])


def expected_digests() -> list[str]:
    """What the programs must print, computed here."""
    data = "".join(f"{n}\n" for n in range(1, 200_001)).encode()
    md5 = hashlib.md5(data).hexdigest()
    out = [f"{p} {hashlib.new(p, data).hexdigest()}  -" for p in ("sha1", "sha224", "sha256", "sha384", "sha512", "md5")]
    out += [f"b2 {hashlib.blake2b(data).hexdigest()}  -"]
    names = {"sha256": "sha256", "sha3-512": "sha3_512", "blake2s256": "blake2s", "md5": "md5"}
    out += [f"openssl {p} {hashlib.new(n, data).hexdigest()} *stdin" for p, n in names.items()]
    out += [f"round trip {p} {md5}  -" for p in ("aes-256-cbc", "aes-128-ctr", "gzip -c", "bzip2 -c", "xz -c", "zstd -c")]
    for n in ("blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "sha512"):
        out.append(f"python {n} {hashlib.new(n, data).hexdigest()}")
    out += [f"python {n} {hashlib.new(n, data).hexdigest(16)}" for n in ("shake_128", "shake_256")]  # type: ignore[call-arg]
    key = hashlib.pbkdf2_hmac("sha256", b"pass", b"salt", 1000).hex()
    out.append(f"python crc32 {zlib.crc32(data)} adler32 {zlib.adler32(data)} pbkdf2 {key}")
    numbers = pow(3, 65537, 2**521 - 1), sum(n * n for n in range(10**5)), repr(sum(1 / n for n in range(1, 10**5)))
    out.append("python pow {} {} {}".format(*numbers))
    return out


@pytest.mark.parametrize(("cpu", "engine", "cpus"), [("power8", "jit", 1), ("power9", "jit", 1), ("power9", "interpreter", 1), ("power9", "jit", 4)])
def test_debians_programs_compute_what_we_do(files: tuple[Path, Path], cpu: str, engine: Any, cpus: int) -> None:
    disk = debian.shell(files[1], DIGESTS.encode()) + root_archive(debian_root())
    found, status = boot(files[0], disk, cpu=cpu, engine=engine, cpus=cpus, memory=1 << 30, limit=60_000_000_000)
    said = lines(found)
    assert (found.event, status) == (Shutdown(0), 4), said[-40:]
    assert not [line for line in expected_digests() if line not in said], said[-40:]
    assert not trouble(found)
