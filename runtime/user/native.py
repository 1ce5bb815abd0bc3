"""Calls of the host's kernel, and the handler that takes its signals: a little native code, the same as a libc would have.

`call` below makes a system call unless a signal has arrived (the attention word, which the handler sets): then, and when the signal
arrives between that look and the call itself (the handler finds the interrupted instruction in [window, window_end) and moves it
to `aborted`), the result is -ERESTART and nothing was done. So no signal is slept through. The handler runs on an alternate stack, which each
thread that takes signals has (Mailbox), and finds by it where to put siginfo (128 bytes, a ring of 64) and which word to set.
Assembled from this by GNU as (AMD64, .intel_syntax noprefix; offset 168 is RIP in ucontext):

    call:     push rbx; mov rbx,rdi; mov rax,[rbx]; mov rdi,[rbx+8]; mov rsi,[rbx+16]; mov rdx,[rbx+24]
              mov r10,[rbx+32]; mov r8,[rbx+40]; mov r9,[rbx+48]; mov rbx,[rbx+56]
    window:   cmp dword ptr [rbx],0; jne aborted; syscall
    window_end: pop rbx; ret
    aborted:  mov rax,-512; pop rbx; ret
    restorer: mov eax,15; syscall
    handler:  mov r8,rsp; and r8,-65536; mov eax,1; lock xadd [r8],eax; and eax,63; shl eax,7; lea rdi,[r8+rax+64]; mov ecx,16; cld; rep movsq
              mov r9,[r8+8]; mov dword ptr [r9],1
              mov r10,[rdx+168]; lea r9,[rip+window]; cmp r10,r9; jb out; lea r9,[rip+window_end]; cmp r10,r9; jae out
              lea r9,[rip+aborted]; mov [rdx+168],r9
    out:      ret
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

from dbt.engine import faults, map_memory

from .syscalls.numbers import HOST as NR

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 1, 2, 0x10, 0x20, 0x4000
_CODE = bytes.fromhex(
    "534889fb488b03488b7b08488b7310488b53184c8b53204c8b43284c8b4b30488b5b38833b0075040f055bc348c7c000feffff5bc3b80f0000000f05"
    "4989e04981e00000ffffb801000000f0410fc10083e03fc1e007498d7c0040b910000000fcf348a54d8b480841c701010000004c8b92a80000004c8d"
    "0da6ffffff4d39ca721a4c8d0da1ffffff4d39ca730e4c8d0d97ffffff4c898aa8000000c3"
)
_RESTORER, _HANDLER = 0x35, 0x3C
RING_ENTRIES, SIGINFO = 64, 128
MAILBOX, _ATTENTION, _IDLE, _WORD, _RING, _STACK = 1 << 16, 8, 16, 24, 64, 0x3000  # bytes of a mailbox, which is aligned so, and what is where in it
SA_SIGINFO, SA_RESTORER, SA_ONSTACK, SA_NOCLDSTOP, SA_NOCLDWAIT = 4, 0x0400_0000, 0x0800_0000, 1, 2
SIG_DFL, SIG_IGN = 0, 1
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
FAULTS = (7, 11)  # SIGBUS, SIGSEGV
_FAULT_MASK = 1 << 6 | 1 << 10
EVERY = (1 << 64) - 1  # a mask of all signals
KICK = 11, -0x50_50  # the signal, and si_code, that has a thread of ours look up: never blocked, and no other signal has that code
FUTEX_WAIT, FUTEX_WAKE, FUTEX_PRIVATE = 0, 1, 0x80

_base = map_memory(4096, executable=True)
ctypes.memmove(_base, _CODE, len(_CODE))
_zero = map_memory(4096)  # an attention word that stays 0
Frame = ctypes.c_uint64 * 8  # of a call: its number, six arguments, the address of the attention word
call: Callable[[Any], int] = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(_base)
_wait: Callable[[Any], int] = call


def host(number: int, *arguments: int) -> int:
    """A system call of the host: its result, negative for an error."""
    frame = Frame(number, *arguments)
    frame[7] = _zero
    return call(frame)


def wait(number: int, *arguments: int) -> int:
    """As `host`, for calls that may wait, while other threads go on: -ERESTART if a signal is to be seen to first."""
    return _wait(Frame(number, *arguments))


def set_wait(made_by: Callable[[Any], int]) -> None:
    """How `wait` makes its call: of a frame whose attention word is to be filled in."""
    global _wait
    _wait = made_by


class Mailbox:
    """Where signals of a host thread go: a ring of siginfo, and the stack above it that the handler runs on."""

    def __init__(self) -> None:
        at = map_memory(2 * MAILBOX)
        self._at = (at + MAILBOX - 1) & -MAILBOX
        self._seen = 0
        self._word = ctypes.c_uint32.from_address(self._at + _WORD)
        self.watch(self._at + _IDLE)

    def watch(self, attention: int) -> None:
        """Signals set the word at this host address."""
        self.attention = attention
        ctypes.c_uint64.from_address(self._at + _ATTENTION).value = attention

    def use(self) -> None:
        """The calling host thread takes signals from now on."""
        stack = Buffer(struct.pack("<QiiQ", self._at + _STACK, 0, 0, MAILBOX - _STACK))
        host(NR["sigaltstack"], stack.at, 0)

    def signals(self) -> list[bytes]:
        """The siginfo of the signals that have arrived since the last call."""
        count = ctypes.c_uint32.from_address(self._at).value
        self._seen = max(self._seen, count - RING_ENTRIES) if count >= self._seen else 0
        found = []
        while self._seen < count:
            found.append(ctypes.string_at(self._at + _RING + self._seen % RING_ENTRIES * SIGINFO, SIGINFO))
            self._seen += 1
        return found

    def expect(self) -> None:
        """Before `sleep`: from now on `rouse` ends it."""
        self._word.value = 0

    def sleep(self, timeout: int) -> int:
        """Until `rouse`, or a signal (-ERESTART, -EINTR), or the timeout (address of a struct timespec, 0 for none) is over (-ETIMEDOUT)."""
        return call(Frame(NR["futex"], self._at + _WORD, FUTEX_WAIT | FUTEX_PRIVATE, 0, timeout, 0, 0, self.attention))

    def rouse(self) -> None:
        """End the owner's `sleep`."""
        self._word.value = 1
        host(NR["futex"], self._at + _WORD, FUTEX_WAKE | FUTEX_PRIVATE, 1)


