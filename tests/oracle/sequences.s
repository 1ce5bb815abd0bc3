# Runs sequences of instructions under qemu-ppc64, qemu-ppc64le or qemu-ppc: records of 4096 bytes on stdin, the first 2048 of each
# as they are afterwards on stdout. The record lies at STATE (tests/oracle/sequences.py draws it) and its code is run where it lies;
# the sequence ends with a branch to `finish`, the first instruction of this program. r31 is ours.

.ifdef WORDS
  .set BITS, 32
  .ifdef LITTLE
    .set LOW, 0
  .else
    .set LOW, 4
  .endif
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
.set CODE, 2048

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
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    stfd \n, 8*(40+\n)(31)
  .endr
  mr 28, 31
  li 29, 2048
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
  li 29, 4096
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
  li 5, 2048/64
  mtctr 5
1:
  dcbst 0, 4
  sync
  icbi 0, 4
  addi 4, 4, 64
  bdnz 1b
  isync
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lfd \n, 8*(40+\n)(31)
  .endr
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
