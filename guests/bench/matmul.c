/* Integer matrix multiply, 64-bit accumulators. */

#include "workload.h"

enum { N = 96 };
static int32_t a[N][N], b[N][N];
static int64_t c[N][N];

uint64_t workload(uint64_t reps)
{
    uint64_t state = 3037000493u, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (int32_t)(uint32_t)next_random(&state) >> 8;
            b[i][j] = (int32_t)(uint32_t)next_random(&state) >> 8;
        }
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                int64_t dot = 0;
                for (int k = 0; k < N; k++)
                    dot += (int64_t)a[i][k] * b[k][j];
                c[i][j] = dot;
            }
        for (int i = 0; i < N; i++)
            sum = mix(sum, (uint64_t)c[i][(i * 7) % N]);
        a[rep % N][(rep / N) % N] ^= (int32_t)(sum & 0xffff);
    }
    return sum;
}
