/* N queens by plain recursion over an array of rows: call and return heavy. */

#include "workload.h"

static int rows[16];

__attribute__((noinline)) static int safe(int column, int row)
{
    for (int c = 0; c < column; c++) {
        int distance = rows[c] - row;
        if (distance == 0 || distance == column - c || distance == c - column)
            return 0;
    }
    return 1;
}

__attribute__((noinline)) static uint64_t place(int column, int size)
{
    if (column == size)
        return 1;
    uint64_t found = 0;
    for (int row = 0; row < size; row++)
        if (safe(column, row)) {
            rows[column] = row;
            found += place(column + 1, size);
        }
    return found;
}

uint64_t workload(uint64_t reps)
{
    uint64_t sum = 0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        uint64_t found = place(0, 7 + (int)(rep & 1));
        sum = mix(sum, found << 8 | (uint64_t)rows[rep & 7]);
    }
    return sum;
}
