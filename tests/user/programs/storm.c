// Threads that begin and end: many one after another, many at a time, detached ones, with thread-local storage and stacks that are used again.
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long sum;
static sem_t ended;
static _Thread_local long own = 1;

static void *one(void *arg) {
    own += (long)arg;
    atomic_fetch_add(&sum, own);
    return (void *)own;
}
static void *detached(void *arg) {
    one(arg);
    sem_post(&ended);
    return 0;
}

int main(int argc, char **argv) {
    long sequence = argc > 1 ? atol(argv[1]) : 200, width = argc > 2 ? atol(argv[2]) : 20, bad = 0;
    pthread_t t[1000];
    void *result;
    for (long i = 0; i < sequence; i++) {
        if (pthread_create(&t[0], 0, one, (void *)i)) return 1;
        pthread_join(t[0], &result);
        bad += (long)result != i + 1;
    }
    printf("sequence %ld bad %ld\n", sum, bad);
    sum = 0;
    for (int again = 0; again < 3; again++) {
        for (long i = 0; i < width; i++)
            if (pthread_create(&t[i], 0, one, (void *)i)) return 1;
        for (long i = 0; i < width; i++) pthread_join(t[i], &result), bad += (long)result != i + 1;
    }
    printf("together %ld bad %ld\n", sum, bad);
    sum = 0;
    sem_init(&ended, 0, 0);
    pthread_attr_t a;
    pthread_attr_init(&a), pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    for (long i = 0; i < width; i++)
        if (pthread_create(&t[0], &a, detached, (void *)i)) return 1;
    for (long i = 0; i < width; i++) sem_wait(&ended);
    printf("detached %ld\n", sum);
    return 0;
}
