// Signals: frames, masks, restarting, faults.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int count, last, on_alternate, code;
static void *volatile address;
static char alternate[65536];
static sigjmp_buf back;

static void simple(int sig) { count++, last = sig; }
static void with_info(int sig, siginfo_t *info, void *context) {
    char here;
    last = sig, code = info->si_code, address = info->si_addr;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
}
static void skip(int sig, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    last = sig, code = info->si_code;
#ifdef __powerpc64__
    address = (void *)u->uc_mcontext.gp_regs[32];
    u->uc_mcontext.gp_regs[32] += 4;
    u->uc_mcontext.gp_regs[5] = 1234;
#else
    address = (void *)u->uc_mcontext.uc_regs->gregs[32];
    u->uc_mcontext.uc_regs->gregs[32] += 4;
    u->uc_mcontext.uc_regs->gregs[5] = 1234;
#endif
}
static void nested(int sig) {
    count = count * 10 + sig % 10;
    if (sig == SIGUSR1) raise(SIGUSR2);
    count = count * 10 + sig % 10;
}
static void jump(int sig) { siglongjmp(back, sig); }

static void handle(int sig, void (*f)(), int flags) {
    struct sigaction sa = {.sa_handler = f, .sa_flags = flags};
    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, 0);
}

int main(void) {
    sigset_t set, old;
    handle(SIGUSR1, simple, 0);
    double d = 1.5;
    __asm__ volatile("fmr 20,%0" ::"d"(d) : "fr20");
    raise(SIGUSR1);
    printf("raise %d %d %s\n", count, last == SIGUSR1, strsignal(last));
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    sigset_t pending;
    sigpending(&pending);
    printf("blocked %d pending %d\n", count, sigismember(&pending, SIGUSR1));
    sigset_t none;
    sigemptyset(&none);
    printf("sigsuspend %d %s\n", sigsuspend(&none), strerror(errno));
    printf("then %d\n", count);
    sigprocmask(SIG_SETMASK, &old, 0);
    count = 0;
    handle(SIGUSR1, nested, 0), handle(SIGUSR2, nested, 0);
    raise(SIGUSR1);
    printf("nested %d\n", count);
    stack_t ss = {.ss_sp = alternate, .ss_size = sizeof alternate};
    printf("sigaltstack %d\n", sigaltstack(&ss, 0));
    handle(SIGUSR2, with_info, SA_SIGINFO | SA_ONSTACK);
    union sigval v = {.sival_int = 99};
    sigqueue(getpid(), SIGUSR2, v);
    printf("alternate %d code %d\n", on_alternate, code);
    handle(SIGILL, skip, SA_SIGINFO);
    register long five __asm__("r5") = 1;
    __asm__ volatile(".long 0" : "+r"(five)::"memory");
    long got = five;
    printf("illegal %d code %d r5 %ld\n", last == SIGILL, code, got);
    handle(SIGTRAP, skip, SA_SIGINFO);
    __asm__ volatile("trap" ::: "memory", "r5");
    printf("trap %d code %d\n", last == SIGTRAP, code);
    handle(SIGSEGV, skip, SA_SIGINFO);
    *(volatile int *)8 = 1;
    printf("segv %d code %d\n", last == SIGSEGV, code);
    handle(SIGILL, skip, SA_SIGINFO);
    __asm__ volatile("mtmsr %0" ::"r"(0) : "memory", "r5");
    printf("privileged %d code %d\n", last == SIGILL, code);
    // restarting
    int p[2];
    char c = 0;
    if (pipe(p)) return 1;
    pid_t child = fork();
    if (!child) {
        usleep(100000), kill(getppid(), SIGUSR1), usleep(100000);
        _exit(write(p[1], "z", 1) != 1);
    }
    handle(SIGUSR1, simple, SA_RESTART);
    count = 0;
    ssize_t n = read(p[0], &c, 1);
    printf("restart %zd %c signals %d\n", n, c, count);
    waitpid(child, 0, 0);
    child = fork();
    if (!child) {
        usleep(100000), kill(getppid(), SIGUSR1);
        _exit(0);
    }
    handle(SIGUSR1, simple, 0);
    n = read(p[0], &c, 1);
    printf("interrupted %zd %s signals %d\n", n, strerror(errno), count);
    int status;
    while (waitpid(child, &status, 0) < 0) {}
    struct itimerval it = {{0, 0}, {0, 50000}};
    handle(SIGALRM, jump, 0);
    if (!sigsetjmp(back, 1)) {
        setitimer(ITIMER_REAL, &it, 0);
        for (;;) {}
    }
    printf("jumped out of a loop\n");
    handle(SIGCHLD, with_info, SA_SIGINFO);
    last = 0;
    child = fork();
    if (!child) _exit(3);
    while (waitpid(child, &status, 0) < 0) {}
    printf("SIGCHLD %d code %d status %d\n", last == SIGCHLD, code, WEXITSTATUS(status));
    child = fork();
    if (!child) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)16 = 1;
    }
    while (waitpid(child, &status, 0) < 0) {}
    printf("died %d of %d\n", WIFSIGNALED(status), WTERMSIG(status));
    double after;
    __asm__ volatile("fmr %0,20" : "=d"(after));
    handle(SIGUSR1, simple, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, 0, &now);
    printf("reset %d\n", now.sa_handler == SIG_DFL);
    printf("timed wait: ");
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGRTMIN);
    siginfo_t info;
    struct timespec second = {1, 0};
    printf("%d\n", sigtimedwait(&set, &info, &second) == SIGRTMIN);
    fflush(stdout);
    raise(SIGTERM);
    return 0;
}
