/* Runs one workload and prints `NAME result HEX`: freestanding on the bare machine, hosted on Linux. */

#include "workload.h"

/* The number of rounds. In a bare program the harness may overwrite this doubleword before the start. */
volatile uint64_t bench_reps __attribute__((section(".data.bench_reps"))) = REPS;

#if __STDC_HOSTED__

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc > 1)
        bench_reps = strtoull(argv[1], 0, 0);
    printf("%s result %016" PRIx64 "\n", NAME, workload(bench_reps));
    return 0;
}

#else

#include "../bare/console.h"

int main(void)
{
    uint64_t result = workload(bench_reps);
    con_puts(NAME " result ");
    con_hex(result);
    con_putc('\n');
    return 0;
}

#endif
