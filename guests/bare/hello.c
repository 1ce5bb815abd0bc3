/* The smallest program: says hello and which mode it runs in. Built three times. */

#include "console.h"

int main(void)
{
    con_puts("hello, world (");
    con_dec(sizeof(long) * 8);
    con_puts(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? "-bit, big-endian)\n" : "-bit, little-endian)\n");
    return 0;
}
