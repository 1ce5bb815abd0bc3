/* The machine a bare program sees. Shared by C and assembly. */

#ifndef MACHINE_H
#define MACHINE_H

#define STACK_TOP        0x01000000     /* grows down from 16 MiB */

/* Registers of the bare machine, real addresses. */
#define CONSOLE_OUT      0xF0000000     /* store byte: console output */
#define CONSOLE_IN       0xF0000004     /* load word: next input byte, or all ones */
#define POWER_OFF        0xF0000008     /* store word: stop with this exit status */

#define MSR_FP           0x2000
#define MSR_EE           0x8000

#endif
