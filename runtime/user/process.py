"""A Linux process: a machine whose CPUs, one for each thread, run in problem state, and the kernel's side of it."""

from __future__ import annotations

import os
import signal as host_signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

from dbt.records import Record, field, replace
from runtime.events import Budget, Fault, Hypercall, NotEmulated, ProgramCheck, Syscall
from runtime.loader.errors import LoadError

from . import native
from .auxv import facilities
from .errno import EFAULT, EINTR, ENOSYS, ERESTART, SyscallError
from .frames import set_fpscr
from .loader import LIMIT, PIE_BASE, Program, entry_point, make_stack, map_program, read_program
from .memory import AddressSpace, page_up
from .robust import release_robust
from .siginfo import SIGBUS, fault_info
from .signals import Signals
from .syscalls import arguments, table
from .threads import EVENT, TURN, Thread, Threads

if TYPE_CHECKING:
    import random

    from .abi import Abi
    from .limits import Limits
    from .sandbox import Sandbox

MSR_USER = 0x4000 | 0x1000 | 0x20 | 0x10 | 0x2 | 0x2000 | 0x900 | 1 << 25 | 1 << 23  # PR ME IR DR RI FP FE0 FE1 VEC VSX
MSR_SF, MSR_LE = 1 << 63, 1
SLICE = 1 << 24
FOREVER = 1 << 62
AT_FDCWD = -100


class Options(Record):
    """How programs run; inherited by what they execute."""

    cpu: str = "power9"
    engine: Any = "jit"
    parallel: bool = False  # threads run at once, not in turns
    root: str = ""  # -L
    scratch: str = ""  # --sandbox: the folder it may write to
    temporary: bool = False  # which is removed at the end
    strace: bool = False
    stats: bool = False
    render: Callable[[dict[str, Any]], str] = str  # statistics as text
    failed: Callable[[BaseException], int] = lambda e: 1  # says what went wrong in us; the exit status
    seed: int | None = None  # for AT_RANDOM
    stack: int = 8 << 20
    timeout: float | None = None  # seconds
    max_instructions: int | None = None  # of each process
    trace: str | None = None  # a file for all instructions
    stats_json: str | None = None
    warm: float = 0.0  # seconds to compile what became hot for, at the end
    vm: dict[str, Any] = field(default_factory=dict)


