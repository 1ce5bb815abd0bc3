// One thread changes code, protections and mappings while others run, load and store.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int rounds = 60;
static atomic_int stop, faults, begun;
static atomic_uint version;
static uint32_t *code;
static char *data, *gone;
static _Thread_local sigjmp_buf back;
static _Thread_local int armed;

static long call(uint32_t *f) {
#if _CALL_ELF == 2 || __SIZEOF_LONG__ == 4
    return ((long (*)(void))f)();
#else
    void *descriptor[3] = {f, 0, 0};
    return ((long (*)(void))descriptor)();
#endif
}
static void new_code(uint32_t *f) { __asm__ volatile("dcbst 0,%0\n sync\n icbi 0,%0\n sync\n isync" ::"r"(f) : "memory"); }
static void put(unsigned n) {  // li 3,n; blr
    code[1] = 0x4e800020;
    code[0] = 0x38600000 | n;
    new_code(code);
}
static void recover(int n) {
    if (!armed) _exit(9);
    faults++;
    siglongjmp(back, 1);
}
static void *runs(void *arg) {  // what it sees never goes back
    long last = 0, bad = 0;
    begun++;
    while (!stop) {
        unsigned at_least = atomic_load(&version);
        __asm__ volatile("isync" ::: "memory");
        long n = call(code);
        bad += n < last || n < at_least;
        last = n;
    }
    return (void *)bad;
}
static void *stores(void *arg) {
    volatile long n = 0;
    armed = 1, begun++;
    while (!stop)
        if (!sigsetjmp(back, 1)) {
            for (int i = 0; i < 100; i++) ((volatile char *)data)[i * 64 + (long)arg]++, n++;
            n += ((volatile char *)gone)[(long)arg];
        }
    return (void *)(n > 0);
}

int main(int argc, char **argv) {
    if (argc > 1) rounds = atoi(argv[1]);
    pthread_t t[4];
    void *result;
    signal(SIGSEGV, recover), signal(SIGBUS, recover);
    code = mmap(0, 65536, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data = mmap(0, 65536, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), gone = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put(0);
    for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, i < 2 ? runs : stores, (void *)i);
    while (begun < 4) sched_yield();
    for (unsigned n = 1; n <= rounds; n++) {
        put(n);
        atomic_store(&version, n);
        mprotect(data, 65536, PROT_NONE), mprotect(data, 65536, PROT_READ), mprotect(data, 65536, PROT_READ | PROT_WRITE);
        munmap(gone, 4096);
        for (volatile int i = 0; i < 10000; i++) {}
        mmap(gone, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        for (int k = 0; k < 4; k++) {  // as a compiler of the program's own does: new code where other code was
            uint32_t *f = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            f[0] = 0x38600000 | (n * 4 + k), f[1] = 0x4e800020;
            new_code(f);
            mprotect(f, 4096, PROT_READ | PROT_EXEC);
            if (call(f) != n * 4 + k) printf("stale\n");
            munmap(f, 4096);
        }
    }
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(t[i], &result), printf("%d: %ld\n", i, (long)result);
    printf("faults only where nothing was: %d\n", faults >= 0);
    return 0;
}
