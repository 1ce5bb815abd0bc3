"""The compiled helpers that instruction bodies call: the contract of each, for those who implement and test them.

A helper is `uint64 name(vcpu, a, b, c)`. It may read and change any register. One that `exits` reports an interrupt by
setting the vCPU's `exit` (and `exit_arg`, `fault_*`), and must then have changed nothing else that the instruction, run
again, would not change to the same value: the instruction is abandoned and its address is in `nia`, as after a fault
of `load`. Addresses come masked to the mode; a helper that touches more than one unit wraps at 2**32 where MSR[SF] is 0.
"""

from __future__ import annotations

from typing import NamedTuple


class Contract(NamedTuple):
    """What a helper takes and does. `exits`: it may raise an interrupt."""

    takes: tuple[str, ...]
    exits: bool
    does: str


HELPERS: dict[str, Contract] = {
    # -- storage of more than one unit (Book I 3.3.5-3.3.7)
    "load_multiple": Contract(
        ("ea", "first"),
        True,
        "Load GPRs first..31 from consecutive big-endian words at ea, high halves zero (lmw). Called in big-endian mode "
        "only. On a fault, registers already loaded may keep their new value (the instruction is restarted). Result "
        "unused.",
    ),
    "store_multiple": Contract(
        ("ea", "first"),
        True,
        "Store the low words of GPRs first..31 to consecutive big-endian words at ea (stmw). Big-endian mode only.",
    ),
    "load_string": Contract(
        ("ea", "first", "count"),
        True,
        "Load `count` (0..127) bytes from ea into the low words of GPRs first, first+1 ... (31 is followed by 0), four to "
        "a register from the left; the rest of the last word and every high half become zero (lswi, lswx). Big-endian "
        "mode only.",
    ),
    "store_string": Contract(
        ("ea", "first", "count"),
        True,
        "Store `count` (0..127) bytes from the low words of GPRs first, first+1 ... (31 is followed by 0) to ea (stswi, "
        "stswx). Big-endian mode only.",
    ),
    "load_quad": Contract(
        ("ea", "rt", "little"),
        True,
        "Load the 16 bytes at ea, as one number in the byte order `little` says, into GPR rt (high half) and rt+1; "
        "single-copy atomic. An ea that is not a multiple of 16: alignment exit (lq).",
    ),
    "store_quad": Contract(
        ("ea", "rs", "little"),
        True,
        "Store GPR rs (high half) and rs+1 as one 16-byte number at ea in that byte order; unaligned: alignment exit (stq).",
    ),
    "zero_block": Contract(
        ("ea",),
        True,
        "Set the 128-byte block that contains ea to zero (dcbz): a store for translation, protection and code "
        "invalidation. DAR of a fault is ea as given. Caching-inhibited storage: alignment exit.",
    ),
    "icbi": Contract(
        ("ea",),
        True,
        "What was stored to the 128-byte block that contains ea is what will be executed (icbi): a load of a byte at ea for "
        "translation and protection. Stores are followed anyway, but for those of other vCPUs that run in parallel.",
    ),
    "load_vector_part": Contract(
        ("ea", "x", "count"),
        True,
        "Load the first `count` bytes at ea (16 where it is more; none where it is 0) into VSR x & 63, the others of its 16 "
        "bytes zero: from the left, or with x & 64 from the right, as a little-endian number (lxvl, lxvll).",
    ),
    "store_vector_part": Contract(
        ("ea", "x", "count"), True, "The inverse of load_vector_part (stxvl, stxvll)."
    ),
    # -- reservations (Book II 4.6.2). vcpu.reserve_size is 0 when there is none
    "store_conditional": Contract(
        ("ea", "value", "size_and_order"),
        True,
        "c is the size in bytes (1, 2, 4, 8) | little << 8. First, an ea that is no multiple of the size: alignment exit. "
        "Then, without a reservation (reserve_ea == ea and reserve_size == size) nothing is accessed. With one, ea is "
        "translated for a store (a fault exits; the reservation stays); storage at ea, in the given byte order, is "
        "compared with reserve_value and, if equal, set to the low bytes of value, as one atomic step. Unless it exits, "
        "clears the reservation (reserve_size = 0). Result: 1 if it stored, else 0.",
    ),
    "load_quad_reserve": Contract(
        ("ea", "rt", "little"),
        True,
        "As load_quad, and makes a reservation: reserve_ea = ea, reserve_size = 16, the value loaded kept in "
        "reserve_value (its high half, GPR rt) and reserve_value_low (lqarx).",
    ),
    "store_quad_conditional": Contract(
        ("ea", "rs", "little"),
        True,
        "As store_conditional for 16 bytes: GPR rs (high half) and rs+1, compared with reserve_value and "
        "reserve_value_low (stqcx.).",
    ),
    "atomic_memory": Contract(
        ("ea", "spec", "r"),
        True,
        "One atomic memory operation (Book II 4.5) on the word or doubleword at ea. spec: size in bytes | little << 8 | "
        "store << 9 | function code << 16. GPR r is RT or RS, its operands r+1 and r+2 (32 is 0). An ea that is no multiple "
        "of the size, or one whose datum and neighbour are not in one 32-byte block where the function uses both: alignment "
        "exit. A function code that is not defined: data storage interrupt, DSISR 0x00100000.",
    ),
    "paste_to_storage": Contract(
        ("ea",), True, "The data storage interrupt of a paste. to what is no accelerator: DSISR 0x02000008 (Book III 6.5.3)."
    ),
    # -- floating point (Book I 4.2.2)
    "fp_settle": Contract(
        (),
        False,
        "FPSCR is about to be read or written: collect the host's exception flags (fp_sticky, MXCSR) and work out FPRF, FR "
        "and FI of the remembered operation (fp_op and its operands), which is then forgotten.",
    ),
    "quad_instruction": Contract(
        ("word", "op", "mode"),
        True,
        "Carry out a quad-precision instruction: its word, which names the registers, and the operation (fpscr.py); FPSCR "
        "is set. mode: R << 2 | RMC, which names the rounding of those that have these fields (3, "
        "FPSCR's, for the others; op & ODD overrides it). An enabled exception, with MSR[FE0,FE1] nonzero: program exit.",
    ),
    # -- decimal floating point (Book I 5.6)
    "decimal_operation": Contract(
        ("word", "operation"),
        False,
        "Carry out a decimal instruction with a result, whose operands its word names (operations: dbt/dfp.py): FPRs, FPSCR "
        "(settled first), CR1 of a record form. Result: 1 if an enabled exception is to interrupt, else 0.",
    ),
    "decimal_test": Contract(
        ("word", "operation"), False, "The same for decimal comparisons and tests: CR field BF and FPCC."
    ),
    # -- translation (Book III 5.7-5.9)
    "translation_changed": Contract(
        ("spr",),
        False,
        "SPR number `spr`, which takes part in address translation or storage protection, has just been written (the new "
        "value is in its slot): flush what depends on it. Called after the write; translated code goes on.",
    ),
    "slbmte": Contract(
        ("rs", "rb"), False, "Write an SLB entry: RS and RB as in Book III 5.9.3.1. Replaces the entry of index RB[52:63]."
    ),
    "slbie": Contract(("rb",), False, "Invalidate the SLB entry that translates the ESID and size in RB."),
    "slbia": Contract(("ih",), False, "Invalidate every SLB entry but entry 0, as the hint IH (0..7) says."),
    "slbmfee": Contract(("rb",), False, "The ESID doubleword of SLB entry RB[52:63]: ESID and V, or 0."),
    "slbmfev": Contract(("rb",), False, "The VSID doubleword of SLB entry RB[52:63], or 0 where the entry is not valid."),
    "slbfee": Contract(
        ("rb", "rt"),
        False,
        "Search the SLB for the ESID and size in RB: GPR rt = its VSID doubleword, or 0. Result: 1 if found, else 0.",
    ),
    "mtsr": Contract(
        ("sr", "value"),
        False,
        "Segment register sr (0..15) = value; on a 64-bit processor through the SLB (Book III 5.9.3.2).",
    ),
    "mfsr": Contract(("sr",), False, "The value of segment register sr (0..15)."),
    "tlbie": Contract(
        ("rb", "rs"), True, "Invalidate hashed translations of RB on every vCPU (RS: LPID). May raise a program interrupt."
    ),
    "tlbiel": Contract(("rb", "rs"), True, "Invalidate hashed translations of RB on this vCPU."),
    "radix_tlbie": Contract(
        ("rb", "rs", "how"),
        True,
        "Invalidate radix translations of RB and RS (PID, LPID) on every vCPU. how: RIC | PRS << 2. Raises the "
        "privileged-instruction program interrupt for what is the hypervisor's.",
    ),
    "radix_tlbiel": Contract(("rb", "rs", "how"), True, "As radix_tlbie, on this vCPU."),
    "tlbsync": Contract((), False, "Wait for earlier tlbie of this vCPU to be done everywhere."),
    # -- messages
    "msgsndp": Contract(
        ("rb",), False, "Send the message RB to a thread of this core (Book III 11): directed privileged doorbell."
    ),
    "msgclrp": Contract(("rb",), False, "Take back a directed privileged doorbell pending on this thread."),
    "msgsnd": Contract(("rb",), False, "Send the message RB (hypervisor doorbell)."),
    "msgclr": Contract(("rb",), False, "Take back a hypervisor doorbell."),
}
