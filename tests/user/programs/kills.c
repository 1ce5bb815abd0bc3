// Signals and threads: to a thread, to the process, from timers and from faults; calls that are interrupted or made again; fork and cancellation;
// robust mutexes; with an argument, exec by a thread that is not the first.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int caught, segv;
static sem_t ready, done;
static pthread_t where;
static int pipes[2];
static volatile int on_stack;
static _Thread_local sigjmp_buf back;
static _Thread_local char *own_stack;

static void note(int n) { where = pthread_self(), caught++; }
static void count(int n) { caught++; }
static void recover(int n, siginfo_t *i, void *c) {
    char here;
    on_stack += &here > own_stack && &here < own_stack + 65536;
    segv++;
    siglongjmp(back, 1);
}
static void *faults(void *arg) {
    stack_t s = {.ss_sp = own_stack = malloc(65536), .ss_size = 65536};
    sigaltstack(&s, 0);
    volatile int times = 0;
    for (int i = 0; i < 50; i++)
        if (!sigsetjmp(back, 1)) *(volatile int *)(long)(0x1000 + i) = i;
        else times++;
    return (void *)(long)times;
}
static void *reads(void *arg) {  // 1: with SA_RESTART it goes on; else EINTR
    char c;
    sem_post(&ready);
    long n = read(pipes[0], &c, 1);
    return (void *)(n == 1 ? (long)c : -(long)errno);
}
static void *waits(void *arg) {
    sigset_t s;
    sigfillset(&s), sigdelset(&s, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &s, 0);
    sem_post(&ready);
    sigsuspend(&s);
    return (void *)(long)(errno == EINTR && pthread_equal(where, pthread_self()));
}
static void *spins(void *arg) {
    int before = caught;
    sem_post(&ready);
    while (caught == before) {}
    return (void *)(long)pthread_equal(where, pthread_self());
}
static void *forks(void *arg) {
    pid_t child = fork();
    if (!child) {
        pthread_t t;
        void *r;
        int ok = pthread_create(&t, 0, faults, 0) == 0 && pthread_join(t, &r) == 0 && (long)r == 50 && getpid() == syscall(SYS_gettid);
        _exit(ok ? 9 : 1);
    }
    int s;
    waitpid(child, &s, 0);
    return (void *)(long)WEXITSTATUS(s);
}
static void cleanup(void *arg) { *(int *)arg = 1; }
static void *cancelled(void *arg) {
    pthread_cleanup_push(cleanup, arg);
    sem_post(&ready);
    for (;;) pause();
    pthread_cleanup_pop(0);
    return 0;
}
static pthread_mutex_t *robust;
static void *dies(void *arg) { pthread_mutex_lock(robust); return 0; }
static void *executes(void *arg) {
    char *av[] = {"again", "-", 0};
    execv("/proc/self/exe", av);
    return 0;
}
static void *sleeps(void *arg) { for (;;) pause(); }
static void *burns(void *arg) { for (volatile long n = 0;; n++) {} }

