#include "console.h"

void con_puts(const char *text)
{
    while (*text)
        con_putc(*text++);
}

void con_hex(uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        con_putc("0123456789abcdef"[(value >> shift) & 15]);
}

void con_dec(unsigned long value)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        con_putc(digits[--n]);
}
