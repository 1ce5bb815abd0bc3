/* Table-driven CRC-32: one dependent chain of table loads. */

#include "workload.h"

enum { SIZE = 1 << 16 };
static uint32_t table[256];
static uint8_t data[SIZE];

uint64_t workload(uint64_t reps)
{
    uint64_t state = 88172645463325252u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
    for (unsigned i = 0; i < SIZE; i++)
        data[i] = (uint8_t)next_random(&state);

    uint32_t crc = 0;
    for (uint64_t rep = 0; rep < reps; rep++) {
        crc = ~crc;
        for (unsigned i = 0; i < SIZE; i++)
            crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
        crc = ~crc;
        data[rep % SIZE] = (uint8_t)crc;
    }
    return crc;
}
