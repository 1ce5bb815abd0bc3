# Runs single instructions under qemu-ppc64: an array of records on stdin, the same array afterwards on stdout.
#
# A record is 24 doublewords: instruction word, r3 r4 r5 r6, f1 f2 f3 f4, XER, CR, FPSCR (as a double's bits), reserved x4, 64 bytes of storage.
# r4 gets the address of the record's storage added before, and taken off afterwards. f5 is scratch.

  .abiversion 2
.set LIMIT, 192*20000

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
  ori 29, 29, LIMIT@l
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
  lfd 5, 88(31)
  mtfsf 0xff, 5
  lfd 1, 40(31)
  lfd 2, 48(31)
  lfd 3, 56(31)
  lfd 4, 64(31)
  ld 0, 72(31)
  mtxer 0
  ld 0, 80(31)
  mtcrf 0xff, 0
  ld 3, 8(31)
  ld 4, 16(31)
  ld 5, 24(31)
  ld 6, 32(31)
  addi 7, 31, 128
  add 4, 4, 7
  mtctr 27
  bctr
back:
  addi 7, 31, 128
  subf 4, 7, 4
  std 3, 8(31)
  std 4, 16(31)
  std 5, 24(31)
  std 6, 32(31)
  stfd 1, 40(31)
  stfd 2, 48(31)
  stfd 3, 56(31)
  stfd 4, 64(31)
  mfxer 0
  std 0, 72(31)
  mfcr 0
  std 0, 80(31)
  mffs 5
  stfd 5, 88(31)
  addi 31, 31, 192
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
