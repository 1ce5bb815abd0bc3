/* Data, constants, thread-local storage and zeroed memory, for segments that lie in the file in various ways. Prints 6 constant 7 0 1. */
#include <stdio.h>
#include <string.h>

int data[300] = {1, 2, 3};
char zeroed[9000];
const char constant[700] = "constant";
static __thread int local = 7, local_zero;

int main(int argc, char **argv) {
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof zeroed; i++) n += zeroed[i];
    for (int i = 0; i < 300; i++) n += data[i];
    printf("%u %s %d %d %d\n", n, constant, local, local_zero, argc);
    memset(zeroed, 1, sizeof zeroed);
    data[5] = 9;
    return n;
}
