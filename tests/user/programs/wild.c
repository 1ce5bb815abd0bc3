/* Wild pointers: every kind of access, made often enough to be compiled, then once through a bad address. The handler checks the signal,
   si_code, si_addr, nip and the registers. Prints how many faults there were and how many were not as they should be.
   An argument: do not look at si_code and si_addr, which QEMU 7.2 has wrong in places. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

typedef unsigned long word;
enum { WARM = 6000, BYTES = sizeof(word) };
static int relaxed, faults, wrong, expect_signal, expect_code;
static word expect_address, expect_nip;
static word seen[8];
static const char *what;

static void check(const char *name, word is, word want) {
    if (is != want) {
        wrong++;
        printf("%s: %s is %lx, not %lx\n", what, name, is, want);
    }
}
static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *u = context;
#ifdef __powerpc64__
    unsigned long *r = u->uc_mcontext.gp_regs;
#else
    unsigned long *r = u->uc_mcontext.uc_regs->gregs;
#endif
    faults++;
    check("nip", r[32], expect_nip);
    for (int i = 3; i < 10; i++) seen[i - 3] = r[i];
    if (!relaxed) {
        check("signal", sig, expect_signal);
        check("si_code", info->si_code, expect_code);
        check("si_addr", (word)info->si_addr, expect_address);
    }
    r[32] += 4;
}

/* r3: the address, r4: a counter, r5 and r6: the index and a value that depend on the counter, r7: the operand, r8 and r9: computed after it.
   The instruction is at `at_NAME`. r6 = 3 * r4 and r7 = r4 + 77 are only ever in registers. */
#define ACCESS(name, instruction)                                                                                                            \
    extern char at_##name[];                                                                                                                 \
    __attribute__((noinline)) static void name(word *out, char *good, char *bad, int index) {                                                \
        register word r3 __asm__("r3") = (word)good;                                                                                         \
        register word r4 __asm__("r4") = 0;                                                                                                  \
        register word r5 __asm__("r5") = index;                                                                                              \
        register word r6 __asm__("r6");                                                                                                      \
        register word r7 __asm__("r7");                                                                                                      \
        register word r8 __asm__("r8") = 0;                                                                                                  \
        register word r9 __asm__("r9");                                                                                                      \
        __asm__ volatile("li 9, 6000\n"                                                                                  \
                         "1: mulli 6,4,3\n addi 7,4,77\n mr 0,3\n"                                                                      \
                         "at_" #name ": " instruction "\n"                                                                                   \
                         "add 8,6,4\n mr 3,0\n addi 4,4,1\n cmpw 4,9\n blt 1b\n bgt 2f\n mr 3,%7\n b 1b\n2:"                                  \
                         : "+r"(r3), "+r"(r4), "+r"(r5), "=&r"(r6), "=&r"(r7), "+r"(r8), "=&r"(r9)                                              \
                         : "r"(bad)                                                                                                          \
                         : "r0", "cr0", "xer", "memory", "fr0", "v0");                                                                        \
        (void)out;                                                                                                                           \
    }
