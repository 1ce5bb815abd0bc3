# Single decimal instructions (tests/oracle/records.s runs them).
#
# A record is 80 bytes: instruction word, FPSCR, CR, f2 f3, f4 f5, f6 f7, one doubleword unused. f0 is scratch.

.include "records.s"

.macro load
  lfd 0, 8(31)
  mtfsf 0xff, 0, 1, 0
  getd 0, 16
  mtcrf 0xff, 0
  .irp n, 2,3,4,5,6,7
    lfd \n, 8+8*\n(31)
  .endr
.endm

.macro store
  .irp n, 2,3,4,5,6,7
    stfd \n, 8+8*\n(31)
  .endr
  mfcr 0
  putd 0, 16
  mffs 0
  stfd 0, 8(31)
.endm

harness
