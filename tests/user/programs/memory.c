// The address space.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static void *volatile fault_at;
static volatile int fault_code;

static void on_fault(int sig, siginfo_t *info, void *context) {
    fault_at = info->si_addr;
    fault_code = sig * 100 + info->si_code;
    siglongjmp(back, 1);
}

static int try_read(volatile char *p) { return sigsetjmp(back, 1) ? -fault_code : *p; }
static int try_write(volatile char *p) { return sigsetjmp(back, 1) ? -fault_code : (*p = 1); }

int main(void) {
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, 0);
    sigaction(SIGBUS, &sa, 0);
    long page = sysconf(_SC_PAGESIZE);
    char *p = mmap(0, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1, p[3 * page] = 2;
    printf("mprotect %d\n", mprotect(p + page, page, PROT_READ));
    printf("read %d write %d at page %d\n", try_read(p + page + 8), try_write(p + page + 8), (char *)fault_at == p + page + 8);
    mprotect(p + page, page, PROT_NONE);
    printf("none %d\n", try_read(p + page));
    printf("munmap %d\n", munmap(p + 2 * page, page));
    printf("unmapped %d right address %d\n", try_read(p + 2 * page + 123), (char *)fault_at == p + 2 * page + 123);
    printf("others %d %d\n", p[0], p[3 * page]);
    printf("null %d\n", try_write((char *)4));
    fault_at = 0;
    printf("wild %d %d\n", try_read((char *)(sizeof(long) == 8 ? 0x123456789abc0 : 0xfffffff0L)), fault_at != 0);
    char *q = mmap(p + 2 * page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("fixed %d zero %d\n", q == p + 2 * page, q[5]);
    char *big = mmap(0, 10 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 10; i++) big[i << 20] = i;
    char *moved = mremap(big, 10 << 20, 50 << 20, MREMAP_MAYMOVE);
    int sum = 0;
    for (int i = 0; i < 10; i++) sum += moved[i << 20];
    moved[(50 << 20) - 1] = 1;
    printf("mremap %d sum %d\n", moved != MAP_FAILED, sum);
    printf("shrink %d\n", mremap(moved, 50 << 20, 1 << 20, 0) == moved);
    char name[] = "/tmp/ppcdbt-map-XXXXXX";
    int fd = mkstemp(name);
    if (write(fd, "0123456789", 10) != 10) return 1;
    char *f = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), c[11] = {0};
    f[3] = 'x';
    pread(fd, c, 10, 0);
    printf("shared %s past end in page %d\n", c, f[100]);
    printf("beyond %d\n", try_read(f + page + 1));
    char *private = mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    private[0] = 'y';
    pread(fd, c, 10, 0);
    printf("private %.10s file %s\n", private, c);
    int *shared = mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int mine = 5;
    pid_t child = fork();
    if (!child) {
        *shared = 42, mine = 6;
        _exit(mine);
    }
    int status;
    waitpid(child, &status, 0);
    printf("child %d shared %d mine %d\n", WEXITSTATUS(status), *shared, mine);
    char *before = sbrk(0), *grown = sbrk(1 << 20);
    grown[(1 << 20) - 1] = 3;
    printf("sbrk %d\n", before == grown);
    sbrk(-(1 << 20));
    char *heap = malloc(100 << 20);
    memset(heap, 1, 100 << 20);
    heap = realloc(heap, 200 << 20);
    printf("malloc %d\n", heap[99 << 20]);
    free(heap);
    printf("bad %d %d\n", munmap((void *)1, 5), mprotect(p, 1L << 30, PROT_READ) == -1 && errno == ENOMEM);
    // code written by the program
    unsigned *code = mmap(0, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *descriptor[3] = {code, 0, 0};
#if defined(__powerpc64__) && _CALL_ELF != 2
    int (*function)(void) = (int (*)(void))descriptor;
#else
    int (*function)(void) = (int (*)(void))code;
#endif
    for (int i = 1; i < 4; i++) {
        code[0] = 0x38600000 + i * 11, code[1] = 0x4e800020;
        __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; isync" ::"r"(code) : "memory");
        printf("made %d\n", function());
    }
    mprotect(code, page, PROT_READ);
    if (!sigsetjmp(back, 1)) function();
    printf("not executable %d %d\n", fault_code, fault_at == (void *)code);
    unlink(name);
    (void)descriptor;
    return 0;
}
