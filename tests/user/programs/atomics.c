// C11 atomics of every size in all orders, a lock-free stack with counted pointers, a lock-free queue, and the C library's locks, all contended.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4 };
static int rounds = 5000;
static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t sem;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;

static _Atomic uint8_t bytes[5];
static _Atomic uint16_t halves[5];
static _Atomic uint32_t words[5];
static _Atomic unsigned long longs[5];
static long under_rw[2], torn, under_spin, under_sem, produced, consumed, room;

#define ALL(v)                                                              \
    do {                                                                    \
        atomic_fetch_add_explicit(&v[0], 1, memory_order_relaxed);          \
        atomic_fetch_add_explicit(&v[1], 1, memory_order_acquire);          \
        atomic_fetch_sub_explicit(&v[2], 1, memory_order_release);          \
        atomic_fetch_xor_explicit(&v[3], 1, memory_order_acq_rel);          \
        atomic_fetch_add_explicit(&v[4], 3, memory_order_seq_cst);          \
    } while (0)

// Treiber's stack: index in the low half, a count that every push changes in the high one
static struct { _Atomic uint32_t next; uint32_t value; } nodes[64];
#if __SIZEOF_LONG__ == 8
typedef uint64_t Head;
enum { HALF = 32 };
#else
typedef uint32_t Head;
enum { HALF = 16 };
#endif
static _Atomic Head top;
static Head index_of(Head h) { return h & (((Head)1 << HALF) - 1); }
static void push(uint32_t n) {
    Head old = atomic_load_explicit(&top, memory_order_relaxed), new;
    do {
        atomic_store_explicit(&nodes[n].next, index_of(old), memory_order_relaxed);
        new = (((old >> HALF) + 1) << HALF) | n;
    } while (!atomic_compare_exchange_weak_explicit(&top, &old, new, memory_order_release, memory_order_relaxed));
}
static uint32_t pop(void) {
    Head old = atomic_load_explicit(&top, memory_order_acquire);
    while (index_of(old)) {
        Head new = (old >> HALF << HALF) | atomic_load_explicit(&nodes[index_of(old)].next, memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&top, &old, new, memory_order_acquire, memory_order_acquire)) return index_of(old);
    }
    return 0;
}
// a ring with one producer and one consumer
static _Atomic uint32_t head, tail;
static uint32_t ring[16];

static void *work(void *arg) {
    long me = (long)arg;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < rounds; i++) {
        ALL(bytes);
        ALL(halves);
        ALL(words);
        ALL(longs);
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < rounds; i++) {
        uint32_t n = pop();
        if (n) {
            if (nodes[n].value != n * 7) torn++;
            push(n);
        }
    }
    pthread_barrier_wait(&barrier);
    for (uint32_t i = 0; me < 2 && i < rounds;) {
        if (me == 0) {
            uint32_t t = atomic_load_explicit(&tail, memory_order_relaxed);
            if (t - atomic_load_explicit(&head, memory_order_acquire) == 16) { sched_yield(); continue; }
            ring[t % 16] = i++ * 3;
            atomic_store_explicit(&tail, t + 1, memory_order_release);
        } else {
            uint32_t h = atomic_load_explicit(&head, memory_order_relaxed);
            if (h == atomic_load_explicit(&tail, memory_order_acquire)) { sched_yield(); continue; }
            if (ring[h % 16] != i++ * 3) torn++;
            atomic_store_explicit(&head, h + 1, memory_order_release);
        }
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < rounds / 10; i++) {
        if (me == 0) {
            pthread_rwlock_wrlock(&rw);
            under_rw[0]++, under_rw[1]++;
        } else {
            pthread_rwlock_rdlock(&rw);
            if (under_rw[0] != under_rw[1]) torn++;
        }
        pthread_rwlock_unlock(&rw);
        pthread_spin_lock(&spin), under_spin++, pthread_spin_unlock(&spin);
        sem_wait(&sem), under_sem++, sem_post(&sem);
        pthread_mutex_lock(&mutex);
        if (me % 2) {
            produced++, room++;
            pthread_cond_signal(&filled);
        } else {
            while (!room) pthread_cond_wait(&filled, &mutex);
            room--, consumed++;
        }
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) rounds = atoi(argv[1]);
    pthread_t t[THREADS];
    pthread_barrier_init(&barrier, 0, THREADS), pthread_spin_init(&spin, 0), sem_init(&sem, 0, 1);
    for (int i = 1; i < 64; i++) nodes[i].value = i * 7, push(i);
    for (long i = 0; i < THREADS; i++) pthread_create(&t[i], 0, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
    for (int i = 0; i < 5; i++) printf("%u %u %u %lu\n", bytes[i], halves[i], words[i], longs[i]);
    unsigned count = 0;
    uint64_t seen = 0;
    for (uint32_t n; (n = pop()); count++) seen |= 1ull << n;
    printf("stack %u %llx torn %ld\n", count, (unsigned long long)seen, torn);
    printf("rw %ld spin %ld sem %ld made %ld used %ld\n", under_rw[0], under_spin, under_sem, produced, consumed);
    return 0;
}