def kick(thread: int) -> None:
    """Have a thread of ours leave the call of the host it may wait in."""
    info = Buffer(struct.pack("<iii", KICK[0], 0, KICK[1]).ljust(SIGINFO, b"\0"))
    host(NR["rt_tgsigqueueinfo"], host(NR["getpid"]), thread, KICK[0], info.at)


def take_faults() -> None:
    """SIGSEGV and SIGBUS that are sent to us come to our handler, whatever the program does with them."""
    for signal in FAULTS:
        faults.set_sent(signal, _base + _HANDLER)


def set_action(signal: int, action: int | None, flags: int = 0) -> int:
    """Have the host take a signal by our handler (None), ignore it, or do its default action. Those of FAULTS always come to our handler."""
    if signal in FAULTS:
        return 0
    # every signal is blocked in the handler
    data = Buffer(struct.pack("<4Q", _base + _HANDLER if action is None else action, flags | SA_SIGINFO | SA_RESTORER | SA_ONSTACK, _base + _RESTORER, EVERY))
    return host(NR["rt_sigaction"], signal, data.at, 0, 8)


def set_default(signal: int) -> None:
    """A signal that is sent to us ends us."""
    if signal in FAULTS:
        faults.set_sent(signal, SIG_DFL)
    set_action(signal, SIG_DFL)


def get_action(signal: int) -> int:
    """The host's handler for a signal: SIG_DFL, SIG_IGN or an address."""
    if signal in FAULTS:
        return faults.next(signal)
    out = Buffer(32)
    host(NR["rt_sigaction"], signal, 0, out.at, 8)
    return int.from_bytes(out.data[:8], "little")


def set_mask(how: int, mask: int) -> int:
    """Change this thread's signal mask; the one before. Faults are not blocked: the host would end us."""
    return set_whole_mask(how, mask & ~_FAULT_MASK if how != SIG_UNBLOCK else mask)


def set_whole_mask(how: int, mask: int) -> int:
    """As set_mask, faults too: for a thread that is not ready for signals, or no longer."""
    new, out = Buffer(mask.to_bytes(8, "little")), Buffer(8)
    host(NR["rt_sigprocmask"], how, new.at, out.at, 8)
    return int.from_bytes(out.data, "little")


class Buffer:
    """Host memory for a structure: `at` is its address."""

    def __init__(self, data: bytes | int) -> None:
        self._memory = ctypes.create_string_buffer(data, len(data)) if isinstance(data, bytes) else ctypes.create_string_buffer(data)
        self.at = ctypes.addressof(self._memory)

    @property
    def data(self) -> bytes:
        """What is in it."""
        return self._memory.raw


def timespec(ns: int) -> Buffer:
    """A struct timespec of the host."""
    return Buffer(struct.pack("<qq", ns // 10**9, ns % 10**9))
