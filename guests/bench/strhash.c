/* A map from strings to counts: FNV-1a, open chaining, string compare and copy, byte by byte. */

#include "workload.h"

enum { BUCKETS = 1 << 12, ENTRIES = 6000, LONGEST = 16 };

struct entry {
    struct entry *next;
    uint64_t count;
    char key[LONGEST];
};
static struct entry *buckets[BUCKETS];
static struct entry entries[ENTRIES];
static unsigned used;

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

static int equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static struct entry *find(const char *key)
{
    struct entry **link = &buckets[hash(key) % BUCKETS];
    for (; *link; link = &(*link)->next)
        if (equal((*link)->key, key))
            return *link;
    if (used == ENTRIES)
        return 0;
    struct entry *e = *link = &entries[used++];
    e->next = 0;
    e->count = 0;
    char *to = e->key;
    while ((*to++ = *key++))
        ;
    return e;
}

static void name(char *to, uint64_t n)
{
    static const char *const syllables[8] = {"ba", "co", "di", "fu", "ge", "ha", "ki", "lo"};
    for (int i = 0; i < 5; i++, n >>= 3)
        for (const char *s = syllables[n & 7]; *s; s++)
            *to++ = *s;
    *to = 0;
}

uint64_t workload(uint64_t reps)
{
    uint64_t state = 1442695040888963407u, sum = 0;
    char key[LONGEST];
    for (uint64_t rep = 0; rep < reps; rep++) {
        used = 0;
        for (unsigned i = 0; i < BUCKETS; i++)
            buckets[i] = 0;
        for (unsigned i = 0; i < 20000; i++) {
            uint64_t r = next_random(&state);
            name(key, (r & 0x777) | (i & 7) << 12);
            struct entry *e = find(key);
            if (e)
                e->count += r >> 60;
        }
        for (unsigned i = 0; i < used; i += 13)
            sum = mix(sum, entries[i].count << 32 | hash(entries[i].key));
        sum = mix(sum, used);
    }
    return sum;
}
