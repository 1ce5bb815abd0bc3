# Single instructions on GPRs, FPRs and storage (records.s runs them).
#
# A record is 192 bytes: instruction word, r3 r4 r5 r6, f1 f2 f3 f4, XER, CR, FPSCR (as a double's bits), reserved x4, 64 bytes of storage.
# r4 gets the address of the record's storage added before, and taken off afterwards. r7 and f5 are scratch.

.include "records.s"

.macro load
  lfd 5, 88(31)
  mtfsf 0xff, 5
  .irp n, 1,2,3,4
    lfd \n, 32+8*\n(31)
  .endr
  getd 0, 72
  mtxer 0
  getd 0, 80
  mtcrf 0xff, 0
  .irp n, 3,4,5,6
    getd \n, 8*(\n-2)
  .endr
  addi 7, 31, 128
  add 4, 4, 7
.endm

.macro store
  addi 7, 31, 128
  subf 4, 7, 4
  .irp n, 3,4,5,6
    putd \n, 8*(\n-2)
  .endr
  .irp n, 1,2,3,4
    stfd \n, 32+8*\n(31)
  .endr
  mfxer 0
  putd 0, 72
  mfcr 0
  putd 0, 80
  mffs 5
  stfd 5, 88(31)
.endm

harness
