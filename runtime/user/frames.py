"""Signal frames: what a handler finds on its stack, and how it returns.

Layouts: the kernel's arch/powerpc/kernel/signal_{32,64}.c and uapi/asm/{sigcontext,ucontext,ptrace,elf}.h, of a kernel with VSX and
transactional memory: the frame has room for the second context, which is not used.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from .abi import Abi

if TYPE_CHECKING:
    from .process import Process

# struct pt_regs by longs
PT_NIP, PT_MSR, PT_ORIG_R3, PT_CTR, PT_LNK, PT_XER, PT_CCR, PT_SOFTE, PT_TRAP, PT_DAR, PT_DSISR, PT_RESULT = range(32, 44)
GREGS, FREGS = 48, 33  # longs of elf_gregset_t, doubles of elf_fpregset_t
MSR_VEC, MSR_VSX, MSR_LE = 1 << 25, 1 << 23, 1
# 64 bits: struct ucontext, struct rt_sigframe
UC_STACK, UC_SIGMASK, UC_MCONTEXT, SC_REGS = 16, 40, 168, 64
SC_FP = SC_REGS + GREGS * 8
SC_VREGS = SC_FP + FREGS * 8
SC_VMX = SC_VREGS + 8
UC_SIZE = UC_MCONTEXT + SC_VMX + 101 * 8
FRAME_PINFO = 2 * UC_SIZE + 16 + 32
FRAME_INFO = FRAME_PINFO + 16
FRAME_SIZE = FRAME_INFO + 128 + 512
GAP = 128
# 32 bits: struct mcontext, struct ucontext, the two frames
MC_FP = GREGS * 4
MC_PAD = MC_FP + FREGS * 8
MC_V = MC_PAD + 8
MC_VSX = MC_V + 33 * 16
MC_SIZE = MC_VSX + 32 * 8
UC32_STACK, UC32_REGS, UC32_SIGMASK, UC32_MCONTEXT = 8, 48, 52, 192
UC32_SIZE = UC32_MCONTEXT + MC_SIZE
RT32_SIZE, OLD32_SIZE = 128 + 2 * UC32_SIZE + 224, 2 * (32 + MC_SIZE) + 224
GAP32 = 64
NR_SIGRETURN, NR_RT_SIGRETURN = 119, 172
LI_R0, SC, BCTRL, ADDI_R1, NOP = 0x3800_0000, 0x4400_0002, 0x4E80_0421, 0x3821_0000, 0x6000_0000


def trampolines(abi: Abi) -> bytes:
    """Code of the page that handlers return to: rt_sigreturn, and at 16 the 32-bit sigreturn.

    The no-ops keep libgcc's unwinder from knowing the frame by its instructions, which ends in an abort (GCC 12): a thread could not be cancelled. The
    kernel's own are known by a table in its vDSO; without one the stack ends here, as under QEMU."""
    if abi.bits == 64:
        words = [BCTRL, NOP, ADDI_R1 + GAP, LI_R0 + NR_RT_SIGRETURN, SC]
    else:
        words = [NOP, LI_R0 + NR_RT_SIGRETURN, SC, 0, NOP, LI_R0 + NR_SIGRETURN, SC]
    return b"".join(w.to_bytes(4, abi.order) for w in words)


def _registers(p: Process) -> list[int]:
    v = p.vcpu
    regs = [*v.gpr, v.nia, v.msr & 0xFFFF_FFFF_FDFF_FFFF, v.gpr[3], v.ctr, v.lr, v["xer"], v["cr"], 1, 0, v.dar, v.dsisr, 0]
    regs[PT_MSR] |= MSR_VEC | MSR_VSX
    return regs + [0] * (GREGS - len(regs))


def _set_registers(p: Process, regs: tuple[int, ...]) -> None:
    v = p.vcpu
    for i in range(32):
        v.gpr[i] = regs[i]
    v.nia, v.ctr, v.lr, v["xer"], v["cr"] = regs[PT_NIP], regs[PT_CTR], regs[PT_LNK], regs[PT_XER], regs[PT_CCR]


def fpscr(p: Process) -> int:
    """FPSCR as the program would read it."""
    p.vcpu.call("fp_settle", 0, 0, 0)
    return int(p.vcpu.fpscr)


