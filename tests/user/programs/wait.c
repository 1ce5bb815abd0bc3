// Waits for ever: by asking the kernel, or (with an argument) by itself.
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc == 1)
        for (;;) pause();
    for (volatile long n = 0;; n++) {}
}
