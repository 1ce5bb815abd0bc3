# Runs single instructions under qemu-ppc64: an array of records on stdin, the same array afterwards on stdout.
#
# A record is 128 bytes: instruction word, r3 r4 r5 r6, CR (doublewords), VSCR, v1 v2 v3 v4 (quadwords). v0 is scratch.

  .abiversion 2
.set LIMIT, 128*65536

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
  li 20, 48
  li 21, 64
  li 22, 80
  li 23, 96
  li 24, 112
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
  lvx 0, 31, 20
  mtvscr 0
  lvx 1, 31, 21
  lvx 2, 31, 22
  lvx 3, 31, 23
  lvx 4, 31, 24
  ld 3, 8(31)
  ld 4, 16(31)
  ld 5, 24(31)
  ld 6, 32(31)
  ld 0, 40(31)
  mtcrf 0xff, 0
  mtctr 27
  bctr
back:
  std 3, 8(31)
  std 4, 16(31)
  std 5, 24(31)
  std 6, 32(31)
  mfcr 0
  std 0, 40(31)
  mfvscr 0
  stvx 0, 31, 20
  stvx 1, 31, 21
  stvx 2, 31, 22
  stvx 3, 31, 23
  stvx 4, 31, 24
  addi 31, 31, 128
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
