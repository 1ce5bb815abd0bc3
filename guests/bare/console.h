/* Console output and input without a C library. */

#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void con_putc(char c);
void con_puts(const char *text);          /* no newline added */
void con_hex(uint64_t value);             /* 16 digits */
void con_dec(unsigned long value);
int con_getc(void);                       /* -1 when no byte is waiting */

void machine_exit(unsigned status) __attribute__((noreturn));

#endif
