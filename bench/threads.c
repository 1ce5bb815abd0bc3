// Work shared by threads: threads KIND THREADS ROUNDS. Prints a sum that does not depend on their number.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 1 << 16 };
static uint32_t table[WORDS];
static long share;
static int threads;
static const char *kind;
static _Atomic uint64_t total;
static uint64_t guarded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uint64_t mix(uint64_t x) {
    x ^= x >> 33, x *= 0xff51afd7ed558ccdull, x ^= x >> 29;
    return x;
}
static void *work(void *arg) {
    long first = (long)arg * share, last = first + share;
    uint64_t sum = 0;
    if (!strcmp(kind, "compute"))
        for (long i = first; i < last; i++) sum += mix(i);
    else if (!strcmp(kind, "memory"))
        for (long i = first; i < last; i++) sum += table[mix(i) % WORDS];
    else if (!strcmp(kind, "float")) {
        double a = 0;
        for (long i = first; i < last; i++) a += (double)(i % 1000) * 0.5;
        sum = (uint64_t)a;
    } else if (!strcmp(kind, "atomic"))
        for (long i = first; i < last; i++) atomic_fetch_add(&total, i & 1);
    else
        for (long i = first; i < last; i++) {
            for (int n = 0; n < 50; n++) sum += mix(i + n) & 1;
            pthread_mutex_lock(&mutex), guarded += i & 1, pthread_mutex_unlock(&mutex);
        }
    atomic_fetch_add(&total, sum);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) return 1;
    kind = argv[1], threads = atoi(argv[2]), share = atol(argv[3]) / threads;
    pthread_t t[64];
    for (int i = 0; i < WORDS; i++) table[i] = mix(i);
    for (long i = 0; i < threads; i++) pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < threads; i++) pthread_join(t[i], 0);
    printf("%llu\n", (unsigned long long)(total + guarded));
    return 0;
}
