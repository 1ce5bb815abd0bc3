/* In the spirit of Dhrystone: records copied and linked, enumerations, string compares, small calls that the
 * compiler is told not to inline. */

#include "workload.h"

#define SEPARATE __attribute__((noinline))

enum colour { RED, GREEN, BLUE, YELLOW };

struct record {
    struct record *link;
    enum colour colour, other;
    int32_t number;
    int16_t small;
    char name[31];
};

static struct record records[2];
static uint32_t grid[32][32];
static char global_char;

SEPARATE static enum colour next_colour(enum colour c, int32_t bias)
{
    switch (c) {
    case RED: return bias > 100 ? RED : YELLOW;
    case GREEN: return bias & 1 ? GREEN : BLUE;
    case BLUE: return GREEN;
    default: return RED;
    }
}

SEPARATE static int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

SEPARATE static void copy(char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

SEPARATE static int first_difference(const char *a, const char *b, int from)
{
    while (a[from] == b[from])
        from++;
    global_char = a[from];
    return from;
}

SEPARATE static void update_grid(uint32_t row, uint32_t value)
{
    grid[row][row] = value;
    for (uint32_t column = row; column <= row + 1; column++)
        grid[row][column] += row;
    grid[row + 8][row]++;
    grid[row][row - 1] += grid[row][row] >> 3;
}

SEPARATE static void update_record(struct record *r)
{
    struct record *n = r->link;
    *n = *r;
    n->link = r;
    n->number = r->number * 5 + 3;
    n->small = (int16_t)(n->number / 7);
    n->other = next_colour(n->colour, n->number);
    if (n->other != n->colour)
        n->colour = next_colour(n->other, n->small);
    r->number ^= n->number >> 4;
}

uint64_t workload(uint64_t reps)
{
    uint64_t sum = 0;
    char name[31];
    records[0].link = &records[1];
    records[0].colour = BLUE;
    records[0].number = 40;
    copy(records[0].name, "DHRYSTONE PROGRAM, SOME STRING");
    for (uint64_t rep = 0; rep < reps; rep++) {
        copy(name, "DHRYSTONE PROGRAM, 2'ND STRING");
        name[19] = (char)('0' + rep % 10);
        int order = compare(records[0].name, name);
        int at = first_difference(records[0].name, name, (int)(rep & 15));
        update_record(&records[0]);
        update_grid(1 + (records[1].small & 15), (uint32_t)(rep & 0xffff) * (uint32_t)at);
        records[0].colour = next_colour(records[1].colour, order);
        records[0].number = records[0].number % 10007 + (int32_t)(rep & 63);
        sum = mix(sum, (uint32_t)records[1].number + (uint64_t)records[1].colour * 3 + (uint8_t)global_char);
    }
    for (int i = 0; i < 31; i++)
        sum = mix(sum, grid[i][i]);
    return sum;
}
