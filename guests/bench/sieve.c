/* Sieve of Eratosthenes: byte stores with a stride, byte loads in sequence. */

#include "workload.h"

enum { LIMIT = 1 << 19 };
static uint8_t composite[LIMIT];

uint64_t workload(uint64_t reps)
{
    uint64_t sum = 0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        unsigned limit = LIMIT - (unsigned)(rep & 1023);
        for (unsigned i = 0; i < limit; i++)
            composite[i] = 0;
        for (unsigned i = 2; i * i < limit; i++)
            if (!composite[i])
                for (unsigned j = i * i; j < limit; j += i)
                    composite[j] = 1;
        unsigned count = 0, last = 0;
        for (unsigned i = 2; i < limit; i++)
            if (!composite[i]) {
                count++;
                last = i;
            }
        sum = mix(sum, (uint64_t)count << 32 | last);
    }
    return sum;
}
