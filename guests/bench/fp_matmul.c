/* Matrix multiply in double precision, without fused operations. */

#include "workload.h"

enum { N = 64 };
static double a[N][N], b[N][N], c[N][N];

uint64_t workload(uint64_t reps)
{
    uint64_t state = 3037000493u, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(int64_t)(next_random(&state) >> 12) / 4503599627370496.0;
            b[i][j] = (double)(int64_t)(next_random(&state) >> 12) / 4503599627370496.0 - 0.5;
        }
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double dot = 0;
                for (int k = 0; k < N; k++)
                    dot += a[i][k] * b[k][j];
                c[i][j] = dot;
            }
        for (int i = 0; i < N; i++)
            sum = mix(sum, double_bits(c[i][(i * 5) % N]));
        a[rep % N][(rep / N) % N] += c[rep % N][3] * 0.125;
    }
    return sum;
}