def set_fpscr(p: Process, value: int) -> None:
    """Set it; what was to be worked out later is forgotten."""
    v = p.vcpu
    v.fpscr, v.fp_sticky, v.fp_op = value, 0, 0


def _float(p: Process) -> bytes:
    v, mark = p.vcpu, p.abi.mark
    return struct.pack(f"{mark}33Q", *v.fpr, fpscr(p))


def _vector(p: Process, registers: Any) -> bytes:
    order = p.abi.order
    return b"".join(x.to_bytes(16, order) for x in registers)


def _low_halves(p: Process) -> bytes:
    """Doubleword 1 of VSRs 0 to 31."""
    return struct.pack(f"{p.abi.mark}32Q", *(x & (2**64 - 1) for x in p.vcpu.vsr[:32]))


def _vscr(p: Process) -> bytes:
    """A quadword with VSCR in its last word, as stvx after mfvscr stores it."""
    return int(p.vcpu.vscr & 0xFFFF_FFFF).to_bytes(16, p.abi.order)


def _restore_vectors(p: Process, fp: bytes, low: bytes, vr: bytes, vscr: bytes, vrsave: int) -> None:
    v, mark, order = p.vcpu, p.abi.mark, p.abi.order
    high = struct.unpack(f"{mark}33Q", fp)
    rest = struct.unpack(f"{mark}32Q", low)
    for i in range(32):
        v.vsr[i] = high[i] << 64 | rest[i]
        v.vsr[32 + i] = int.from_bytes(vr[16 * i : 16 * i + 16], order)
    set_fpscr(p, high[32])
    v.vscr, v.vrsave = int.from_bytes(vscr, order) & 0xFFFF_FFFF, vrsave


def push_frame64(p: Process, sp: int, signal: int, info: bytes, handler: int, mask: int, stack: tuple[int, int, int]) -> dict[str, int]:
    """Write a frame below `sp`; what r1, r4 to r6 become. SyscallError if it cannot be written."""
    abi = p.abi
    frame = (sp - FRAME_SIZE) & -16
    out = bytearray(FRAME_SIZE - 512)
    context = UC_MCONTEXT
    out[UC_STACK : UC_STACK + 24] = abi.pack("Qi4xQ", stack[0], stack[1], stack[2])
    out[UC_SIGMASK : UC_SIGMASK + 8] = abi.sigset(mask)
    head = abi.pack("32xi4xQQQ", signal, handler, 0, frame + context + SC_REGS)
    out[context : context + SC_REGS] = head
    out[context + SC_REGS : context + SC_FP] = abi.words(*_registers(p))
    out[context + SC_FP : context + SC_VREGS] = _float(p)
    v_regs = (frame + context + SC_VMX + 15) & -16
    out[context + SC_VREGS : context + SC_VMX] = abi.words(v_regs)
    vectors = _vector(p, p.vcpu.vsr[32:]) + _vscr(p) + int(p.vcpu.vrsave).to_bytes(4, abi.order) + bytes(12) + _low_halves(p)
    out[v_regs - frame : v_regs - frame + len(vectors)] = vectors
    out[FRAME_PINFO : FRAME_PINFO + 16] = abi.words(frame + FRAME_INFO, frame)
    out[FRAME_INFO : FRAME_INFO + 128] = info
    p.space.write(frame, bytes(out))
    p.space.write(frame - GAP, abi.words(p.vcpu.gpr[1]))
    return {"gpr1": frame - GAP, "gpr4": frame + FRAME_INFO, "gpr5": frame, "gpr6": frame}


def pop_frame64(p: Process) -> tuple[int, bytes]:
    """rt_sigreturn: registers from the ucontext at r1; (signal mask, stack_t)."""
    abi = p.abi
    at = p.vcpu.gpr[1]
    data = p.space.read(at, UC_SIZE)
    context = UC_MCONTEXT
    _set_registers(p, abi.structure(f"{GREGS}Q").unpack_from(data, context + SC_REGS))
    v_regs = int.from_bytes(data[context + SC_VREGS : context + SC_VMX], abi.order)
    raw = p.space.read(v_regs, 34 * 16 + 256) if v_regs else bytes(34 * 16 + 256)
    _restore_vectors(p, data[context + SC_FP : context + SC_VREGS], raw[34 * 16 :], raw, raw[512:528], int.from_bytes(raw[528:532], abi.order))
    return abi.from_sigset(data[UC_SIGMASK : UC_SIGMASK + 8]), data[UC_STACK : UC_STACK + 24]


