// A program without a C library: built/tiny-* are committed, for machines without cross compilers.
//   powerpc64le-linux-gnu-gcc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -s -Wl,--build-id=none -o built/tiny-ppc64le tiny.c
#ifdef __powerpc64__
#define NR_mmap 90
#else
#define NR_mmap 192  // mmap2
#endif
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r0 __asm__("r0") = number, r3 __asm__("r3") = a, r4 __asm__("r4") = b, r5 __asm__("r5") = c;
    register long r6 __asm__("r6") = d, r7 __asm__("r7") = e, r8 __asm__("r8") = f;
    __asm__ volatile("sc\n\tbns+ 1f\n\tneg 3,3\n1:"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)::"memory", "cr0", "ctr", "r9", "r10", "r11", "r12");
    return r3;
}
static void put(const char *text) {
    long n = 0;
    while (text[n]) n++;
    call(4, 1, (long)text, n, 0, 0, 0);
}
static void number(long n) {
    char digits[24], *p = digits + 23;
    int minus = n < 0;
    *p = 0;
    if (minus) n = -n;
    do *--p = '0' + n % 10, n /= 10;
    while (n);
    if (minus) *--p = '-';
    put(p);
}
__attribute__((used)) void begin(long *sp) {
    long argc = sp[0];
    char **argv = (char **)(sp + 1), **e = argv + argc + 1;
    put("arguments:");
    for (long i = 1; i < argc; i++) put(" "), put(argv[i]);
    while (*e) e++;
    long page = 0, entry = 0;
    for (long *a = (long *)(e + 1); a[0]; a += 2) {
        if (a[0] == 6) page = a[1];
        if (a[0] == 9) entry = a[1];
    }
    put("\npage "), number(page), put(" entry "), number(entry != 0);
    char *m = (char *)call(NR_mmap, 0, 1 << 20, 3, 0x22, -1, 0);
    m[12345] = 'x';
    put("\nmmap "), number(m[12345] + m[0]);
    long end = call(45, 0, 0, 0, 0, 0, 0);
    put("\nbrk "), number(call(45, end + 5000, 0, 0, 0, 0, 0) - end);
    put("\nbad call "), number(call(999, 0, 0, 0, 0, 0, 0));
    put("\nbad file "), number(call(6, 77, 0, 0, 0, 0, 0));
    put("\n");
    call(234, 40 + argc, 0, 0, 0, 0, 0);
}
void _start(void);
#if defined(__powerpc64__) && _CALL_ELF != 2
__asm__(".section .opd,\"aw\"\n.globl _start\n_start:\t.quad .first,.TOC.@tocbase,0\n.text\n.first:\tmr 3,1\n\tli 0,0\n\tstdu 0,-128(1)\n\tbl .begin\n\tnop\n");
#elif defined(__powerpc64__)
__asm__(".text\n.globl _start\n_start:\n\taddis 2,12,.TOC.-_start@ha\n\taddi 2,2,.TOC.-_start@l\n\tmr 3,1\n\tli 0,0\n\tstdu 0,-128(1)\n\tbl begin\n\tnop\n");
#else
__asm__(".text\n.globl _start\n_start:\n\tmr 3,1\n\tli 0,0\n\tstwu 0,-64(1)\n\tbl begin\n");
#endif
