# Runs single instructions under qemu-ppc64 or qemu-ppc: an array of records on stdin, the same array afterwards on stdout.
#
# A record is 16 doublewords (in the 32-bit program the low word of each counts):
#   instruction word (afterwards: outcome 0 fell through, 1 went to TAKEN, 2 trapped, 3 illegal)
#   r0, r3-r12, XER, CR, CTR, LR (and TAR, which starts with the value of LR)
# The instruction runs at 0x1000000 and TAKEN is at 0x1000020 (tests/oracle/fixed_sweep.py). r29-r31 are ours.

.ifdef WORDS
  .set BITS, 32
.else
  .set BITS, 64
  .abiversion 2
.endif

.macro get reg, n
  .if BITS == 64
    ld \reg, 8*\n(31)
  .else
    lwz \reg, 8*\n+4(31)
  .endif
.endm

.macro put reg, n
  .if BITS == 64
    std \reg, 8*\n(31)
  .else
    stw \reg, 8*\n+4(31)
  .endif
.endm

.macro address reg, symbol
  lis \reg, \symbol@ha
  addi \reg, \reg, \symbol@l
.endm

.set LIMIT, 128*65536

.section .code, "awx"
testcode:
  nop
  b fell_through
  .space 0x18
  b taken

  .globl _start
_start:
  mr 29, 1
  li 0, 173               # rt_sigaction(SIGTRAP)
  li 3, 5
  address 4, on_trap
  li 5, 0
  li 6, 8
  sc
  li 0, 173               # rt_sigaction(SIGILL)
  li 3, 4
  address 4, on_illegal
  li 5, 0
  li 6, 8
  sc
  address 30, records
  lis 28, LIMIT@h
read:
  li 0, 3
  li 3, 0
  mr 4, 30
  mr 5, 28
  sc
  cmpwi 3, 0
  ble start
  add 30, 30, 3
  subf 28, 3, 28
  b read
start:
  address 31, records
next:
  cmplw 31, 30
  bge finish
  lwz 3, 4(31)
  address 4, testcode
  stw 3, 0(4)
  dcbst 0, 4
  sync
  icbi 0, 4
  isync
  get 0, 12
  mtxer 0
  get 0, 13
  mtcrf 0xff, 0
  get 0, 14
  mtctr 0
  get 0, 15
  mtlr 0
  .if BITS == 64
    mtspr 815, 0          # TAR
  .endif
  get 3, 2
  get 4, 3
  get 5, 4
  get 6, 5
  get 7, 6
  get 8, 7
  get 9, 8
  get 10, 9
  get 11, 10
  get 12, 11
  get 0, 1
  b testcode

fell_through:
  put 0, 1
  li 0, 0
  b dump
taken:
  put 0, 1
  li 0, 1
dump:
  put 0, 0
  put 3, 2
  put 4, 3
  put 5, 4
  put 6, 5
  put 7, 6
  put 8, 7
  put 9, 8
  put 10, 9
  put 11, 10
  put 12, 11
  mfxer 0
  put 0, 12
  mfcr 0
  put 0, 13
  mfctr 0
  put 0, 14
  mflr 0
  put 0, 15
again:
  addi 31, 31, 128
  b next
trapped:
  li 0, 2
  put 0, 0
  mr 1, 29
  b again
illegal:
  li 0, 3
  put 0, 0
  mr 1, 29
  b again

finish:
  address 31, records
write:
  li 0, 4
  li 3, 1
  mr 4, 31
  subf 5, 31, 30
  sc
  add 31, 31, 3
  cmplw 31, 30
  blt write
  li 0, 1
  li 3, 0
  sc

  .balign 8
.macro action handler
  .if BITS == 64
    .quad \handler, 0x40000000, 0, 0   # SA_NODEFER
  .else
    .long \handler, 0x40000000, 0, 0, 0
  .endif
.endm
on_trap: action trapped
on_illegal: action illegal

  .bss
  .balign 16
records:
  .space LIMIT
