/* What every workload shares. Each file defines one function; results must be the same on every machine, so
 * nothing here may depend on byte order, word size, or how the compiler contracts floating point. */

#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdint.h>

/* Runs `reps` rounds and returns a checksum of everything they computed. */
uint64_t workload(uint64_t reps);

static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

/* xorshift64: the only source of "random" input. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static inline uint64_t double_bits(double x)
{
    union {
        double d;
        uint64_t u;
    } bits = {x};
    return bits.u;
}

#endif
