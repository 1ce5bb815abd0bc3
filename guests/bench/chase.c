/* Pointer chase around one cycle through 2 MiB: a load whose address is the previous load. */

#include "workload.h"

enum { NODES = 1 << 16, STEPS = 1 << 16 };
static struct node {
    struct node *next;
    uint64_t value;
    uint64_t unused[2];
} nodes[NODES];
static uint32_t order[NODES];

uint64_t workload(uint64_t reps)
{
    uint64_t state = 6364136223846793005u, sum = 0;
    for (uint32_t i = 0; i < NODES; i++)
        order[i] = i;
    for (uint32_t i = NODES - 1; i > 0; i--) {
        uint32_t j = (uint32_t)((next_random(&state) >> 32) % (i + 1)), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
        nodes[order[i]].value = i * 2654435761u;
    }
    struct node *at = nodes;
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (unsigned i = 0; i < STEPS; i++) {
            sum += at->value ^ i;
            at = at->next;
        }
        at->value += sum;
        at = at->next;
    }
    return mix(sum, at->value);
}
