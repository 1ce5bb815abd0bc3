// Litmus tests: message passing, store buffering, independent reads of independent writes, load buffering, coherence. With barriers: how often what the
// architecture forbids was seen (Book II 1.7.1); without: nothing, these only have to end.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MP, MP_DEPENDENT, SB, LB, IRIW, COHERENCE, TESTS };
static const char *names[] = {"MP", "MP with an address dependency", "SB", "LB", "IRIW", "coherence"};
enum { CELLS = 250 };  // trials between two barriers: threads go through them side by side
static int rounds = 3000;
static struct Cell {
    volatile long x __attribute__((aligned(128))), y __attribute__((aligned(128))), r[4] __attribute__((aligned(128)));
} cells[CELLS];
#define x cell->x
#define y cell->y
#define r cell->r
static struct { volatile int cell __attribute__((aligned(128))); } at[4];
static int test, fenced;
static pthread_barrier_t barrier;
#define sync() (fenced ? ({ __asm__ volatile("sync" ::: "memory"); }) : (void)0)
#define lwsync() (fenced ? ({ __asm__ volatile("lwsync" ::: "memory"); }) : (void)0)

static void part(int me, struct Cell *cell) {
    volatile long *px = &x;
    long a, b;
    switch (test * 4 + me) {
        case MP * 4 + 0: case MP_DEPENDENT * 4 + 0: x = 1, lwsync(), y = 1; break;
        case MP * 4 + 1: a = y, lwsync(), b = x, r[0] = a, r[1] = b; break;
        case MP_DEPENDENT * 4 + 1: a = y; __asm__("xor %0,%1,%1\n add %0,%0,%2" : "=&r"(px) : "r"(a), "r"(&x)); b = *px, r[0] = a, r[1] = b; break;
        case SB * 4 + 0: x = 1, sync(), r[0] = y; break;
        case SB * 4 + 1: y = 1, sync(), r[1] = x; break;
        case LB * 4 + 0: a = x, lwsync(), y = 1, r[0] = a; break;
        case LB * 4 + 1: a = y, lwsync(), x = 1, r[1] = a; break;
        case IRIW * 4 + 0: x = 1; break;
        case IRIW * 4 + 1: y = 1; break;
        case IRIW * 4 + 2: a = x, sync(), b = y, r[0] = a, r[1] = b; break;
        case IRIW * 4 + 3: a = y, sync(), b = x, r[2] = a, r[3] = b; break;
        case COHERENCE * 4 + 0: x = 1, x = 2; break;
        case COHERENCE * 4 + 1: a = x, b = x, r[0] = a, r[1] = b; break;
    }
}
static int forbidden(struct Cell *cell) {
    switch (test) {
        case MP: case MP_DEPENDENT: return r[0] && !r[1];
        case SB: return !r[0] && !r[1];
        case LB: return r[0] && r[1];
        case IRIW: return r[0] && !r[1] && r[2] && !r[3];
        default: return r[1] < r[0];
    }
}
static void *run(void *arg) {
    for (int i = 0; i < rounds; i += CELLS) {
        pthread_barrier_wait(&barrier);
        for (int n = 0; n < CELLS; n++) {
            at[(long)arg].cell = i + n;
            for (int k = 0; k < 100 && at[(long)arg ^ 1].cell < i + n; k++) {}
            part((long)arg, &cells[n]);
        }
        pthread_barrier_wait(&barrier);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) rounds = atoi(argv[1]);
    for (fenced = 1; fenced >= 0; fenced--)
        for (test = 0; test < TESTS; test++) {
            pthread_t t[4];
            int count = test == IRIW ? 4 : 2, seen = 0;
            memset(at, 0, sizeof at);
            pthread_barrier_init(&barrier, 0, count + 1);
            for (long i = 0; i < count; i++) pthread_create(&t[i], 0, run, (void *)i);
            for (int i = 0; i < rounds; i += CELLS) {
                memset(cells, 0, sizeof cells);
                pthread_barrier_wait(&barrier), pthread_barrier_wait(&barrier);
                for (int n = 0; n < CELLS; n++) seen += forbidden(&cells[n]);
            }
            for (int i = 0; i < count; i++) pthread_join(t[i], 0);
            if (fenced || test == COHERENCE) printf("%s: %d\n", names[test], seen);
            else if (argc > 2) printf("%s without barriers: %d of %d\n", names[test], seen, rounds);
        }
    return 0;
}
