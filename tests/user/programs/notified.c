// Timers that notify by a thread, deleted while their signals are under way: those are the library's, whatever the deleting thread does meanwhile.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int expired;

static void notify(union sigval v) {
    pthread_mutex_lock(&lock);
    expired += v.sival_int;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < 40; i++) {
        struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 1};
        struct itimerspec when = {.it_value.tv_nsec = 500000, .it_interval.tv_nsec = 3000000};
        timer_t timer;
        wrong += timer_create(CLOCK_MONOTONIC, &event, &timer) != 0;
        wrong += timer_settime(timer, 0, &when, NULL) != 0;
        pthread_mutex_lock(&lock);
        expired = 0;
        while (!expired) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        volatile unsigned n = 0;
        while (n < i * 4000u) n++;
        wrong += timer_delete(timer) != 0;
    }
    printf("notified, %d wrong\n", wrong);
    return 0;
}
