/* Self-modifying code: writes small functions, makes them visible, calls them, thousands of times.
 *
 * Three shapes: the same function rewritten in place, one instruction of a function patched, and
 * functions that share a page with data. The checksum is also computed without generated code.
 */

#include "console.h"

enum { ROUNDS = 20000, SLOTS = 64, SLOT_WORDS = 4 };

typedef uint64_t (*function)(uint64_t);

/* Code and data on the same pages on purpose: a store to `data` must not break code beside it. */
static struct {
    uint32_t code[SLOT_WORDS];
    uint64_t data[2];
} slots[SLOTS];

enum { BLR = 0x4e800020, NOP = 0x60000000 };

/* Instructions on r3: what to place, and what each one means. */
static uint32_t encode(unsigned kind, uint32_t n)
{
    switch (kind & 3) {
    case 0: return 0x38630000u | (n & 0x7fff);                          /* addi  3,3,n */
    case 1: return 0x68630000u | (n & 0xffff);                          /* xori  3,3,n */
    case 2: return 0x1c630000u | (n & 0x7fff);                          /* mulli 3,3,n */
    default: return 0x78630000u | ((n & 31) << 11);                     /* rotldi 3,3,n */
    }
}

static uint64_t meaning(unsigned kind, uint32_t n, uint64_t x)
{
    switch (kind & 3) {
    case 0: return x + (n & 0x7fff);
    case 1: return x ^ (n & 0xffff);
    case 2: return x * (n & 0x7fff);
    default: n &= 31; return n ? x << n | x >> (64 - n) : x;
    }
}

static void publish(uint32_t *code, unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        __asm__ volatile("dcbst 0,%0" : : "r"(code + i) : "memory");
    __asm__ volatile("sync" : : : "memory");
    for (unsigned i = 0; i < words; i++)
        __asm__ volatile("icbi 0,%0" : : "r"(code + i) : "memory");
    __asm__ volatile("sync; isync" : : : "memory");
}

int main(void)
{
    uint64_t got = 1, want = 1;
    uint32_t random = 12345;

    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i].code[0] = NOP;
        slots[i].code[1] = NOP;
        slots[i].code[2] = NOP;
        slots[i].code[3] = BLR;
        publish(slots[i].code, SLOT_WORDS);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        random = random * 1664525 + 1013904223;
        unsigned kind = random >> 30, n = (random >> 8) & 0xffff;
        /* Half of the rounds hammer one slot, so that it is hot while it changes. */
        unsigned slot = round & 1 ? 0 : random >> 16 & (SLOTS - 1);
        uint32_t *code = slots[slot].code;
        if (round % 3) {
            code[1] = encode(kind, n);
            code[0] = code[2] = NOP;
            publish(code, 3);
            want = meaning(kind, n, want);
        } else {
            code[0] = encode(kind, n);
            code[1] = encode(kind + 1, n ^ round);
            code[2] = encode(kind + 2, n + round);
            publish(code, 3);
            want = meaning(kind + 2, n + round, meaning(kind + 1, n ^ round, meaning(kind, n, want)));
        }
        slots[slot].data[round & 1] = got;
        got = ((function)(uintptr_t)code)(got) | 1;
        want |= 1;
    }
    con_puts("selfmod ");
    con_hex(got);
    con_puts(got == want ? " ok\n" : " WRONG\n");
    return got != want;
}
