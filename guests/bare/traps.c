/* Takes interrupts through real-mode vectors and checks what each one recorded.
 *
 * System call, trap, illegal instruction, floating-point unavailable and decrementer: counts are printed, and
 * SRR0 and the reason bits of SRR1 are compared. Exit status: the number of mismatches.
 */

#include "console.h"
#include "machine.h"

enum { TIMES = 100, TICKS = 20 };
enum { PROGRAM_ILLEGAL = 0x80000, PROGRAM_TRAP = 0x20000, PROGRAM_REASONS = 0x1f0000 };

/* vectors.S knows this layout. */
volatile struct {
    uint64_t srr0, srr1;
    uint64_t count[16];
} interrupts;

typedef uint64_t trigger(uint64_t);
extern trigger trigger_syscall, trigger_trap, trigger_illegal, trigger_reserved, trigger_float;
extern const uint32_t trigger_syscall_at[], trigger_trap_at[], trigger_illegal_at[], trigger_reserved_at[],
    trigger_float_at[];
extern const uint32_t vector_700[], vector_800[], vector_900[], vector_c00[];

static unsigned mismatches;

static void install(unsigned long address, const uint32_t *vector)
{
    volatile uint32_t *to = (volatile uint32_t *)address;
    __asm__("" : "+r"(to));               /* gcc takes low constant addresses for null dereferences */
    for (int i = 0; i < 3; i++) {
        to[i] = vector[i];
        __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0" : : "r"(to + i) : "memory");
    }
    __asm__ volatile("sync; isync" : : : "memory");
}

static void report(const char *name, uint64_t count, uint64_t expected)
{
    con_puts(name);
    con_putc(' ');
    con_dec(count);
    con_puts(count == expected ? "\n" : " WRONG\n");
    mismatches += count != expected;
}

static void check(const char *name, unsigned vector, trigger *run, const uint32_t *srr0, uint64_t reason)
{
    uint64_t before = interrupts.count[vector >> 8], good = 0;
    for (uint64_t i = 1; i <= TIMES; i++) {
        uint64_t result = run(i);
        good += result == i + 1 && interrupts.srr0 == (uintptr_t)srr0
                && (vector != 0x700 || (interrupts.srr1 & PROGRAM_REASONS) == reason);
    }
    report(name, interrupts.count[vector >> 8] - before, TIMES);
    if (good != TIMES)
        report("  of which as expected", good, TIMES);
}

static uint64_t get_msr(void)
{
    uint64_t msr;
    __asm__ volatile("mfmsr %0" : "=r"(msr));
    return msr;
}

static void set_msr(uint64_t msr)
{
    __asm__ volatile("mtmsrd %0; isync" : : "r"(msr) : "memory");
}

static void decrementer(void)
{
    uint64_t msr = get_msr(), waited = 0;
    for (uint64_t tick = 1; tick <= TICKS; tick++) {
        __asm__ volatile("mtdec %0" : : "r"(tick * 50) : "memory");
        set_msr(msr | MSR_EE);
        while (interrupts.count[9] < tick && waited < 100000000)
            waited++;
        set_msr(msr);
    }
    report("decrementer", interrupts.count[9], TICKS);
}

int main(void)
{
    install(0x700, vector_700);
    install(0x800, vector_800);
    install(0x900, vector_900);
    install(0xc00, vector_c00);

    check("syscall", 0xc00, trigger_syscall, trigger_syscall_at + 1, 0);
    check("trap", 0x700, trigger_trap, trigger_trap_at, PROGRAM_TRAP);
    check("illegal", 0x700, trigger_illegal, trigger_illegal_at, PROGRAM_ILLEGAL);
    check("reserved", 0x700, trigger_reserved, trigger_reserved_at, PROGRAM_ILLEGAL);
    set_msr(get_msr() & ~(uint64_t)MSR_FP);
    check("float", 0x800, trigger_float, trigger_float_at, 0);
    set_msr(get_msr() | MSR_FP);
    decrementer();
    con_puts(mismatches ? "traps WRONG\n" : "traps ok\n");
    return (int)mismatches;
}
