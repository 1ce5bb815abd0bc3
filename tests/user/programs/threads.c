// Threads: mutexes, conditions, joins, thread-local storage, timed waits, pipes between threads, signals to a thread.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static long counter, turn;
static _Thread_local int own = 5;
static volatile int caught;
static volatile pthread_t catcher;

static void *count(void *arg) {
    own += (long)arg;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    pthread_barrier_wait(&barrier);
    return (void *)(long)own;
}
static void *ping(void *arg) {
    long me = (long)arg;
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 2 != me) pthread_cond_wait(&changed, &lock);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
static void *reader(void *arg) {
    char c = 0;
    ssize_t n = read(*(int *)arg, &c, 1);
    return (void *)(long)(n == 1 ? c : -1);
}
static void handler(int sig) { caught = sig, catcher = pthread_self(); }
static void *sleeper(void *arg) {
    sem_post(&sem);
    struct timespec ts = {5, 0};
    return (void *)(long)(nanosleep(&ts, 0) < 0 ? errno == EINTR : caught == SIGUSR1);
}
static void *forever(void *arg) {
    for (;;) pause();
}

int main(void) {
    pthread_t t[4];
    void *result;
    pthread_barrier_init(&barrier, 0, 4);
    sem_init(&sem, 0, 0);
    for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, count, (void *)i);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &result);
        printf("thread %d own %ld\n", i, (long)result);
    }
    printf("counter %ld own %d\n", counter, own);
    for (long i = 0; i < 2; i++) pthread_create(&t[i], 0, ping, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
    printf("turn %ld\n", turn);
    int p[2];
    if (pipe(p)) return 1;
    pthread_create(&t[0], 0, reader, p);
    usleep(20000);
    if (write(p[1], "r", 1) != 1) return 1;
    pthread_join(t[0], &result);
    printf("read %c\n", (int)(long)result);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 30000000;
    if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    pthread_create(&t[0], 0, reader, p);
    printf("timed wait %s\n", strerror(pthread_cond_timedwait(&changed, &lock, &ts)));
    pthread_mutex_unlock(&lock);
    if (write(p[1], "s", 1) != 1) return 1;
    pthread_join(t[0], &result);
    printf("trylock %d\n", pthread_mutex_trylock(&lock));
    pthread_mutex_unlock(&lock);
    struct sigaction sa = {.sa_handler = handler};
    sigaction(SIGUSR1, &sa, 0);
    pthread_create(&t[0], 0, sleeper, 0);
    sem_wait(&sem);
    usleep(50000);
    pthread_kill(t[0], SIGUSR1);
    pthread_join(t[0], &result);
    printf("caught %d there %d\n", caught == SIGUSR1, catcher == t[0]);
    printf("done %s\n", "well");
    fflush(stdout);
    pthread_create(&t[0], 0, forever, 0);
    usleep(1000);
    return 6;
}
