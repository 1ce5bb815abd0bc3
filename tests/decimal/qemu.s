# Runs single instructions under qemu-ppc64: an array of records on stdin, the same array afterwards on stdout.
#
# A record is 80 bytes: instruction word, FPSCR, CR, f2 f3, f4 f5, f6 f7, one doubleword unused.

  .abiversion 2
.set LIMIT, 80*65536

.section .code, "awx"
testcode:
  nop
  b back

  .globl _start
_start:
  lis 30, records@ha
  addi 30, 30, records@l
  mr 31, 30
  lis 29, LIMIT@h
input:
  li 0, 3
  li 3, 0
  mr 4, 31
  mr 5, 29
  sc
  cmpdi 3, 0
  ble run
  add 31, 31, 3
  subf 29, 3, 29
  b input
run:
  mr 28, 31               # end of the records
  mr 31, 30
next:
  cmpld 31, 28
  bge output
  lis 27, testcode@ha
  addi 27, 27, testcode@l
  ld 0, 0(31)
  stw 0, 0(27)
  dcbst 0, 27
  sync
  icbi 0, 27
  isync
  lfd 0, 8(31)
  mtfsf 0xff, 0, 1, 0
  ld 0, 16(31)
  mtcrf 0xff, 0
  .irp n, 2,3,4,5,6,7
    lfd \n, 8+8*\n(31)
  .endr
  mtctr 27
  bctr
back:
  .irp n, 2,3,4,5,6,7
    stfd \n, 8+8*\n(31)
  .endr
  mfcr 0
  std 0, 16(31)
  mffs 0
  stfd 0, 8(31)
  addi 31, 31, 80
  b next
output:
  mr 31, 30
more:
  subf. 5, 31, 28
  ble done
  li 0, 4
  li 3, 1
  mr 4, 31
  sc
  cmpdi 3, 0
  ble done
  add 31, 31, 3
  b more
done:
  li 0, 1
  li 3, 0
  sc

.section .bss
  .balign 4096
records:
  .space LIMIT
