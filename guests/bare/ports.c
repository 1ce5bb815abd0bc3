/* The bare machine's own console and power-off: three memory-mapped registers. */

#include "console.h"
#include "machine.h"

void con_putc(char c)
{
    *(volatile char *)(uintptr_t)CONSOLE_OUT = c;
}

int con_getc(void)
{
    return (int)*(volatile uint32_t *)(uintptr_t)CONSOLE_IN;
}

void machine_exit(unsigned status)
{
    *(volatile uint32_t *)(uintptr_t)POWER_OFF = status;
    for (;;)
        ;
}
