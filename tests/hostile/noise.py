"""A guest that turns its own page tables into noise, for ever.

It makes a radix tree over the first 8 MiB and registers it; then random doublewords into its tables, and random loads and stores,
sometimes fetches, through them. Interrupts go on after the instruction they came from, those of fetches in real mode.
"""

from __future__ import annotations

from dbt.frontend.assembler import assemble_program

from .machine import START, words
from .tables import SKIP

NOISE = """
        lis     r3,{handlers}@h
        ori     r3,r3,{handlers}@l
        li      r4,0x100
1:      mr      r7,r3
        andi.   r5,r4,0xf00
        cmpdi   r5,0x400
        bne     2f
        addi    r7,r3,24
2:      li      r5,0
3:      lwzx    r6,r7,r5
        stwx    r6,r4,r5
        addi    r5,r5,4
        cmpdi   r5,24
        blt     3b
        addi    r4,r4,0x80
        cmpdi   r4,0x1000
        blt     1b
        lis     r20,0x100       # the process table; the tree's levels at 0x1010000, 0x1020000, 0x1030000, the last from 0x1040000 on
        li      r21,-1
        rldicr  r21,r21,0,0     # valid
        lis     r6,0x4000
        rldicr  r6,r6,32,63
        oris    r6,r6,0x101
        ori     r6,r6,0xad      # 52 bits, 13 of them in the root
        std     r6,0(r20)
        oris    r6,r21,0x102
        ori     r6,r6,9
        lis     r4,0x101
        std     r6,0(r4)
        oris    r6,r21,0x103
        ori     r6,r6,9
        lis     r4,0x102
        std     r6,0(r4)
        oris    r6,r21,0x104
        ori     r6,r6,9
        lis     r4,0x103
        std     r6,0(r4)
        addi    r6,r6,0x1000
        std     r6,8(r4)
        addi    r6,r6,0x1000
        std     r6,16(r4)
        addi    r6,r6,0x1000
        std     r6,24(r4)
        lis     r4,0x104
        rldicl  r6,r21,63,0
        or      r6,r6,r21
        ori     r6,r6,0x187     # a page, everything allowed
        li      r7,2048
        mtctr   r7
4:      std     r6,0(r4)
        addi    r4,r4,8
        addi    r6,r6,0x1000
        bdnz    4b
        li      r3,0x37c
        li      r4,0x1d
        lis     r5,0x100
        li      r6,0
        li      r7,4
        .long   0x44000022
        cmpdi   r3,0
        bne     .
        mfmsr   r22
        ori     r23,r22,0x30
        lis     r24,again@h
        ori     r24,r24,again@l
        li      r26,0x400
        li      r27,0
        li      r25,-1
        rldicr  r25,r25,0,1
        oris    r25,r25,0x3ff
        ori     r25,r25,0xffff
        lis     r8,0x343f
        ori     r8,r8,0xd431
again:  mulld   r9,r9,r8
        addi    r9,r9,1237
        rldicl  r10,r9,30,50    # somewhere in the last level
        oris    r10,r10,0x104
        andi.   r11,r9,0x1f00
        bne     5f
        clrldi  r10,r10,59      # or in the one before
        oris    r10,r10,0x103
5:      rldicr  r10,r10,0,60
        mulld   r9,r9,r8
        addi    r9,r9,1237
        and     r12,r9,r25
        oris    r12,r12,0x80    # not to where the code is
        andi.   r11,r9,0x300
        bne     6f
        stdx    r12,0,r10
        .long   0x7f6bd224      # tlbiel: all of PID 0
6:      rldicl  r10,r9,40,42    # 4 MiB, without the vectors
        oris    r10,r10,1
        andi.   r11,r9,0x70
        beq     7f
        xori    r23,r23,0x20
7:      ori     r23,r23,0x10
        mtmsrd  r23
        isync
        ld      r11,0(r10)
        std     r9,8(r10)
        mtmsrd  r22
        isync
        b       again
"""
AGAIN = (0x7F1A_03A6, 0x7EDB_03A6, 0x4C00_0024)  # mtsrr0 r24; mtsrr1 r22; rfid


def noise() -> bytes:
    """The kernel above, its two handlers behind it."""
    at = START + 0x400
    code = bytes(assemble_program(NOISE.replace("{handlers}", hex(at)), START).data)
    return code.ljust(0x400, b"\0") + words(*SKIP, *AGAIN).ljust(48, b"\0")
