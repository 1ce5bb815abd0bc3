// chroot: afterwards the program, its child and what the child executes use instructions and calls that nothing used before.
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void work(const char *who) {
    volatile double x = 2.0;
    long sum = 0;
    for (int i = 0; i < 20000; i++) {
        x = sqrt(x * x + 1.0 / (i + 1));
        sum = sum * 31 + (long)(x * 1e6) % 1009;
    }
    char text[64];
    snprintf(text, sizeof text, "%.12f %a %ld %s", x, fma(x, 0.1, 1e-9), sum, strstr("a needle in hay", "needle"));
    printf("%s: %s, /hello is %d, /usr is %d\n", who, text, access("/hello", F_OK), access("/usr", F_OK));
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc > 2) {
        work(argv[2]);
        return 5;
    }
    if (chroot(argv[1]) || chdir("/")) {
        perror("chroot");
        return 1;
    }
    close(open("/hello", O_CREAT | O_WRONLY, 0644));
    int status;
    if (!fork()) {
        work("child");
        execl("/program", "program", "-", "executed", NULL);
        _exit(9);
    }
    wait(&status);
    work("parent");
    return WEXITSTATUS(status);
}