def _mcontext(p: Process, vsx: bool = True) -> bytes:
    abi = p.abi
    regs = _registers(p)
    if not vsx:
        regs[PT_MSR] &= ~MSR_VSX
    vrsave = int(p.vcpu.vrsave).to_bytes(4, abi.order)
    vscr = vrsave + _vscr(p)[4:] if not abi.little else _vscr(p)[:12] + vrsave
    return abi.words(*regs) + _float(p) + bytes(8) + _vector(p, p.vcpu.vsr[32:]) + vscr + (_low_halves(p) if vsx else b"")


def push_frame32(p: Process, sp: int, signal: int, info: bytes | None, handler: int, mask: int, stack: tuple[int, int, int]) -> dict[str, int]:
    """As push_frame64; without `info` the older frame, whose handler gets a sigcontext."""
    abi = p.abi
    context = _mcontext(p)
    if info is None:
        frame = (sp - OLD32_SIZE) & -16
        head = abi.pack("12xIiIII", mask >> 32, signal, handler, mask & 0xFFFF_FFFF, frame + 32)
        p.space.write(frame, head + context)
        new, regs = frame - GAP32, {"gpr4": frame}
    else:
        frame = (sp - RT32_SIZE) & -16
        uc = abi.pack("IIIiI28xI", 0, 0, *stack, frame + 128 + UC32_MCONTEXT) + abi.sigset(mask)
        p.space.write(frame, info + uc.ljust(UC32_MCONTEXT, b"\0") + context)
        new, regs = frame - GAP32 - 16, {"gpr4": frame, "gpr5": frame + 128, "gpr6": frame}
    p.space.write(new, abi.words(p.vcpu.gpr[1]))
    return regs | {"gpr1": new}


def pop_frame32(p: Process, rt: bool) -> tuple[int, bytes | None]:
    """sigreturn and rt_sigreturn: (signal mask, stack_t if the frame has one)."""
    abi, sp = p.abi, p.vcpu.gpr[1] & 0xFFFF_FFFF
    stack = None
    if rt:
        uc = p.space.read(sp + GAP32 + 16 + 128, UC32_MCONTEXT)
        at = int.from_bytes(uc[UC32_REGS : UC32_REGS + 4], abi.order)
        mask, stack = abi.from_sigset(uc[UC32_SIGMASK : UC32_SIGMASK + 8]), uc[UC32_STACK : UC32_STACK + 12]
    else:
        high, _, _, low, at = abi.structure("12xIiIII").unpack(p.space.read(sp + GAP32, 32))
        mask = high << 32 | low
    _load_mcontext(p, at)
    return mask, stack


def _load_mcontext(p: Process, at: int) -> None:
    abi, data = p.abi, p.space.read(at, MC_VSX)
    regs = abi.structure(f"{GREGS}I").unpack_from(data)
    _set_registers(p, regs)
    low = p.space.read(at + MC_VSX, 256) if regs[PT_MSR] & MSR_VSX else _low_halves(p)
    vscr = data[MC_V + 512 : MC_VSX]
    vrsave = int.from_bytes(vscr[:4] if not abi.little else vscr[12:], abi.order)
    _restore_vectors(p, data[MC_FP:MC_PAD], low, data[MC_V:], vscr, vrsave)


def save_context32(p: Process, at: int, size: int) -> None:
    """swapcontext: registers and signal mask into the ucontext of `size` bytes at `at`; the C library's has no room for VSX."""
    context = (at + UC32_MCONTEXT) & -16
    p.space.write(context, _mcontext(p, size >= UC32_SIZE))
    p.space.write(at + UC32_REGS, p.abi.words(context))
    p.space.write(at + UC32_SIGMASK, p.abi.sigset(p.threads.current.mask))


def load_context32(p: Process, at: int) -> int:
    """The inverse: all registers; the signal mask to be set."""
    context = int.from_bytes(p.space.read(at + UC32_REGS, 4), p.abi.order)
    mask = p.abi.from_sigset(p.space.read(at + UC32_SIGMASK, 8))
    _load_mcontext(p, context)
    return mask
