/* The same console and power-off through hypercalls, so that the programs also run under
 * qemu-system-ppc64 -M pseries: the independent check of what they should print. */

#include "console.h"

enum { H_GET_TERM_CHAR = 0x54, H_PUT_TERM_CHAR = 0x58, H_RTAS = 0xf000 };
enum { VTY = 0x71000000, RTAS_POWER_OFF = 0x2003 };

static long hypercall(unsigned long number, unsigned long a, unsigned long b, unsigned long c,
                      unsigned long results[3])
{
    register unsigned long r3 __asm__("r3") = number;
    register unsigned long r4 __asm__("r4") = a;
    register unsigned long r5 __asm__("r5") = b;
    register unsigned long r6 __asm__("r6") = c;
    __asm__ volatile("sc 1"
                     : "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6)
                     :
                     : "r0", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "cr1", "cr5",
                       "cr6", "cr7", "memory");
    if (results) {
        results[0] = r4;
        results[1] = r5;
        results[2] = r6;
    }
    return (long)r3;
}

void con_putc(char c)
{
    while (hypercall(H_PUT_TERM_CHAR, VTY, 1, (unsigned long)(unsigned char)c << 56, 0))
        ;
}

int con_getc(void)
{
    static unsigned char waiting[16];
    static int count, next;
    if (next == count) {
        unsigned long results[3];
        if (hypercall(H_GET_TERM_CHAR, VTY, 0, 0, results))
            return -1;
        count = (int)results[0];
        next = 0;
        for (int i = 0; i < count; i++)
            waiting[i] = (unsigned char)(results[1 + i / 8] >> (56 - 8 * (i % 8)));
        if (!count)
            return -1;
    }
    return waiting[next++];
}

void machine_exit(unsigned status)
{
    static uint32_t power_off[] = {RTAS_POWER_OFF, 2, 1, 0, 0, 0};
    if (status) {
        con_puts("exit status ");
        con_dec(status);
        con_putc('\n');
    }
    for (;;)
        hypercall(H_RTAS, (unsigned long)power_off, 0, 0, 0);
}
