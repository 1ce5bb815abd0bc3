// What AT_HWCAP and AT_HWCAP2 announce, used: an instruction of each facility.
#include <stdio.h>
#include <stdint.h>
#include <sys/auxv.h>

#define HAS(n, bit) (getauxval(n) >> (bit) & 1)
#define ONE AT_HWCAP
#define TWO AT_HWCAP2

int main(void) {
    uint64_t a = 0x123456789, b = 0, c = 5;
    (void)a, (void)b, (void)c;
#ifdef __powerpc64__
    if (HAS(TWO, 27)) { __asm__("cmpd 5,%1,%2\n\tisel %0,%1,%2,22" : "=r"(b) : "r"(a), "r"(c) : "cr5"); printf("isel %llx\n", (unsigned long long)b); }
    if (HAS(TWO, 26)) { __asm__ volatile("mtspr 815,%1\n\tli %0,0\n\tmfspr %0,815" : "=&r"(b) : "r"(a)); printf("tar %llx\n", (unsigned long long)b); }
    if (HAS(TWO, 29)) { __asm__ volatile("mtspr 3,%1\n\tmfspr %0,3" : "=&r"(b) : "r"(c)); printf("dscr %llx\n", (unsigned long long)b); }
    if (HAS(TWO, 23)) { __asm__(".machine push\n\t.machine power9\n\tmodud %0,%1,%2\n\t.machine pop" : "=r"(b) : "r"(a), "r"(c)); printf("modud %llx\n", (unsigned long long)b); }
    if (HAS(TWO, 21)) {
        int bad = 0;
        for (int i = 0; i < 8; i++) {
            __asm__ volatile(".machine push\n\t.machine power9\n\tdarn %0,1\n\t.machine pop" : "=r"(b));
            bad += b == ~0ull;
        }
        printf("darn %s\n", bad ? "failed" : "ok");
    }
    if (HAS(TWO, 20)) {
        register uint64_t r0 __asm__("r0") = 4, r3 __asm__("r3") = -1, r4 __asm__("r4") = 0, r5 __asm__("r5") = 0;
        __asm__ volatile(".machine push\n\t.machine power9\n\tscv 0\n\t.machine pop" : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5) : : "lr", "ctr", "cr0", "cr1", "cr5", "cr6", "cr7", "xer", "r6", "r7", "r8",
                         "r9", "r10", "r11", "r12", "memory");
        printf("scv %lld\n", (long long)r3);
    }
    if (HAS(ONE, 10)) {
        union { uint64_t bits; double d; } one = {0x2238000000000001}, two;
        __asm__("dadd %0,%1,%1" : "=d"(two.d) : "d"(one.d));
        printf("dadd %llx\n", (unsigned long long)two.bits);
    }
    if (HAS(TWO, 22)) {
        uint64_t one[2] __attribute__((aligned(16))) = {0x3FFF000000000000, 0}, two[2] __attribute__((aligned(16)));
        __asm__ volatile(".machine push\n\t.machine power9\n\tmtvsrdd 34,%1,%2\n\txsaddqp 2,2,2\n\tmfvsrd %0,34\n\t.machine pop" : "=r"(two[0]) : "r"(one[0]), "r"(one[1]) : "v2");
        printf("xsaddqp %llx\n", (unsigned long long)two[0]);
    }
    if (HAS(ONE, 7)) {
        double d = 1.5, e = 2.25, f;
        __asm__(".machine push\n\t.machine power8\n\txsmaddadp %0,%1,%2\n\t.machine pop" : "=d"(f) : "d"(d), "d"(e), "0"(1.0));
        printf("xsmaddadp %g\n", f);
    }
#endif
    printf("%d %d %d\n", (int)HAS(ONE, 31), (int)HAS(ONE, 28), (int)HAS(ONE, 27));
    return 0;
}
