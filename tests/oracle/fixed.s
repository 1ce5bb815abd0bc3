# Single fixed-point and branch instructions, in a 64-bit or a 32-bit program (records.s runs them).
#
# A record is 16 doublewords (in the 32-bit program the low word of each counts):
#   instruction word (afterwards: outcome 0 fell through, 1 went to TAKEN, 2 trapped, 3 illegal)
#   r0, r3-r12, XER, CR, CTR, LR (and TAR, which starts with the value of LR)
# The instruction runs at BASE (tests/support.py) and TAKEN is at BASE + 0x20 (tests/oracle/fixed_sweep.py).

.include "records.s"

.macro load
  getd 0, 8*12
  mtxer 0
  getd 0, 8*13
  mtcrf 0xff, 0
  getd 0, 8*14
  mtctr 0
  getd 0, 8*15
  mtlr 0
  .ifndef WORDS
    mtspr 815, 0          # TAR
  .endif
  .irp n, 3,4,5,6,7,8,9,10,11,12
    getd \n, 8*(\n-1)
  .endr
  getd 0, 8
.endm

.macro store
  putd 0, 8
  li 0, 0
  b dump
taken:
  putd 0, 8
  li 0, 1
dump:
  putd 0, 0
  .irp n, 3,4,5,6,7,8,9,10,11,12
    putd \n, 8*(\n-1)
  .endr
  mfxer 0
  putd 0, 8*12
  mfcr 0
  putd 0, 8*13
  mfctr 0
  putd 0, 8*14
  mflr 0
  putd 0, 8*15
.endm

.section .code, "awx"
testcode:
  nop
  b back
  .space 0x18
  b taken

  .globl _start
_start:
  mr 26, 1
  .irp signal, 5, 4       # rt_sigaction of SIGTRAP and SIGILL
    li 0, 173
    li 3, \signal
    address 4, on_\signal
    li 5, 0
    li 6, 8
    sc
  .endr
  b input
trapped:
  li 0, 2
  b signalled
illegal:
  li 0, 3
signalled:
  putd 0, 0
  mr 1, 26
  b again

.macro action handler
  .ifdef WORDS
    .long \handler, 0x40000000, 0, 0, 0
  .else
    .quad \handler, 0x40000000, 0, 0   # SA_NODEFER
  .endif
.endm
  .balign 8
on_5: action trapped
on_4: action illegal

harness
