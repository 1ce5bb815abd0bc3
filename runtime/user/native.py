"""Calls of the host's kernel, and the handler that takes its signals: a little native code, the same as a libc would have.

`call` below makes a system call unless a signal has arrived (the attention word, which the handler sets): then, and when the signal
arrives between that look and the call itself (the handler finds the interrupted instruction in [window, window_end) and moves it
to `aborted`), the result is -ERESTART and nothing was done. So no signal is slept through. The handler copies siginfo (128 bytes)
into a ring of 64. Assembled from this by GNU as (AMD64, .intel_syntax noprefix; offset 168 is RIP in ucontext):

    call:     push rbx; mov rbx,rdi; mov rax,[rbx]; mov rdi,[rbx+8]; mov rsi,[rbx+16]; mov rdx,[rbx+24]
              mov r10,[rbx+32]; mov r8,[rbx+40]; mov r9,[rbx+48]; mov rbx,[rbx+56]
    window:   cmp dword ptr [rbx],0; jne aborted; syscall
    window_end: pop rbx; ret
    aborted:  mov rax,-512; pop rbx; ret
    restorer: mov eax,15; syscall
    handler:  mov r8,[rip+ring]; mov eax,1; lock xadd [r8],eax; and eax,63; shl eax,7; lea rdi,[r8+rax+64]; mov ecx,16; cld; rep movsq
              mov r9,[r8+8]; mov dword ptr [r9],1
              mov r10,[rdx+168]; lea r9,[rip+window]; cmp r10,r9; jb out; lea r9,[rip+window_end]; cmp r10,r9; jae out
              lea r9,[rip+aborted]; mov [rdx+168],r9
    out:      ret
              .balign 8
    ring:     .quad 0
"""

from __future__ import annotations

import ctypes
import struct

from dbt.engine import faults, map_memory

from .syscalls.numbers import HOST as NR

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 1, 2, 0x10, 0x20, 0x4000
_CODE = bytes.fromhex(
    "534889fb488b03488b7b08488b7310488b53184c8b53204c8b43284c8b4b30488b5b38833b0075040f055bc348c7c000feffff5bc3b80f0000000f05"
    "4c8b055d000000b801000000f0410fc10083e03fc1e007498d7c0040b910000000fcf348a54d8b480841c701010000004c8b92a80000004c8d0da9ff"
    "ffff4d39ca721a4c8d0da4ffffff4d39ca730e4c8d0d9affffff4c898aa8000000c3660f1f4400000000000000000000"
)
_RESTORER, _HANDLER, _RING_AT = 0x35, 0x3C, 0xA0
RING_ENTRIES, SIGINFO = 64, 128
SA_SIGINFO, SA_RESTORER, SA_ONSTACK, SA_NOCLDSTOP, SA_NOCLDWAIT = 4, 0x0400_0000, 0x0800_0000, 1, 2
SIG_DFL, SIG_IGN = 0, 1
SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
FAULTS = (7, 11)  # SIGBUS, SIGSEGV
_FAULT_MASK = 1 << 6 | 1 << 10

_base = map_memory(4096, executable=True)
_ring = map_memory(64 + RING_ENTRIES * SIGINFO + 4096)
ctypes.memmove(_base, _CODE, len(_CODE))
ctypes.c_uint64.from_address(_base + _RING_AT).value = _ring
_idle = _ring + 16  # an attention word that stays 0
_call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(_base)
_arguments = (ctypes.c_uint64 * 8)()
_at = ctypes.addressof(_arguments)
_attention = [_idle]
_M = (1 << 64) - 1


def watch(attention: int) -> None:
    """Signals set the word at this host address; calls by `wait` look at it."""
    _attention[0] = attention
    ctypes.c_uint64.from_address(_ring + 8).value = attention


watch(_idle + 8)


def host(number: int, *arguments: int) -> int:
    """A system call of the host: its result, negative for an error."""
    _arguments[0] = number
    for i, a in enumerate(arguments, 1):
        _arguments[i] = a & _M
    _arguments[7] = _idle
    return int(_call(_at))


def wait(number: int, *arguments: int) -> int:
    """As `host`, for calls that may wait: -ERESTART if a signal is to be seen to first."""
    _arguments[0] = number
    for i, a in enumerate(arguments, 1):
        _arguments[i] = a & _M
    _arguments[7] = _attention[0]
    return int(_call(_at))


_seen = 0


def signals() -> list[bytes]:
    """The siginfo of the signals that have arrived since the last call."""
    global _seen
    count = ctypes.c_uint32.from_address(_ring).value
    _seen = max(_seen, count - RING_ENTRIES) if count >= _seen else 0
    found = []
    while _seen < count:
        found.append(ctypes.string_at(_ring + 64 + _seen % RING_ENTRIES * SIGINFO, SIGINFO))
        _seen += 1
    return found


def set_action(signal: int, action: int | None, flags: int = 0) -> int:
    """Have the host take a signal by our handler (None), ignore it, or do its default action."""
    handler = _base + _HANDLER if action is None else action
    if signal in FAULTS and faults.installed:  # those of guest memory are not signals: ours is the handler behind that
        faults.set_next(signal, handler)
        return 0
    # every signal is blocked in the handler
    data = struct.pack("<4Q", handler, flags | SA_SIGINFO | SA_RESTORER, _base + _RESTORER, _M)
    return host(NR["rt_sigaction"], signal, _address(data), 0, 8)


def get_action(signal: int) -> int:
    """The host's handler for a signal: SIG_DFL, SIG_IGN or an address."""
    if signal in FAULTS and faults.installed:
        return faults.next(signal)
    out = bytearray(32)
    host(NR["rt_sigaction"], signal, 0, _writable(out), 8)
    return int.from_bytes(out[:8], "little")


def set_mask(how: int, mask: int) -> int:
    """Change this thread's signal mask; the one before. Faults are never blocked: the host would end us."""
    if how != SIG_UNBLOCK:
        mask &= ~_FAULT_MASK
    out = bytearray(8)
    host(NR["rt_sigprocmask"], how, _address(mask.to_bytes(8, "little")), _writable(out), 8)
    return int.from_bytes(out, "little")


_kept: list[object] = [None, None]


def _address(data: bytes) -> int:
    buffer = ctypes.create_string_buffer(data, len(data))
    _kept[0] = buffer  # alive until the next call
    return ctypes.addressof(buffer)


def _writable(data: bytearray) -> int:
    buffer = (ctypes.c_uint8 * len(data)).from_buffer(data)
    _kept[1] = buffer
    return ctypes.addressof(buffer)


class Buffer:
    """Host memory for a structure: `at` is its address."""

    def __init__(self, data: bytes | int) -> None:
        self._memory = ctypes.create_string_buffer(data, len(data)) if isinstance(data, bytes) else ctypes.create_string_buffer(data)
        self.at = ctypes.addressof(self._memory)

    @property
    def data(self) -> bytes:
        """What is in it."""
        return self._memory.raw
