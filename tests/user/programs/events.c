// Timers, descriptors for events, System V IPC: what they deliver and hold.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int caught, value;
static void handler(int number, siginfo_t *info, void *context) { caught++; value = info->si_value.sival_int; (void)number; (void)context; }

static void timers(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 4711};
    struct itimerspec when = {.it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000}, left;
    timer_t timer;
    printf("timer_create %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    printf("timer_settime %d\n", timer_settime(timer, 0, &when, NULL));
    while (caught < 3) pause();
    timer_gettime(timer, &left);
    printf("timer: value %d, interval %ld, left %d, overrun %d\n", value, (long)left.it_interval.tv_nsec, left.it_value.tv_nsec <= 2000000, timer_getoverrun(timer) >= 0);
    printf("timer_delete %d %d\n", timer_delete(timer), timer_delete(timer) ? errno : 0);
    uint64_t count;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    printf("timerfd read %zd", read(fd, &count, 8));
    printf(" %d\n", errno == EAGAIN);
    when.it_interval.tv_nsec = 0;
    timerfd_settime(fd, 0, &when, NULL);
    usleep(10000);
    ssize_t n = read(fd, &count, 8);
    printf("timerfd read %zd: %llu\n", n, (unsigned long long)count);
    timerfd_gettime(fd, &left);
    printf("timerfd left %ld %ld\n", (long)left.it_value.tv_sec, (long)left.it_value.tv_nsec);
    fd = eventfd(5, EFD_NONBLOCK);
    count = 7;
    n = write(fd, &count, 8);
    printf("eventfd %zd", n);
    n = read(fd, &count, 8);
    printf(" %zd %llu\n", n, (unsigned long long)count);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    raise(SIGUSR2);
    sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 99});
    struct signalfd_siginfo info[2];
    n = read(fd, info, sizeof info);
    printf("signalfd %zd: %d %d, %d %d %d\n", n, info[0].ssi_signo == SIGUSR2, info[0].ssi_pid == (unsigned)getpid(), info[1].ssi_signo == (unsigned)SIGRTMIN + 2,
           info[1].ssi_int, info[1].ssi_code == SI_QUEUE);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int expired;
static void notify(union sigval v) { pthread_mutex_lock(&lock); expired += v.sival_int; pthread_cond_signal(&changed); pthread_mutex_unlock(&lock); }

static void thread_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 10};
    struct itimerspec when = {.it_value.tv_nsec = 3000000, .it_interval.tv_nsec = 3000000};
    timer_t timer;
    printf("timer_create %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    timer_settime(timer, 0, &when, NULL);
    pthread_mutex_lock(&lock);
    while (expired < 20) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    timer_delete(timer);
    puts("expired in a thread");
}

static void shared_memory(void) {
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0640);
    int *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    printf("shm %d %d %d\n", id >= 0, a != (void *)-1, b != (void *)-1);
    a[20000] = 42;
    if (!fork()) { a[20001] = b[20000] + 1; _exit(0); }
    wait(NULL);
    printf("shm holds %d %d\n", b[20000], b[20001]);
    shmctl(id, IPC_STAT, &ds);
    printf("shm %zu bytes, mode %o, %d attached, by us %d\n", ds.shm_segsz, ds.shm_perm.mode & 0777, (int)ds.shm_nattch, ds.shm_cpid == getpid());
    printf("shmdt %d %d %d\n", shmdt(a), shmdt(b), shmdt(b));
    printf("shmctl %d", shmctl(id, IPC_RMID, NULL));
    printf(" %d\n", shmctl(id, IPC_STAT, &ds));
}

static void semaphores(void) {
    union semun { int val; struct semid_ds *buf; unsigned short *array; } u;
    unsigned short values[3] = {1, 2, 3};
    int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
    u.array = values;
    printf("sem %d", semctl(id, 0, SETALL, u));
    u.val = 9;
    printf(" %d %d %d\n", semctl(id, 1, SETVAL, u), semctl(id, 1, GETVAL), semctl(id, 2, GETVAL));
    struct sembuf take[2] = {{0, -1, 0}, {1, 4, 0}}, none = {0, -1, IPC_NOWAIT};
    printf("semop %d", semop(id, take, 2));
    printf(" %d", semop(id, &none, 1));
    printf(" %d\n", errno == EAGAIN);
    if (!fork()) { usleep(3000); struct sembuf give = {0, 1, 0}; semop(id, &give, 1); _exit(0); }
    printf("semop %d\n", semop(id, take, 1));
    wait(NULL);
    u.array = values;
    semctl(id, 0, GETALL, u);
    struct semid_ds ds;
    u.buf = &ds;
    semctl(id, 0, IPC_STAT, u);
    printf("sem %d %d %d of %d\n", values[0], values[1], values[2], (int)ds.sem_nsems);
    printf("semctl %d\n", semctl(id, 0, IPC_RMID));
}

static void messages(void) {
    struct { long type; char text[32]; } m = {3, "three"};
    struct msqid_ds ds;
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    printf("msgsnd %d", msgsnd(id, &m, 6, 0));
    m.type = 5, strcpy(m.text, "five!");
    printf(" %d\n", msgsnd(id, &m, 6, 0));
    msgctl(id, IPC_STAT, &ds);
    printf("msg %d waiting\n", (int)ds.msg_qnum);
    ssize_t n = msgrcv(id, &m, 32, 5, 0);
    printf("msgrcv %zd %ld %s", n, m.type, m.text);
    n = msgrcv(id, &m, 32, 0, 0);
    printf(", %zd %ld %s", n, m.type, m.text);
    n = msgrcv(id, &m, 32, 0, IPC_NOWAIT);
    printf(", %zd %d\n", n, errno == ENOMSG);
    printf("msgctl %d\n", msgctl(id, IPC_RMID, NULL));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    timers();
    shared_memory();
    semaphores();
    messages();
    thread_timer();
    return 0;
}