ACCESS(a_lbz, "lbz 7,0(3)")
ACCESS(a_lhz, "lhz 7,0(3)")
ACCESS(a_lha, "lha 7,0(3)")
ACCESS(a_lwz, "lwz 7,0(3)")
ACCESS(a_lwzu, "lwzu 7,0(3)")
ACCESS(a_lwzux, "lwzux 7,3,5")
ACCESS(a_lwzx, "lwzx 7,3,5")
ACCESS(a_lwbrx, "lwbrx 7,3,5")
ACCESS(a_lhbrx, "lhbrx 7,3,5")
ACCESS(a_lwarx, "lwarx 7,3,5")
ACCESS(a_stb, "stb 7,0(3)")
ACCESS(a_sth, "sth 7,0(3)")
ACCESS(a_stw, "stw 7,0(3)")
ACCESS(a_stwu, "stwu 7,0(3)")
ACCESS(a_stwux, "stwux 7,3,5")
ACCESS(a_stwx, "stwx 7,3,5")
ACCESS(a_stwbrx, "stwbrx 7,3,5")
ACCESS(a_sthbrx, "sthbrx 7,3,5")
ACCESS(a_lfd, "lfd 0,0(3)")
ACCESS(a_lfs, "lfs 0,0(3)")
ACCESS(a_stfd, "stfd 0,0(3)")
ACCESS(a_stfs, "stfs 0,0(3)")
ACCESS(a_dcbz, "dcbz 3,5")
ACCESS(a_icbi, "icbi 3,5")
#ifdef __powerpc64__
ACCESS(a_ld, "ld 7,0(3)")
ACCESS(a_ldu, "ldu 7,0(3)")
ACCESS(a_ldx, "ldx 7,3,5")
ACCESS(a_lwa, "lwa 7,0(3)")
ACCESS(a_ldarx, "ldarx 7,3,5")
ACCESS(a_std, "std 7,0(3)")
ACCESS(a_stdu, "stdu 7,0(3)")
ACCESS(a_stdux, "stdux 7,3,5")
ACCESS(a_lvx, ".machine push\n.machine power8\nlvx 0,3,5\n.machine pop")
ACCESS(a_stvx, ".machine push\n.machine power8\nstvx 0,3,5\n.machine pop")
#endif
#if !defined(__LITTLE_ENDIAN__)
ACCESS(a_lswi, "lswi 7,3,4")
ACCESS(a_stswi, "stswi 7,3,4")
#endif
struct access {
    const char *name;
    void (*f)(word *, char *, char *, int);
    char *at;
    int size, store, align;
};
#define A(name, size, store, align) {#name, name, at_##name, size, store, align}
static const struct access all[] = {
    A(a_lbz, 1, 0, 0), A(a_lhz, 2, 0, 0), A(a_lha, 2, 0, 0), A(a_lwz, 4, 0, 0), A(a_lwzu, 4, 0, 0), A(a_lwzux, 4, 0, 0), A(a_lwzx, 4, 0, 0),
    A(a_lwbrx, 4, 0, 0), A(a_lhbrx, 2, 0, 0), A(a_lwarx, 4, 0, 4), A(a_stb, 1, 1, 0), A(a_sth, 2, 1, 0), A(a_stw, 4, 1, 0),
    A(a_stwu, 4, 1, 0), A(a_stwux, 4, 1, 0), A(a_stwx, 4, 1, 0), A(a_stwbrx, 4, 1, 0), A(a_sthbrx, 2, 1, 0), A(a_lfd, 8, 0, 0),
    A(a_lfs, 4, 0, 0), A(a_stfd, 8, 1, 0), A(a_stfs, 4, 1, 0), A(a_dcbz, 1, 1, 1), A(a_icbi, 1, 0, 0),
#ifdef __powerpc64__
    A(a_ld, 8, 0, 0), A(a_ldu, 8, 0, 0), A(a_ldx, 8, 0, 0), A(a_lwa, 4, 0, 0), A(a_ldarx, 8, 0, 8), A(a_std, 8, 1, 0), A(a_stdu, 8, 1, 0),
    A(a_stdux, 8, 1, 0), A(a_lvx, 16, 0, 16), A(a_stvx, 16, 1, 16),
#endif
#if !defined(__LITTLE_ENDIAN__)
    A(a_lswi, 4, 0, 0), A(a_stswi, 4, 1, 0),
#endif
};

/* One access through `bad`, after WARM good ones; the fault is at `address`. */
static void one(const struct access *a, const char *where, char *good, char *bad, int code, word address, int index) {
    static char text[80];
    word out[8] = {0};
    snprintf(text, sizeof text, "%s %s", a->name, where);
    what = text;
    expect_signal = SIGSEGV, expect_code = code, expect_address = address, expect_nip = (word)a->at;
    int before = faults;
    a->f(out, good, bad, index);
    check("number of faults", faults - before, 1);
    check("r3", seen[0], (word)bad);
    check("r4", seen[1], WARM);
    check("r6", seen[3], 3 * WARM);
    check("r7", seen[4], WARM + 77);
    check("r8", seen[5], WARM - 1 + 3 * (WARM - 1));
}

int main(int argc, char **argv) {
    relaxed = argc > 1;
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, 0);
    sigaction(SIGBUS, &sa, 0);
    long page = sysconf(_SC_PAGESIZE);
    char *map = mmap(0, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(map, 0x5a, 8 * page);
    char *good = map + page / 2, *none = map + 2 * page, *gone = map + 4 * page, *read_only = map + 6 * page;
    mprotect(none, page, PROT_NONE);
    munmap(gone, page);
    mprotect(read_only, page, PROT_READ);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        const struct access *a = &all[i];
        int index = strchr(a->name, 'x') || !strncmp(a->name, "a_dcbz", 6) || !strncmp(a->name, "a_icbi", 6) ? 48 : 0;
        one(a, "null", good, 0, SEGV_MAPERR, 0, 0);
        one(a, "eight", good, (char *)16, SEGV_MAPERR, 16, 0);
        one(a, "minus", good, (char *)-16L, SEGV_MAPERR, -16L, 0);
        one(a, "none", good, none + 64, SEGV_ACCERR, (word)none + 64, 0);
        one(a, "gone", good, gone + 64, SEGV_MAPERR, (word)gone + 64, 0);
#ifdef __powerpc64__
        one(a, "high", good, (char *)0x4000123456789ab0, SEGV_MAPERR, 0x4000123456789ab0, 0);
        one(a, "top", good, (char *)0x8000000000000000, SEGV_MAPERR, 0x8000000000000000, 0);
#endif
        one(a, "indexed", good - index, (char *)(-4096L - index), SEGV_MAPERR, -4096L, index);
        if (a->store) one(a, "read only", good, read_only + 64, SEGV_ACCERR, (word)read_only + 64, 0);
        if (a->size > 1 && !a->align) {
            char *across = none - a->size / 2;
            memset(across, 0x5a, a->size / 2);
            one(a, "across", good, across, SEGV_ACCERR, (word)none, 0);
            one(a, "across to nothing", good, gone - a->size / 2, SEGV_MAPERR, (word)gone, 0);
            check("byte", across[0], 0x5a);
        }
    }
    printf("faults %d wrong %d\n", faults, wrong);
    return wrong != 0;
}
