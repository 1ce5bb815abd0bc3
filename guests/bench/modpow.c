/* 512-bit modular exponentiation (Montgomery): doubleword multiplies with high halves, and carries. */

#include "workload.h"

enum { WORDS = 8 };
typedef unsigned __int128 wide;

static const uint64_t modulus[WORDS] = {
    0xb3f1c2d4e5a69787u, 0x1122334455667788u, 0x99aabbccddeeff01u, 0x0f1e2d3c4b5a6978u,
    0x8796a5b4c3d2e1f0u, 0x13579bdf02468aceu, 0xfedcba9876543210u, 0xc0ffee1234567899u,
};

static uint64_t inverse(void)
{
    uint64_t x = 1;
    for (int i = 0; i < 6; i++)
        x *= 2 - modulus[0] * x;
    return -x;
}

static void multiply(uint64_t *result, const uint64_t *a, const uint64_t *b, uint64_t inv)
{
    uint64_t t[WORDS + 2] = {0};
    for (int i = 0; i < WORDS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < WORDS; j++) {
            wide w = (wide)a[j] * b[i] + t[j] + carry;
            t[j] = (uint64_t)w;
            carry = (uint64_t)(w >> 64);
        }
        wide top = (wide)t[WORDS] + carry;
        t[WORDS] = (uint64_t)top;
        t[WORDS + 1] = (uint64_t)(top >> 64);
        uint64_t m = t[0] * inv;
        wide w = (wide)m * modulus[0] + t[0];
        carry = (uint64_t)(w >> 64);
        for (int j = 1; j < WORDS; j++) {
            w = (wide)m * modulus[j] + t[j] + carry;
            t[j - 1] = (uint64_t)w;
            carry = (uint64_t)(w >> 64);
        }
        top = (wide)t[WORDS] + carry;
        t[WORDS - 1] = (uint64_t)top;
        t[WORDS] = t[WORDS + 1] + (uint64_t)(top >> 64);
    }
    uint64_t reduced[WORDS], borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        wide w = (wide)t[i] - modulus[i] - borrow;
        reduced[i] = (uint64_t)w;
        borrow = (uint64_t)(w >> 64) & 1;
    }
    int keep = borrow > t[WORDS];
    for (int i = 0; i < WORDS; i++)
        result[i] = keep ? t[i] : reduced[i];
}

uint64_t workload(uint64_t reps)
{
    uint64_t base[WORDS], power[WORDS], inv = inverse(), sum = 0;
    for (int i = 0; i < WORDS; i++)
        base[i] = 0x0123456789abcdefu * (uint64_t)(i + 3);
    base[WORDS - 1] >>= 1;
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (int i = 0; i < WORDS; i++)
            power[i] = base[i];
        for (int bit = 62; bit >= 0; bit--) {
            multiply(power, power, power, inv);
            if ((modulus[1] ^ rep) >> bit & 1)
                multiply(power, power, base, inv);
        }
        for (int i = 0; i < WORDS; i++)
            sum = mix(sum, base[i] = power[i]);
    }
    return sum;
}
