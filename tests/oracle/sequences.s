# Runs sequences of instructions under qemu-ppc64, qemu-ppc64le or qemu-ppc: records of 5120 bytes on stdin, the first 3072 of each
# as they are afterwards on stdout. The record lies at STATE (tests/oracle/sequence_layout.py draws it) and its code is run where it
# lies; the sequence ends with a branch to `finish`, the first instruction of this program. r31 is ours.

.ifdef WORDS
  .set BITS, 32
  .set LOW, 4
.else
  .set BITS, 64
  .set LOW, 0
  .abiversion 2
.endif

.macro get reg, n
  .if BITS == 64
    ld \reg, 8*\n(31)
  .else
    lwz \reg, 8*\n+LOW(31)
  .endif
.endm

.macro put reg, n
  .if BITS == 64
    std \reg, 8*\n(31)
  .else
    stw \reg, 8*\n+LOW(31)
  .endif
.endm

.set STATE_HIGH, 0x110
.set RECORD, 5120
.set ANSWER, 3072
.set CODE, 3072
.set VSR, 512

.section .code, "awx"
finish:
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    put \n, \n
  .endr
  mfcr 0
  put 0, 32
  mfxer 0
  put 0, 33
  mflr 0
  put 0, 34
  mfctr 0
  put 0, 35
.if BITS == 64
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li 3, VSR+16*\n
    stxvd2x \n, 31, 3
    li 3, VSR+16*(32+\n)
    stxvd2x 32+\n, 31, 3
  .endr
  mfvscr 0
  mfvsrld 3, 32
  std 3, 8*37(31)
.else
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    stfd \n, VSR+16*\n(31)
  .endr
.endif
  mffs 0
  stfd 0, 8*36(31)
  mr 28, 31
  li 29, ANSWER
output:
  li 0, 4
  li 3, 1
  mr 4, 28
  mr 5, 29
  sc
  cmpwi 3, 0
  ble done
  add 28, 28, 3
  subf. 29, 3, 29
  bgt output

  .globl _start
_start:
  lis 31, STATE_HIGH
  mr 28, 31
  li 29, RECORD
input:
  li 0, 3
  li 3, 0
  mr 4, 28
  mr 5, 29
  sc
  cmpwi 3, 0
  ble done
  add 28, 28, 3
  subf. 29, 3, 29
  bgt input
  addi 4, 31, CODE
  li 5, (RECORD-CODE)/64
  mtctr 5
1:
  dcbst 0, 4
  sync
  icbi 0, 4
  addi 4, 4, 64
  bdnz 1b
  isync
  lfd 0, 8*36(31)
.if BITS == 64
  mtfsf 0xff, 0, 1, 0
  ld 3, 8*37(31)
  mtvsrdd 32, 0, 3
  mtvscr 0
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li 3, VSR+16*\n
    lxvd2x \n, 31, 3
    li 3, VSR+16*(32+\n)
    lxvd2x 32+\n, 31, 3
  .endr
.else
  mtfsf 0xff, 0
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lfd \n, VSR+16*\n(31)
  .endr
.endif
  get 0, 32
  mtcrf 0xff, 0
  get 0, 33
  mtxer 0
  get 0, 34
  mtlr 0
  addi 3, 31, CODE
  mtctr 3
  .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,1,2
    get \n, \n
  .endr
  get 0, 0
  bctr
done:
  li 0, 1
  li 3, 0
  sc
