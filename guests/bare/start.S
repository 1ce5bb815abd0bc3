/* Entry of every bare program: stack, TOC, bss, floating point on, main, power off with main's result.
 *
 * One source for 64-bit big-endian, 64-bit little-endian (both ELFv2) and 32-bit big-endian.
 * The machine enters with the MMU off, every register zero, and the mode the ELF header asks for.
 */

#include "machine.h"

#ifdef __powerpc64__
#define STORE   std
#define STOREU  stdu
#define WORD    8
#define FRAME   32
#define LOG_TURN 5
#else
#define STORE   stw
#define STOREU  stwu
#define WORD    4
#define FRAME   16
#define LOG_TURN 4
#endif

    .file   "start.S"
    .section .text.start, "ax", @progbits
    .globl  _start
    .type   _start, @function
_start:
    lis     1, STACK_TOP >> 16
    li      0, 0
    STOREU  0, -FRAME(1)                /* a null back chain ends every stack walk */
#ifdef __powerpc64__
    lis     2, .TOC.@ha
    addi    2, 2, .TOC.@l
#endif

    /* Clear bss, four words a turn; the linker script aligns both ends to 64 bytes. */
    lis     3, __bss_start@ha
    addi    3, 3, __bss_start@l
    lis     4, __bss_end@ha
    addi    4, 4, __bss_end@l
    subf    4, 3, 4
    srwi.   4, 4, LOG_TURN
    beq     2f
    mtctr   4
1:  STORE   0, 0 * WORD(3)
    STORE   0, 1 * WORD(3)
    STORE   0, 2 * WORD(3)
    STORE   0, 3 * WORD(3)
    addi    3, 3, 4 * WORD
    bdnz    1b

2:  mfmsr   5
    ori     5, 5, MSR_FP
#ifdef __powerpc64__
    li      6, 1                        /* 64-bit mode: already so, but QEMU's pseries enters in 32-bit mode */
    sldi    6, 6, 63
    or      5, 5, 6
    mtmsrd  5
#else
    mtmsr   5
#endif
    isync

    bl      main
#ifdef __powerpc64__
    nop
#endif
    bl      machine_exit
    b       .
    .size   _start, . - _start

    .section .note.GNU-stack, "", @progbits
