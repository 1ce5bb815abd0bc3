// Waits for ever: by asking the kernel, or (with an argument) by itself. THREADS: by three threads, two of which run.
#include <pthread.h>
#include <unistd.h>

static void *burn(void *arg) {
    for (volatile long n = 0;; n++) {}
}

int main(int argc, char **argv) {
#ifdef THREADS
    pthread_t t;
    pthread_create(&t, 0, burn, 0), pthread_create(&t, 0, burn, 0);
#endif
    if (argc == 1)
        for (;;) pause();
    burn(0);
}
