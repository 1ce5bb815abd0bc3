/* Escape times of the Mandelbrot set: double precision in registers, a compare every turn. */

#include "workload.h"

enum { WIDTH = 64, HEIGHT = 48, LIMIT = 100 };

uint64_t workload(uint64_t reps)
{
    uint64_t sum = 0;
    double zoom = 1.0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                double cr = -0.75 + (x - WIDTH / 2) * (3.0 / WIDTH) * zoom;
                double ci = 0.1 + (y - HEIGHT / 2) * (2.25 / HEIGHT) * zoom;
                double zr = 0, zi = 0, rr = 0, ii = 0;
                int n = 0;
                for (; n < LIMIT && rr + ii < 4.0; n++) {
                    zi = 2.0 * zr * zi + ci;
                    zr = rr - ii + cr;
                    rr = zr * zr;
                    ii = zi * zi;
                }
                sum = mix(sum, (uint64_t)n);
            }
        zoom = zoom < 0.01 ? 1.0 : zoom * 0.875;
    }
    return sum;
}
