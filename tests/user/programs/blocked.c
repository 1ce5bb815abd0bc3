// A thread that waits in a system call stops no other: each kind of waiting, while another thread counts and then ends it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pipes[2], pair[2], held, wanted, queue, semaphore, epoll, server;
static char fifo[64], lock_name[64], socket_name[64];
static pid_t child;
static volatile int go_on;
static sem_t started;

static int wait_pipe(void) { char c; return read(pipes[0], &c, 1) == 1 && c == 'p'; }
static void end_pipe(void) { write(pipes[1], "p", 1); }
static int wait_full(void) {  // more than a pipe holds
    char *much = calloc(1, 300000);
    return write(pipes[1], much, 300000) == 300000;
}
static void end_full(void) {
    static char b[300000];
    for (long n = 0; n < 300000;) n += read(pipes[0], b, sizeof b);
}
static int wait_poll(void) { struct pollfd p = {pipes[0], POLLIN}; char c; return poll(&p, 1, -1) == 1 && p.revents == POLLIN && read(pipes[0], &c, 1) == 1; }
static int wait_select(void) {
    fd_set s; char c;
    FD_ZERO(&s);
    FD_SET(pipes[0], &s);
    return select(pipes[0] + 1, &s, 0, 0, 0) == 1 && FD_ISSET(pipes[0], &s) && read(pipes[0], &c, 1) == 1;
}
static int wait_epoll(void) { struct epoll_event e; char c; return epoll_wait(epoll, &e, 1, -1) == 1 && e.data.fd == pipes[0] && read(pipes[0], &c, 1) == 1; }
static int wait_recv(void) { char c; return recv(pair[0], &c, 1, 0) == 1; }
static void end_recv(void) { send(pair[1], "r", 1, 0); }
static int wait_accept(void) { int fd = accept(server, 0, 0); return fd >= 0 && !close(fd); }
static void end_accept(void) {
    struct sockaddr_un a = {AF_UNIX};
    strcpy(a.sun_path, socket_name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(fd, (void *)&a, sizeof a);
    close(fd);
}
static int wait_child(void) { int s; return waitpid(child, &s, 0) == child && WEXITSTATUS(s) == 7; }
static void end_child(void) { write(pair[1], "c", 1); }
static int wait_lock(void) { return !flock(wanted, LOCK_EX) && !flock(wanted, LOCK_UN); }
static void end_lock(void) { flock(held, LOCK_UN); }
static int wait_fifo(void) { int fd = open(fifo, O_RDONLY); return fd >= 0 && !close(fd); }
static void end_fifo(void) { close(open(fifo, O_WRONLY)); }
static int wait_message(void) { struct { long t; char c; } m; return msgrcv(queue, &m, 1, 0, 0) == 1 && m.c == 'm'; }
static void end_message(void) { struct { long t; char c; } m = {1, 'm'}; msgsnd(queue, &m, 1, 0); }
static int wait_semaphore(void) { struct sembuf o = {0, -1, 0}; return !semop(semaphore, &o, 1); }
static void end_semaphore(void) { struct sembuf o = {0, 1, 0}; semop(semaphore, &o, 1); }
static int wait_sleep(void) { struct timespec t = {0, 30000000}; return !nanosleep(&t, 0); }
static void nothing(void) {}
static int wait_signal(void) { sigset_t s; int n; sigemptyset(&s), sigaddset(&s, SIGUSR2); return !sigwait(&s, &n) && n == SIGUSR2; }
static void end_signal(void) { kill(getpid(), SIGUSR2); }
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int wait_mutex(void) { return !pthread_mutex_lock(&mutex) && !pthread_mutex_unlock(&mutex); }
static void end_mutex(void) { pthread_mutex_unlock(&mutex); }

static struct { const char *name; int (*wait)(void); void (*end)(void); } kinds[] = {
    {"pipe", wait_pipe, end_pipe}, {"full pipe", wait_full, end_full}, {"poll", wait_poll, end_pipe}, {"select", wait_select, end_pipe},
    {"epoll", wait_epoll, end_pipe}, {"socket", wait_recv, end_recv}, {"accept", wait_accept, end_accept}, {"child", wait_child, end_child},
    {"flock", wait_lock, end_lock}, {"fifo", wait_fifo, end_fifo}, {"message", wait_message, end_message}, {"semaphore", wait_semaphore, end_semaphore},
    {"sleep", wait_sleep, nothing}, {"sigwait", wait_signal, end_signal}, {"mutex", wait_mutex, end_mutex},
};
static void *waiter(void *n) { sem_post(&started); return (void *)(long)kinds[(long)n].wait(); }

int main(void) {
    sigset_t s;
    sigemptyset(&s), sigaddset(&s, SIGUSR2), sigprocmask(SIG_BLOCK, &s, 0);
    sem_init(&started, 0, 0);
    snprintf(fifo, sizeof fifo, "/tmp/blocked-fifo-%d", getpid()), mkfifo(fifo, 0600);
    snprintf(lock_name, sizeof lock_name, "/tmp/blocked-lock-%d", getpid());
    snprintf(socket_name, sizeof socket_name, "/tmp/blocked-socket-%d", getpid());
    held = open(lock_name, O_CREAT | O_RDWR, 0600), wanted = open(lock_name, O_RDWR), flock(held, LOCK_EX);
    pipe(pipes), socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    struct sockaddr_un a = {AF_UNIX};
    strcpy(a.sun_path, socket_name);
    server = socket(AF_UNIX, SOCK_STREAM, 0), bind(server, (void *)&a, sizeof a), listen(server, 1);
    struct epoll_event e = {EPOLLIN, {.fd = pipes[0]}};
    epoll = epoll_create1(0), epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &e);
    queue = msgget(IPC_PRIVATE, 0600), semaphore = semget(IPC_PRIVATE, 1, 0600);
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pthread_t t;
        void *result;
        if (kinds[i].wait == wait_child && !(child = fork())) {
            char c;
            read(pair[0], &c, 1), _exit(7);
        }
        pthread_create(&t, 0, waiter, (void *)i);
        sem_wait(&started);
        usleep(10000);
        volatile long n = 0;
        while (n < 300000) n++;
        kinds[i].end();
        pthread_join(t, &result);
        printf("%s %s\n", kinds[i].name, result ? "well" : "badly");
    }
    msgctl(queue, IPC_RMID, 0), semctl(semaphore, 0, IPC_RMID);
    unlink(fifo), unlink(lock_name), unlink(socket_name);
    return 0;
}
