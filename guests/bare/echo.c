/* Reads a line and writes it back. Polls until a newline comes. */

#include "console.h"

int main(void)
{
    unsigned long length = 0;
    int c;
    con_puts("say something: ");
    while ((c = con_getc()) != '\n' && c != '\r') {
        if (c < 0)
            continue;
        con_putc((char)c);
        length++;
    }
    con_puts("\nlength ");
    con_dec(length);
    con_putc('\n');
    return 0;
}
