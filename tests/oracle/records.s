# What the harnesses that run single instructions under qemu-user share: an array of records is read from stdin, the same
# array is written to stdout after each record's instruction has run. A harness includes this, defines the macros
#   load    registers, from the record at r31
#   store   the record at r31, from registers
# and, if it wants, `testcode` (where the instruction is put: it falls through to a branch to `back`) and `_start` (which
# goes to `input` when it is ready), and then says `harness`. The first doubleword of a record is the instruction word. Records are big-endian in either
# byte order. r26 to r31 are ours. tests/oracle/records.py assembles this: with RECORD, the bytes of one, and LIMIT, of the array,
# and WORDS for a 32-bit program or LITTLE for a little-endian one.

.ifdef WORDS
  .macro getd reg, disp                 # the low word of a doubleword
    lwz \reg, \disp+4(31)
  .endm
  .macro putd reg, disp
    stw \reg, \disp+4(31)
  .endm
.else
  .abiversion 2
  .ifdef LITTLE                         # both change r0
    .macro getd reg, disp
      li 0, \disp
      ldbrx \reg, 31, 0
    .endm
    .macro putd reg, disp
      li 0, \disp
      stdbrx \reg, 31, 0
    .endm
  .else
    .macro getd reg, disp
      ld \reg, \disp(31)
    .endm
    .macro putd reg, disp
      std \reg, \disp(31)
    .endm
  .endif
.endif

.macro address reg, symbol
  lis \reg, \symbol@ha
  addi \reg, \reg, \symbol@l
.endm

.macro harness
.section .code, "awx"
.ifndef testcode
testcode:
  nop
  b back
.endif

.ifndef _start
  .globl _start
_start:
.endif
input:
  address 30, records                   # end of what was read
  lis 29, LIMIT@ha
  addi 29, 29, LIMIT@l
read:
  li 0, 3
  li 3, 0
  mr 4, 30
  mr 5, 29
  sc
  cmpwi 3, 0
  ble run
  add 30, 30, 3
  subf 29, 3, 29
  b read

run:
  address 31, records
next:
  cmplw 31, 30
  bge output
  address 27, testcode
  getd 28, 0
  stw 28, 0(27)
  dcbst 0, 27
  sync
  icbi 0, 27
  isync
  load
  b testcode
back:
  store
again:
  addi 31, 31, RECORD
  b next

output:
  address 31, records
write:
  subf. 5, 31, 30
  ble done
  li 0, 4
  li 3, 1
  mr 4, 31
  sc
  cmpwi 3, 0
  ble done
  add 31, 31, 3
  b write
done:
  li 0, 1
  li 3, 0
  sc

.section .bss
  .balign 4096
records:
  .space LIMIT
.endm
