# Single VSX instructions, in either byte order (records.s runs them).
#
# A record is 256 bytes: instruction word (doubleword), r3 r4 r5 r6, CR, FPSCR, XER, VSCR, then 7 doublewords unused, at 128
# four vectors (VSRs 2, 3, 34, 35) and at 192 64 bytes of storage. r4 gets the address of the record's storage added before,
# and taken off afterwards. Vectors are moved by lxvb16x and stxvb16x, so that they read alike in both byte orders. r7 and
# VSRs 0 and 36 are scratch.

.include "records.s"

.macro getv reg, disp
  li 0, \disp
  lxvb16x \reg, 31, 0
.endm
.macro putv reg, disp
  li 0, \disp
  stxvb16x \reg, 31, 0
.endm

.macro load
  getd 7, 64
  mtvsrdd 36, 0, 7
  mtvscr 4
  getd 7, 48
  mtvsrd 0, 7
  mtfsf 0xff, 0, 1, 0
  getd 7, 40
  mtcrf 0xff, 7
  getd 7, 56
  mtxer 7
  .irp n, 3,4,5,6
    getd \n, 8*(\n-2)
  .endr
  getv 2, 128
  getv 3, 144
  getv 34, 160
  getv 35, 176
  addi 7, 31, 192
  add 4, 4, 7
.endm

.macro store
  addi 7, 31, 192
  subf 4, 7, 4
  .irp n, 3,4,5,6
    putd \n, 8*(\n-2)
  .endr
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
.endm

harness