int main(int argc, char **argv) {
    pthread_t t[8];
    void *result;
    struct sigaction sa = {.sa_handler = note};
    if (argc > 1 && !strcmp(argv[1], "-")) {
        sigset_t s;
        sigprocmask(SIG_BLOCK, 0, &s);
        printf("executed %d %d\n", getpid() == syscall(SYS_gettid), sigismember(&s, SIGUSR2));
        pthread_create(t, 0, sleeps, 0);
        return 4;
    }
    if (argc > 1) {
        sigset_t s;
        sigemptyset(&s), sigaddset(&s, SIGUSR2), pthread_sigmask(SIG_BLOCK, &s, 0);
        pthread_create(t, 0, sleeps, 0), pthread_create(t + 1, 0, burns, 0), pthread_create(t + 2, 0, executes, 0);
        if (argv[1][0] == 'x') pthread_exit(0);
        for (;;) pause();
    }
    struct sigaction fault = {.sa_sigaction = recover, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &fault, 0);
    sem_init(&ready, 0, 0), sem_init(&done, 0, 0);
    sigaction(SIGUSR1, &sa, 0);
    pipe(pipes);
    pthread_create(t, 0, reads, 0), sem_wait(&ready), usleep(20000);
    pthread_kill(t[0], SIGUSR1), pthread_join(t[0], &result);
    printf("interrupted %d caught %d there %d\n", (long)result == -EINTR, caught, pthread_equal(where, t[0]) != 0);
    sa.sa_flags = SA_RESTART, sigaction(SIGUSR1, &sa, 0);
    pthread_create(t, 0, reads, 0), sem_wait(&ready), usleep(20000);
    pthread_kill(t[0], SIGUSR1), usleep(20000), write(pipes[1], "r", 1), pthread_join(t[0], &result);
    printf("restarted %c caught %d\n", (int)(long)result, caught);
    pthread_create(t, 0, waits, 0), sem_wait(&ready), usleep(20000);
    pthread_kill(t[0], SIGUSR2), pthread_kill(t[0], SIGUSR1), pthread_join(t[0], &result);
    printf("suspended %ld\n", (long)result);
    pthread_create(t, 0, spins, 0), sem_wait(&ready), pthread_kill(t[0], SIGUSR1), pthread_join(t[0], &result);
    printf("spinning %ld\n", (long)result);

    sigset_t s;  // only one thread takes it
    sigemptyset(&s), sigaddset(&s, SIGUSR1), pthread_sigmask(SIG_BLOCK, &s, 0);
    pthread_create(t, 0, waits, 0), sem_wait(&ready);
    kill(getpid(), SIGUSR1), pthread_join(t[0], &result);
    printf("process %ld\n", (long)result);
    pthread_sigmask(SIG_UNBLOCK, &s, 0);

    struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    e._sigev_un._tid = syscall(SYS_gettid);
    timer_t timer;
    struct itimerspec every = {{0, 2000000}, {0, 2000000}};
    caught = 0;
    pthread_create(t, 0, forks, 0);
    timer_create(CLOCK_MONOTONIC, &e, &timer), timer_settime(timer, 0, &every, 0);
    while (caught < 5) {}
    timer_delete(timer);
    pthread_join(t[0], &result);
    printf("timer %d forked %ld\n", pthread_equal(where, pthread_self()) != 0, (long)result);

    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, i < 3 ? faults : forks, 0);
    for (int i = 0; i < 4; i++) pthread_join(t[i], &result), printf("faults %ld\n", (long)result);
    printf("segv %d stack %d\n", segv, on_stack == segv);

#ifdef CANCEL  // needs a library that static programs have not
    int cleaned = 0;
    pthread_create(t, 0, cancelled, &cleaned), sem_wait(&ready), pthread_cancel(t[0]), pthread_join(t[0], &result);
    printf("cancelled %d cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
#endif

    robust = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a), pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(robust, &a);
    pthread_create(t, 0, dies, 0), pthread_join(t[0], 0);
    printf("owner died %d", pthread_mutex_lock(robust) == EOWNERDEAD);
    pthread_mutex_consistent(robust), pthread_mutex_unlock(robust);
    if (!fork()) pthread_mutex_lock(robust), _exit(0);
    wait(0);
    printf(" %d", pthread_mutex_lock(robust) == EOWNERDEAD);
    pthread_mutex_consistent(robust), printf(" %d\n", pthread_mutex_unlock(robust));

    signal(SIGUSR1, count);
    caught = 0;
    sigset_t all;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, sleeps, 0);
    for (int n = 0; n < 200; n++) {
        int before = caught;
        pthread_kill(t[n % 4], SIGUSR1);
        while (caught == before) sched_yield();
    }
    printf("signals %d\n", caught);
    fflush(stdout);
    pthread_exit(0 * pthread_create(&t[4], 0, (void *(*)(void *))(void *)exit, (void *)3));
}
