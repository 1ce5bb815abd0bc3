/* Interrupt handlers of traps.c. Each vector is three instructions, copied to its architected address;
 * `ba` reaches the common part from anywhere. The handler counts, records SRR0 and SRR1, and returns past the
 * instruction where the interrupt points at the cause rather than after it. */

    .file   "vectors.S"
    .text

    .macro  vector number
    .globl  vector_\number
vector_\number:
    mtsprg  0, 3
    li      3, 0x\number
    ba      interrupt
    .endm

    vector  700
    vector  800
    vector  900
    vector  c00

/* r3 = vector; r3 of the interrupted program is in SPRG0. */
interrupt:
    mtsprg  1, 4
    mtsprg  2, 5
    mfcr    5
    mtsprg  3, 5
    lis     4, interrupts@ha
    addi    4, 4, interrupts@l
    mfsrr0  5
    std     5, 0(4)                     /* interrupts.srr0 */
    cmpwi   3, 0x700
    beq     1f
    cmpwi   3, 0x800
    bne     2f
1:  addi    5, 5, 4
    mtsrr0  5
2:  mfsrr1  5
    std     5, 8(4)                     /* interrupts.srr1 */
    cmpwi   3, 0x900
    bne     3f
    lis     5, 0x7fff
    mtdec   5
3:  srwi    3, 3, 8 - 3
    addi    3, 3, 16
    ldx     5, 4, 3                     /* interrupts.count[vector >> 8] */
    addi    5, 5, 1
    stdx    5, 4, 3
    mfsprg  5, 3
    mtcr    5
    mfsprg  5, 2
    mfsprg  4, 1
    mfsprg  3, 0
    rfid

/* uint64_t trigger_NAME(uint64_t): executes one interrupting instruction and returns its argument plus one:
 * the interrupt must change no register. trigger_NAME_at is the instruction, SRR0's expected value. */
    .macro  trigger name, instruction:vararg
    .globl  trigger_\name, trigger_\name\()_at
    .type   trigger_\name, @function
trigger_\name:
    cmpdi   3, 0
trigger_\name\()_at:
    \instruction
    addi    3, 3, 1
    bnelr
    li      3, 0                        /* only an argument of zero comes here */
    blr
    .size   trigger_\name, . - trigger_\name
    .endm

    trigger syscall,  sc
    trigger trap,     tdi 31, 3, 0
    trigger illegal,  .long 0
    trigger reserved, .long 0x14000000      /* primary opcode 5 */
    trigger float,    fmr 1, 1

    .section .note.GNU-stack, "", @progbits
