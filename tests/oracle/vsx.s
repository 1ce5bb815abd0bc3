# Runs single instructions under qemu-ppc64 and qemu-ppc64le: an array of records on stdin, the same array afterwards on
# stdout. Assembled in either byte order; both read and write big-endian records.
#
# A record is 256 bytes: instruction word (doubleword), r3 r4 r5 r6, CR, FPSCR, XER, VSCR, then 7 doublewords unused, at 128
# four vectors (VSRs 2, 3, 34, 35) and at 192 64 bytes of storage. r4 gets the address of the record's storage added before,
# and taken off afterwards. Vectors are moved by lxvb16x and stxvb16x, so that they read alike in both byte orders.

.ifdef LITTLE
  .macro getd reg, disp
  li 0, \disp
  ldbrx \reg, 31, 0
  .endm
  .macro putd reg, disp
  li 0, \disp
  stdbrx \reg, 31, 0
  .endm
  .abiversion 2
.else
  .macro getd reg, disp
  ld \reg, \disp(31)
  .endm
  .macro putd reg, disp
  std \reg, \disp(31)
  .endm
  .abiversion 2
.endif
  .macro getv reg, disp
  li 0, \disp
  lxvb16x \reg, 31, 0
  .endm
  .macro putv reg, disp
  li 0, \disp
  stxvb16x \reg, 31, 0
  .endm
.set LIMIT, 256*20000

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
  getd 7, 0
  stw 7, 0(27)
  dcbst 0, 27
  sync
  icbi 0, 27
  isync
  getd 7, 64              # VSCR
  mtvsrdd 36, 0, 7
  mtvscr 4
  getd 7, 48
  mtvsrd 0, 7
  mtfsf 0xff, 0, 1, 0
  getd 7, 40
  mtcrf 0xff, 7
  getd 7, 56
  mtxer 7
  getd 3, 8
  getd 4, 16
  getd 5, 24
  getd 6, 32
  getv 2, 128
  getv 3, 144
  getv 34, 160
  getv 35, 176
  addi 7, 31, 192
  add 4, 4, 7
  mtctr 27
  bctr
back:
  addi 7, 31, 192
  subf 4, 7, 4
  putd 3, 8
  putd 4, 16
  putd 5, 24
  putd 6, 32
  putv 2, 128
  putv 3, 144
  putv 34, 160
  putv 35, 176
  mfcr 7
  putd 7, 40
  mfxer 7
  putd 7, 56
  mffs 0
  mfvsrd 7, 0
  putd 7, 48
  mfvscr 4
  mfvsrld 7, 36
  putd 7, 64
  addi 31, 31, 256
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