class Process:
    """One process. `run` returns when it ends, by ending ours as well."""

    def __init__(self, options: Options) -> None:
        from runtime.vm import VM

        self.options = options
        every = native.set_mask(native.SIG_BLOCK, native.EVERY)  # what threads we start inherit: signals come to the program's
        self.vm = VM(cpu=options.cpu, engine=options.engine, direct=True, parallel=options.parallel, **options.vm)
        native.set_mask(native.SIG_SETMASK, every)
        self.vcpu: Any = self.vm.vcpus[0]  # of the thread that runs
        self.vcpu.dec_expiry = FOREVER
        self.threads = Threads(self)
        self.space = AddressSpace(self.vm, LIMIT[64])
        self.abi: Abi
        self.program: Program
        self.calls: dict[int, Any] = {}
        self.argv: list[bytes] = []
        self.signals = Signals(self)
        self.root = os.path.abspath(os.fsencode(options.root)) if options.root else b""
        self.sandbox: Sandbox | None = None
        if options.scratch:
            from .sandbox import Sandbox

            self.sandbox = Sandbox(self, self.root, os.fsencode(options.scratch), options.temporary)
        self.counts: dict[str, int] = {}
        self.attached: dict[int, int] = {}  # System V shared memory: address to size
        self.converts = False  # there is a descriptor whose contents are in the host's byte order
        self.limits: Limits | None = None
        if options.timeout is not None or options.max_instructions is not None or options.trace is not None:
            from .limits import Limits

            self.limits = Limits(self, options.timeout, options.max_instructions, options.trace)
        self.first = os.getpid()
        self.random: random.Random | None = None
        if options.seed is not None:
            import random

            self.random = random.Random(options.seed)

    # -- starting
    def start(self, path: str, argv: list[bytes], environment: list[bytes], file: BinaryIO | None = None) -> None:
        """Load a program. LoadError or OSError if it is none."""
        with ExitStack() as files:
            self.load(self.programs(path, file or files.enter_context(open(path, "rb")), files), argv, environment)

    def programs(self, path: str, file: BinaryIO, files: ExitStack) -> list[tuple[Program, BinaryIO]]:
        """A program, and its dynamic linker if it names one, with their files, which `files` closes. LoadError or OSError if it is none."""
        program = read_program(path, file)
        images = [(program, file)]
        if program.interpreter is not None:
            found = os.fsdecode(self.path(os.fsencode(program.interpreter)))
            try:
                linker = files.enter_context(open(found, "rb"))  # noqa: SIM115
                images.append((read_program(found, linker), linker))
            except OSError as e:
                raise LoadError(path, f"its dynamic linker {program.interpreter} cannot be read: {e.strerror}"
                                      + ("; give the root of its libraries with -L" if not self.options.root else "")) from None  # fmt: skip
        return images

    def load(self, images: list[tuple[Program, BinaryIO]], argv: list[bytes], environment: list[bytes]) -> None:
        """Load a program, and its dynamic linker if there is one, in place of what there is."""
        program, file = images[0]
        interpreter = images[1][0] if len(images) > 1 else None
        self.program, self.abi, self.argv = program, program.abi, argv
        self.attached.clear()
        self.calls = table(self.abi)
        bits = self.abi.bits
        space = self.space
        space.clear()
        space.limit = space.top = min(LIMIT[bits], self.vm.memory_size)
        end = map_program(space, program, file, PIE_BASE[bits])
        entry, toc = entry_point(space, program)
        space.brk_start = space.brk = page_up(end)
        sixteen = self.random.randbytes(16) if self.random is not None else os.urandom(16)
        vcpu = self.vcpu
        if interpreter is not None:
            space.top = space.limit - (page_up(self.options.stack) + (2 << 20))
            map_program(space, interpreter, images[1][1], None)
            entry, toc = entry_point(space, interpreter)
        sp = make_stack(space, program, interpreter, self.vm.cpu, argv, environment, sixteen, self.options.stack)
        self.signals.place_trampolines()
        for i in range(32):
            vcpu.gpr[i] = 0
            vcpu.vsr[i] = vcpu.vsr[32 + i] = 0
        vcpu["cr"] = vcpu["xer"] = vcpu.lr = vcpu.ctr = vcpu.vscr = vcpu.vrsave = 0
        set_fpscr(self, 0)
        vcpu.reserve_ea = 0
        vcpu.darn = int.from_bytes(sixteen[:8], "little")
        vcpu.gpr[1], vcpu.gpr[2], vcpu.nia = sp, toc, entry
        if not self.abi.descriptors:
            vcpu.gpr[12] = entry
        self.set_msr()

    def set_msr(self) -> None:
        """Problem state, as the ABI wants it."""
        self.vcpu.fscr = facilities(self.vm.cpu)
        self.vcpu.msr = MSR_USER | (MSR_SF if self.abi.bits == 64 else 0) | (MSR_LE if self.abi.little else 0)
        self.vcpu.mode_changed()

    def path(self, name: bytes, follow: bool = True, directory: int = AT_FDCWD) -> bytes:
        """A path name of the guest as the host should look it up: below -L, if it is there. Links below -L lead to places below it."""
        if self.sandbox is not None:
            if name.startswith(b"/proc/") and self.sandbox.opens:
                return name  # for proc_file
            return self.sandbox.resolve(name, follow, directory)
        if name == b"/proc/self/exe" and follow:
            return os.fsencode(self.program.path)
        root = self.root
        if not root or not name.startswith(b"/") or name.startswith((b"/proc/", b"/dev/")):
            return name
        if name == root or name.startswith(root + b"/"):
            return self.follow(name) if follow else name
        found = below(root, name, follow)
        return root + found if os.path.lexists(root + found) else name

    def follow(self, path: bytes) -> bytes:
        """A path of the host; if its last part is a link below -L, what that means there."""
        if self.sandbox is not None:
            return self.sandbox.again(path)
        if self.root and path.startswith(self.root + b"/") and os.path.islink(path):
            return self.root + below(self.root, path[len(self.root) :], True)
        return path

    def execute(self, images: list[tuple[Program, BinaryIO]], files: ExitStack, argv: list[bytes], environment: list[bytes]) -> None:
        """execve, when nothing can go wrong any more: as `load`; descriptors that are marked so are closed."""
        self.load(images, argv, environment)
        files.close()
        ours = self.sandbox.high if self.sandbox is not None else 1 << 31
        for name in os.listdir("/proc/self/fd"):
            if int(name) >= ours:
                continue
            flags = native.host(native.NR["fcntl"], int(name), 1)  # F_GETFD
            if flags > 0 and flags & 1:
                native.host(native.NR["close"], int(name))

    def forked(self) -> None:
        """In the child of a fork."""
        self.threads.forked()
        self.threads.current.pending.clear()
        self.counts.clear()
        self.options = replace(self.options, warm=0.0)
        if self.limits is not None:
            self.limits.start()

    def proc_file(self, path: bytes) -> int | None:
        """A file of /proc that the host would answer wrongly, as a descriptor."""
        name = path.removeprefix(b"/proc/").replace(b"%d/" % os.getpid(), b"self/")
        if name == b"self/maps":
            text = self.space.describe().encode()
        elif name == b"self/cmdline":
            text = b"".join(a + b"\0" for a in self.argv)
        elif name == b"cpuinfo":
            text = b"".join(b"processor\t: %d\ncpu\t\t: %s\nclock\t\t: 1000.000000MHz\nrevision\t: 2.0\n\n" % (n, self.vm.cpu.name.encode())
                            for n in range(os.cpu_count() or 1)) + b"timebase\t: 512000000\nplatform\t: pSeries\n"  # fmt: skip
        else:
            return None
        fd = os.memfd_create("proc", 0)
        os.write(fd, text)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def say(self, text: str) -> None:
        """--strace: a remark."""
        if self.options.strace:
            os.write(2, f"ppcdbt: {text}\n".encode())

    # -- running
    def run(self) -> None:
        """Run to the end of the process. Does not return."""
        host_signal.signal(host_signal.SIGINT, host_signal.SIG_DFL)
        host_signal.signal(host_signal.SIGPIPE, host_signal.SIG_DFL)
        if self.limits is not None:
            self.limits.start()
        self.threads.run()

    def run_thread(self) -> None:
        """Run the current thread, until it ends (Ended)."""
        threads, t, vcpu = self.threads, self.threads.current, self.vcpu
        run: Callable[[int], Any] = vcpu.run if self.limits is None else self.limits.run
        left = TURN  # instructions of its turn; anything else costs some of it too
        while True:
            if threads.many and left <= 0:
                threads.order.turn(t)
                left = TURN
            start = vcpu.icount
            event = run(left if threads.many else SLICE)
            left -= vcpu.icount - start + EVENT
            kind = type(event)
            if kind is Syscall:
                self.syscall(t, event.scv)
            elif kind is Fault:
                self.signals.fault(event)
            elif kind is ProgramCheck or kind is Hypercall:
                vcpu.nia -= 4 if kind is Hypercall else 0
                self.signals.program_check(event if kind is ProgramCheck else ProgramCheck(0x4_0000))
            elif kind is not Budget:
                raise NotEmulated(f"a Linux program ended with {event}")
            if self.space.missing():  # memory went away in the middle of an access: another process made a file shorter
                self.signals.force(SIGBUS, fault_info(SIGBUS, 2, 0))
            if vcpu.attention:
                self.signals.attend()
            t.interrupted = None

    def syscall(self, t: Thread, scv: bool) -> None:
        """Make the call in r0 and give its result."""
        vcpu = self.vcpu
        t.scv, t.no_result = scv, False
        number = vcpu.gpr[0] & 0xFFFF_FFFF
        name, call = self.calls.get(number, (f"{number}", None))
        first = vcpu.gpr[3]
        given: list[Any] = []
        self.counts[name] = self.counts.get(name, 0) + 1
        if call is None:
            result = -ENOSYS
        else:
            try:
                if self.sandbox is not None:
                    self.sandbox.enter(name)
                given = arguments(self, call.kinds)
                result = call.function(self, *given) or 0
            except SyscallError as e:
                result = -e.number
            except OSError as e:
                result = -(e.errno or EFAULT)
            finally:
                if self.sandbox is not None:
                    self.sandbox.leave()
        if self.options.strace:
            self.trace(name, given, result, call is not None)
        if t.no_result:  # rt_sigreturn, execve: all registers are set
            return
        if result == -ERESTART:
            vcpu.nia -= 4
            vcpu.gpr[3] = first
            return
        if result == -EINTR:
            t.interrupted = (name, first, vcpu.nia - 4)
        self.set_result(result)

    def set_result(self, result: int) -> None:
        """r3; an error is negative after `scv`, and in CR0[SO] after `sc`."""
        vcpu = self.vcpu
        if self.threads.current.scv:
            vcpu.gpr[3] = result & self.abi.mask
        elif -4096 < result < 0:
            vcpu.gpr[3] = -result
            vcpu.cr[0] |= 1
        else:
            vcpu.gpr[3] = result & self.abi.mask
            vcpu.cr[0] &= 14

    def trace(self, name: str, given: list[Any], result: int, known: bool) -> None:
        """--strace: a line on standard error."""
        def shown(a: Any) -> str:
            return repr(os.fsdecode(a)) if isinstance(a, bytes) else str(a) if -4096 < a < 65536 else hex(a)

        text = ", ".join(map(shown, given))
        if -4096 < result < 0:
            from errno import errorcode

            end = f"-1 {errorcode.get(-result, -result)} ({os.strerror(-result)})" if result != -ERESTART else "? (to be restarted)"
        else:
            end = shown(result)
        note = "" if known else " (not implemented)"
        os.write(2, f"{self.threads.current.tid} {name}({text}) = {end}{note}\n".encode())

    # -- ending
    def finish(self, status: int) -> None:
        """exit_group: statistics, caches, and the end of our own process."""
        for t in self.threads.all:  # other processes may share the mutexes
            if t.robust_list:
                release_robust(self, t)
        self.close()
        os._exit(status & 0xFF)

    def close(self) -> None:
        """What is to be kept is written out."""
        self.vm.engine.keep()
        if self.limits is not None:
            self.limits.flush()
        if self.vm.compiler is not None:
            if self.options.warm > 0:
                self.vm.compiler.drain(self.options.warm)
            self.vm.compiler.keep()
        if self.options.stats or self.options.stats_json is not None:
            self.report()
        if self.sandbox is not None:
            self.sandbox.close()

    def report(self) -> None:
        """--stats of each process, --stats-json of the first."""
        from runtime.stats import collect

        stats = collect(self.vm, dict(self.counts))
        if self.options.stats_json is not None and os.getpid() == self.first:
            import json

            with open(self.options.stats_json, "w") as f:
                f.write(json.dumps(stats, indent=1) + "\n")
        if not self.options.stats:
            return
        os.write(2, ("\n" + self.options.render(stats) + "\n").encode())

    def die(self, number: int) -> None:
        """End by a signal."""
        self.close()
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # the core would be ours
        native.set_default(number)
        native.set_mask(native.SIG_UNBLOCK, 1 << (number - 1))
        os.kill(os.getpid(), number)
        os._exit(128 + number)

    def fail(self, e: BaseException) -> None:
        """Something is wrong with us, in one of several threads."""
        status = self.options.failed(e)
        self.close()
        os._exit(status)


def below(root: bytes, name: bytes, follow: bool, depth: int = 0) -> bytes:
    """`name` with the links on its way resolved as if `root` were the root folder."""
    done = b""
    parts = [x for x in name.split(b"/") if x not in (b"", b".")]
    for i, part in enumerate(parts):
        if part == b"..":
            done = done[: done.rfind(b"/")] if done else b""
            continue
        here = done + b"/" + part
        if depth < 40 and (follow or i + 1 < len(parts)) and os.path.islink(root + here):
            target = os.readlink(root + here)
            rest = b"/".join(parts[i + 1 :])
            return below(root, (target if target.startswith(b"/") else done + b"/" + target) + (b"/" + rest if rest else b""), follow, depth + 1)
        done = here
    return done + (b"/" if name.endswith(b"/") and done else b"") or b"/"
