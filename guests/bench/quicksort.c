/* Quicksort with insertion sort below eight: unpredictable branches, recursion, word loads and stores. */

#include "workload.h"

enum { SIZE = 1 << 15 };
static int32_t values[SIZE];

static void sort(int32_t *low, int32_t *high)
{
    while (high - low > 8) {
        int32_t pivot = low[(high - low) / 2];
        int32_t *i = low, *j = high;
        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                int32_t t = *i;
                *i++ = *j;
                *j-- = t;
            }
        }
        if (j - low < high - i) {
            sort(low, j);
            low = i;
        } else {
            sort(i, high);
            high = j;
        }
    }
    for (int32_t *i = low + 1; i <= high; i++) {
        int32_t value = *i, *j = i;
        for (; j > low && j[-1] > value; j--)
            *j = j[-1];
        *j = value;
    }
}

uint64_t workload(uint64_t reps)
{
    uint64_t state = 2463534242u, sum = 0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (unsigned i = 0; i < SIZE; i++)
            values[i] = (int32_t)(uint32_t)next_random(&state);
        sort(values, values + SIZE - 1);
        for (unsigned i = 0; i < SIZE; i += 97)
            sum = mix(sum, (uint32_t)values[i]);
    }
    return sum;
}
