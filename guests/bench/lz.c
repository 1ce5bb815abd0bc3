/* LZ77 in the manner of LZ4: a hash table of recent positions, byte matches, then decompression and compare. */

#include "workload.h"

enum { SIZE = 1 << 16, HASHES = 1 << 12, SHORTEST = 4 };
static uint8_t input[SIZE], packed[SIZE + SIZE / 8], output[SIZE];
static uint32_t positions[HASHES];

static uint32_t hash(const uint8_t *p)
{
    uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return word * 2654435761u >> 20;
}

static uint8_t *put_length(uint8_t *out, uint32_t length)
{
    for (; length >= 255; length -= 255)
        *out++ = 255;
    *out++ = (uint8_t)length;
    return out;
}

static uint32_t compress(void)
{
    uint8_t *out = packed;
    uint32_t at = 0, literals = 0;
    for (uint32_t i = 0; i < HASHES; i++)
        positions[i] = SIZE;
    while (at + SHORTEST <= SIZE) {
        uint32_t *slot = &positions[hash(input + at)], candidate = *slot, length = 0;
        *slot = at;
        if (candidate < at)
            while (at + length < SIZE && input[candidate + length] == input[at + length])
                length++;
        if (length < SHORTEST) {
            at++;
            continue;
        }
        out = put_length(out, at - literals);
        while (literals < at)
            *out++ = input[literals++];
        *out++ = (uint8_t)((at - candidate) >> 8);
        *out++ = (uint8_t)(at - candidate);
        out = put_length(out, length);
        at += length;
        literals = at;
    }
    out = put_length(out, SIZE - literals);
    while (literals < SIZE)
        *out++ = input[literals++];
    return (uint32_t)(out - packed);
}

static const uint8_t *get_length(const uint8_t *in, uint32_t *length)
{
    *length = 0;
    do
        *length += *in;
    while (*in++ == 255);
    return in;
}

static uint32_t decompress(uint32_t size)
{
    const uint8_t *in = packed, *end = packed + size;
    uint32_t at = 0, length;
    for (;;) {
        in = get_length(in, &length);
        while (length--)
            output[at++] = *in++;
        if (in == end)
            return at;
        uint32_t distance = (uint32_t)in[0] << 8 | in[1];
        in = get_length(in + 2, &length);
        for (; length--; at++)
            output[at] = output[at - distance];
    }
}

uint64_t workload(uint64_t reps)
{
    static const char *const words[8] = {"instruction ", "register ", "the ", "of ",
                                         "translation ", "and ", "page ", "branch "};
    uint64_t state = 1181783497276652981u, sum = 0;
    for (uint32_t at = 0; at < SIZE;) {
        uint64_t r = next_random(&state);
        for (const char *s = words[r >> 61]; *s && at < SIZE; s++)
            input[at++] = (uint8_t)*s;
        if (at < SIZE && r % 5 == 0)
            input[at++] = (uint8_t)(r >> 20);
    }
    for (uint64_t rep = 0; rep < reps; rep++) {
        uint32_t size = compress(), back = decompress(size), wrong = 0;
        for (uint32_t i = 0; i < SIZE; i++)
            wrong += input[i] != output[i];
        sum = mix(sum, (uint64_t)size << 32 | (back - SIZE + wrong));
        input[(uint32_t)sum % SIZE] ^= (uint8_t)(sum >> 32);
    }
    return sum;
}
