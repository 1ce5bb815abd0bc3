# Single vector instructions (records.s runs them).
#
# A record is 128 bytes: instruction word, r3 r4 r5 r6, CR (doublewords), VSCR, v1 v2 v3 v4 (quadwords). v0 and r7 are scratch.

.include "records.s"

.macro load
  li 7, 48
  lvx 0, 31, 7
  mtvscr 0
  .irp n, 1,2,3,4
    li 7, 48+16*\n
    lvx \n, 31, 7
  .endr
  .irp n, 3,4,5,6
    getd \n, 8*(\n-2)
  .endr
  getd 0, 40
  mtcrf 0xff, 0
.endm

.macro store
  .irp n, 3,4,5,6
    putd \n, 8*(\n-2)
  .endr
  mfcr 0
  putd 0, 40
  mfvscr 0
  li 7, 48
  stvx 0, 31, 7
  .irp n, 1,2,3,4
    li 7, 48+16*\n
    stvx \n, 31, 7
  .endr
.endm

harness
