"""Signals: those of the host's kernel, and those that the program's own faults are.

The guest's mask is the host's mask of this thread, its ignored and default actions are the host's; a signal with a handler is taken by
native.py's handler and delivered here, between two stretches of guest code. Signal numbers and masks are the same on both sides.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.events import Fault, ProgramCheck

from . import frames, native
from .errno import EINVAL, ENOMEM, EPERM, SyscallError
from .memory import PAGE, PROT_EXEC, PROT_READ, PROT_WRITE
from .siginfo import SI_USER, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, fault_info, to_guest

if TYPE_CHECKING:
    from .process import Process
    from .threads import Thread

SIG_DFL, SIG_IGN = 0, 1
SA_NOCLDSTOP, SA_NOCLDWAIT, SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND = (
    1, 2, 4, 0x0800_0000, 0x1000_0000, 0x4000_0000, 0x8000_0000,
)  # fmt: skip
SS_ONSTACK, SS_DISABLE = 1, 2
SIGKILL, SIGSTOP = 9, 19
UNBLOCKABLE = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1)
IGNORED_BY_DEFAULT = (17, 18, 23, 28)  # CHLD CONT URG WINCH
RESTARTED = {
    "read", "readv", "write", "writev", "pread64", "pwrite64", "open", "openat", "creat", "wait4", "waitpid", "waitid", "ioctl", "flock",
    "fcntl", "fcntl64", "futex", "accept", "accept4", "connect", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "splice",
    "copy_file_range", "sendfile", "sendfile64", "getrandom", "socketcall", "ipc", "mq_timedreceive", "mq_timedsend",
}  # fmt: skip
DSISR_STORE = 0x0200_0000
RETRIES = 20  # of an instruction that faults though it may not, before that is believed
FPSCR_CAUSES = ((0x2000_0000, 0x80, 7), (0x1000_0000, 0x40, 4), (0x0800_0000, 0x20, 5), (0x0400_0000, 0x10, 3), (0x0200_0000, 0x08, 6))


class Action(NamedTuple):
    """What the program wants done with a signal."""

    handler: int = SIG_DFL
    flags: int = 0
    mask: int = 0


class Signals:
    """A process's signal state."""

    def __init__(self, process: Process) -> None:
        self.p = process
        self.actions: dict[int, Action] = {}
        self.trampoline = 0
        self.thread.mask = native.set_mask(native.SIG_BLOCK, 0)

    @property
    def thread(self) -> Thread:
        """The one that runs: masks, pending signals and alternate stacks are a thread's own."""
        return self.p.threads.current

    def take(self, mask: int) -> bytes | None:
        """The first pending signal of a set, which then is not pending any more."""
        pending = self.thread.pending
        for info in pending:
            if mask >> (int.from_bytes(info[:4], "little") - 1) & 1:
                pending.remove(info)
                return info
        return None

    def place_trampolines(self) -> None:
        """After exec: the page handlers return to; handlers become defaults, ignored signals stay so."""
        p = self.p
        self.trampoline = p.space.limit - (0x8000 if p.abi.bits == 64 else PAGE)
        p.space.map(self.trampoline, PAGE, PROT_READ | PROT_EXEC, name="[sigreturn]")
        p.space.write(self.trampoline, frames.trampolines(p.abi), force=True)
        for number, action in list(self.actions.items()):
            if action.handler != SIG_IGN:
                self.set(number, Action())
        self.thread.stack = (0, SS_DISABLE, 0)

    # -- what calls do
    def get(self, number: int) -> Action:
        """A signal's action."""
        if number in self.actions:
            return self.actions[number]
        return Action(SIG_IGN) if native.get_action(number) == SIG_IGN else Action()

    def set(self, number: int, action: Action) -> None:
        """Change it. EINVAL for a signal there is none of, or that cannot be caught."""
        if not 1 <= number <= 64 or number in (SIGKILL, SIGSTOP):
            raise SyscallError(EINVAL)
        self.actions[number] = action
        flags = action.flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)
        native.set_action(number, action.handler if action.handler in (SIG_DFL, SIG_IGN) else None, flags)

    def set_mask(self, mask: int) -> None:
        """The signals that are blocked from now on."""
        t = self.thread
        t.mask = mask & ~UNBLOCKABLE
        native.set_mask(native.SIG_SETMASK, t.mask)
        if t.pending:
            t.vcpu.attention = 1

    def set_stack(self, address: int, flags: int, size: int) -> None:
        """sigaltstack."""
        if self.on_stack(self.p.vcpu.gpr[1]):
            raise SyscallError(EPERM)
        if flags & ~0x8000_0000 not in (0, SS_ONSTACK, SS_DISABLE):
            raise SyscallError(EINVAL)
        if flags & SS_DISABLE:
            self.thread.stack = (0, SS_DISABLE, 0)
        elif size < 2048:
            raise SyscallError(ENOMEM)
        else:
            self.thread.stack = (address, flags, size)

    def on_stack(self, sp: int) -> bool:
        """Whether a stack pointer is on the alternate stack."""
        address, flags, size = self.thread.stack
        return not flags & SS_DISABLE and 0 <= sp - address < size

    def stack_now(self) -> tuple[int, int, int]:
        """stack_t as the kernel reports it."""
        address, flags, size = self.thread.stack
        return address, flags | (SS_ONSTACK if self.on_stack(self.p.vcpu.gpr[1]) else 0), size

    # -- delivery
    def attend(self) -> None:
        """Deliver what has arrived."""
        t = self.thread
        t.vcpu.attention = 0
        t.pending += [i for i in t.mailbox.signals() if struct.unpack_from("<i4xi", i) != native.KICK]
        blocked = t.mask
        for info in list(t.pending):
            number = int.from_bytes(info[:4], "little")
            if blocked >> (number - 1) & 1:
                continue
            t.pending.remove(info)
            if self._deliver(number, info):
                blocked = t.mask
        if t.interrupted is not None:  # by what the program does not see
            self._restart(*t.interrupted)
        if t.suspended is not None:  # nothing was delivered
            mask, t.suspended = t.suspended, None
            self.set_mask(mask)

    def _restart(self, name: str, first: int, nia: int) -> None:
        """Make a call again that was interrupted."""
        v = self.p.vcpu
        v.nia, v.gpr[3] = nia, first
        v.cr[0] &= 14
        self.thread.interrupted = None

    def _deliver(self, number: int, info: bytes) -> bool:
        """Do a signal's action; whether a handler is to run."""
        action = self.get(number)
        if action.handler == SIG_IGN or (action.handler == SIG_DFL and number in IGNORED_BY_DEFAULT):
            return False
        if action.handler == SIG_DFL:
            if number in (20, 21, 22):  # TSTP TTIN TTOU: the host stops us
                native.host(native.NR["kill"], native.host(native.NR["getpid"]), SIGSTOP)
                return False
            self.p.die(number)
        t = self.thread
        if t.interrupted is not None and action.flags & SA_RESTART and t.interrupted[0] in RESTARTED:
            self._restart(*t.interrupted)
        t.interrupted = None
        self._enter(number, action, info)
        return True

    def _enter(self, number: int, action: Action, info: bytes) -> None:
        p, v, t = self.p, self.p.vcpu, self.thread
        sp = v.gpr[1] & p.abi.mask
        stack = self.stack_now()
        if action.flags & SA_ONSTACK and not t.stack[1] & SS_DISABLE and not self.on_stack(sp):
            sp = (t.stack[0] + t.stack[2]) & p.abi.mask
        saved = t.mask if t.suspended is None else t.suspended
        try:
            if p.abi.bits == 64:
                regs = frames.push_frame64(p, sp, number, to_guest(p.abi, info), action.handler, saved, stack)
            else:
                shown = to_guest(p.abi, info) if action.flags & SA_SIGINFO else None
                regs = frames.push_frame32(p, sp, number, shown, action.handler, saved, stack)
            if p.abi.bits == 32:
                v.nia, v.lr = action.handler, self.trampoline + (0 if action.flags & SA_SIGINFO else 16)
            else:
                v.nia = self.trampoline
                v.ctr = v.gpr[12] = action.handler
                if p.abi.descriptors:
                    raw = p.space.read(action.handler, 16)
                    v.ctr, v.gpr[2] = (int.from_bytes(raw[n : n + 8], p.abi.order) for n in (0, 8))
        except SyscallError:  # no room for the frame
            if number == SIGSEGV:
                p.die(SIGSEGV)
            self.set(SIGSEGV, Action()) if t.mask >> (SIGSEGV - 1) & 1 else None
            self.force(SIGSEGV, fault_info(SIGSEGV, 0x80, 0))
            return
        for name, value in regs.items():
            v[name] = value
        v.gpr[3] = number
        if p.abi.bits == 64 and not action.flags & SA_SIGINFO:
            v.gpr[4] = regs["gpr6"] + frames.UC_MCONTEXT
        frames.set_fpscr(p, 0)
        blocked = t.mask | action.mask
        if not action.flags & SA_NODEFER:
            blocked |= 1 << (number - 1)
        t.suspended = None
        if action.flags & SA_RESETHAND:
            self.set(number, Action())
        self.set_mask(blocked)

    def sigreturn(self, rt: bool) -> None:
        """Go back to what a handler interrupted."""
        p = self.p
        try:
            mask, stack = frames.pop_frame64(p) if p.abi.bits == 64 else frames.pop_frame32(p, rt)
        except SyscallError:
            self.force(SIGSEGV, fault_info(SIGSEGV, 0x80, 0))
            return
        if stack is not None:
            address, flags, size = p.abi.structure("Qi4xQ" if p.abi.bits == 64 else "IiI").unpack(stack)
            self.thread.stack = (address, flags & ~SS_ONSTACK, size)
        self.set_mask(mask)

    def suspend(self, mask: int, call: Any) -> int:
        """Make a call of the host that waits with another signal mask (`call` takes its address); signals it let in are delivered."""
        t = self.thread
        data = native.Buffer((mask & ~UNBLOCKABLE).to_bytes(8, "little"))
        if any(not mask >> (int.from_bytes(i[:4], "little") - 1) & 1 for i in t.pending):
            result = -4  # EINTR: one is here already
        else:
            result = int(call(data.at))
        if result == -4 and t.suspended is None:
            t.suspended, t.mask = t.mask, mask & ~UNBLOCKABLE
            t.vcpu.attention = 1
        return result

    # -- the program's own faults
    def force(self, number: int, info: bytes) -> None:
        """A signal that cannot wait: if it is blocked or ignored, the program ends."""
        action = self.get(number)
        if self.thread.mask >> (number - 1) & 1 or action.handler in (SIG_DFL, SIG_IGN):
            if self.p.options.strace:
                self._tell(number, info)
            self.p.die(number)
        self._enter(number, action, info)

    def _tell(self, number: int, info: bytes) -> None:
        import os
        import signal

        code, address = struct.unpack_from("<i4xQ", info, 8)
        os.write(2, f"--- {signal.Signals(number).name} si_code={code} si_addr={address:#x} pc={self.p.vcpu.nia:#x} ---\n".encode())

    def fault(self, event: Fault) -> None:
        """A storage or alignment interrupt (arch/powerpc/mm/fault.c)."""
        v = self.p.vcpu
        address = v.nia if event.vector in (0x400, 0x480) else event.address
        if self.p.vm.parallel and self._was_fixed(event, address):
            return
        v.dar, v.dsisr = address, event.why & 0xFFFF_FFFF
        if event.vector == 0x600:
            number, code = SIGBUS, 1  # BUS_ADRALN
        elif event.why & 0x0400_0000:
            number, code = SIGBUS, 2  # BUS_ADRERR
        elif event.why & 0x4000_0000:
            number, code = SIGSEGV, 1  # SEGV_MAPERR
        else:
            number, code = SIGSEGV, 2  # SEGV_ACCERR
        self.force(number, fault_info(number, code, address))

    def _was_fixed(self, event: Fault, address: int) -> bool:
        """Whether another thread has changed the address space meanwhile, so that the access may succeed now. It has to, sooner or later."""
        t = self.thread
        if event.vector == 0x600:
            return False
        wanted = PROT_EXEC if event.vector != 0x300 else PROT_WRITE if event.why & DSISR_STORE else 0
        if not self.p.space.permits(address, wanted):
            return False
        before, count, times = t.retried
        times = times + 1 if (before, count) == (address, t.vcpu.icount) else 1
        t.retried = address, t.vcpu.icount, times
        return times <= RETRIES

    def _emulated(self) -> bool:
        """Carry out the privileged instruction at nia that Linux lets programs have: mfpvr."""
        p, v = self.p, self.p.vcpu
        word = int.from_bytes(p.space.read(v.nia, 4), p.abi.order)
        if word & 0xFC1F_FFFF != 0x7C1F_42A6:
            return False
        v.gpr[word >> 21 & 31] = v.pvr
        v.nia += 4
        return True

    def program_check(self, event: ProgramCheck) -> None:
        """A program interrupt (arch/powerpc/kernel/traps.c)."""
        nia = self.p.vcpu.nia
        if event.bits & 0xC_0000 and self._emulated():
            return
        if event.bits & 0x10_0000:
            fpscr = frames.fpscr(self.p)
            code = next((c for flag, enable, c in FPSCR_CAUSES if fpscr & flag and fpscr & enable), 14)  # FPE_FLTUNK
            number = SIGFPE
        elif event.bits & 0x2_0000:
            number, code = SIGTRAP, 1  # TRAP_BRKPT
        elif event.bits & 0x4_0000:
            number, code = SIGILL, 5  # ILL_PRVOPC
        else:
            number, code = SIGILL, 1  # ILL_ILLOPC
        self.force(number, fault_info(number, code, nia))


__all__ = ["SI_USER", "Action", "Signals"]
