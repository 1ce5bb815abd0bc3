/* Programs that write code: into fresh pages, over old code, next to data, through the kernel, in pages whose protection changes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static long call(const uint32_t *code, long argument) {
    register long r3 __asm__("r3") = argument;
    __asm__ volatile("mtctr %1; bctrl" : "+r"(r3) : "r"(code) : "lr", "ctr", "memory", "r0", "r4", "r5", "r11", "r12", "cr0", "xer");
    return r3;
}
static void synchronise(const void *code, long size) {
    const char *at = code;
    for (long n = 0; n < size; n += 16) __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0" ::"r"(at + n) : "memory");
    __asm__ volatile("sync; isync" ::: "memory");
}
/* addi r3,r3,n; blr */
static void put(uint32_t *code, int n) {
    code[0] = 0x38630000 | (n & 0xffff);
    code[1] = 0x4e800020;
    synchronise(code, 8);
}
static long apply(long (*f)(long), int times) {
    long sum = 0;
    for (int i = 0; i < times; i++) sum += f(i);
    return sum;
}
/* A nested function that needs its frame is called through code on the stack. */
__attribute__((noinline)) static long nested(int times) {
    volatile long total = 0;
    long add(long x) {
        total += x;
        return total & 3;
    }
    long sum = apply(add, times);
    return sum + total;
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    uint32_t *page = mmap(0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long sum = 0;
    for (int i = 0; i < 3000; i++) {
        put(page + 4, i & 1023);
        for (int k = 0; k < 3; k++) sum = call(page + 4, sum) & 0xffffff;
    }
    printf("over and over %ld\n", sum);
    sum = 0;
    for (int i = 0; i < 200; i++) {
        put(page + 1024 + 4 * i, i);
        sum = call(page + 1024 + 4 * i, sum);
    }
    printf("growing %ld\n", sum);
    volatile long *data = (volatile long *)(page + 8192);
    put(page + 8200, 5);
    sum = 0;
    for (int i = 0; i < 20000; i++) {
        *data += i;
        sum = call(page + 8200, sum);
    }
    printf("next to data %ld %ld\n", sum, *data);
    put(page + 8200, 6);
    printf("and changed %ld\n", call(page + 8200, 0));
    int p[2];
    uint32_t buffer[2] = {0x38630009, 0x4e800020};
    put(page + 12288, 8);
    printf("before %ld\n", call(page + 12288, 0));
    if (pipe(p) || write(p[1], buffer, 8) != 8 || read(p[0], page + 12288, 8) != 8) return 1;
    synchronise(page + 12288, 8);
    printf("read from a pipe %ld\n", call(page + 12288, 0));
    sum = 0;
    for (int i = 0; i < 300; i++) {
        mprotect(page + 12288, 4096, PROT_READ | PROT_WRITE);
        put(page + 12288 + 2 * (i % 64), i);
        mprotect(page + 12288, 4096, PROT_READ | PROT_EXEC);
        sum += call(page + 12288 + 2 * (i % 64), 1);
    }
    printf("writable or executable %ld\n", sum);
    mprotect(page + 12288, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    char *moved = mremap(page, 65536, 131072, MREMAP_MAYMOVE);
    page = (uint32_t *)moved;
    printf("moved %ld\n", call(page + 8200, 0));
    int fd = memfd_create("code", 0);
    if (ftruncate(fd, 8192)) return 1;
    uint32_t *one = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
    sum = 0;
    for (int i = 0; i < 50; i++) {
        put(one, i);
        sum += call(one, 0);
        buffer[0] = 0x38630000 | (2 * i);
        if (pwrite(fd, buffer, 8, 4096) != 8) return 1;
        synchronise(one + 1024, 8);
        sum += call(one + 1024, 0);
    }
    printf("a file %ld\n", sum);
    printf("nested %ld\n", nested(20000));
    return 0;
}
