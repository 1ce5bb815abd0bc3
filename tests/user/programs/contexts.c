// getcontext, makecontext, swapcontext: two stacks take turns, and a context that is entered twice.
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

static ucontext_t caller, other;
static char stack[1 << 16];

static void work(int n) {
    double d = n * 1.5;
    printf("in work %d\n", n);
    swapcontext(&other, &caller);
    printf("again %g\n", d);
}

int main(void) {
    volatile int times = 0;
    sigset_t set, now;
    getcontext(&other);
    other.uc_stack.ss_sp = stack, other.uc_stack.ss_size = sizeof stack, other.uc_link = &caller;
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    other.uc_sigmask = set;
    makecontext(&other, (void (*)(void))work, 1, 7);
    swapcontext(&caller, &other);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("back, blocked %d\n", sigismember(&now, SIGUSR1));
    swapcontext(&caller, &other);
    puts("over");
    ucontext_t here;
    getcontext(&here);
    printf("here %d\n", ++times);
    if (times < 3) setcontext(&here);
    return times;
}
