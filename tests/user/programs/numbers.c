// Arithmetic through the library: printf, strtod, qsort, math.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <wchar.h>

static int compare(const void *a, const void *b) { return *(int *)a - *(int *)b; }

int main(void) {
    unsigned x = 12345;
    int v[1000];
    long long sum = 0;
    for (int i = 0; i < 1000; i++) v[i] = (x = x * 1103515245 + 12345) >> 8 & 0xffff;
    qsort(v, 1000, sizeof *v, compare);
    for (int i = 0; i < 1000; i++) sum = sum * 31 + v[i];
    printf("%lld %" PRIx64 " %d\n", sum, (uint64_t)sum >> 3, v[500]);
    printf("%lld %lld %llu\n", sum / 1000003, sum % 1000003, (unsigned long long)sum / 97);
    for (double d = 1e-5; d < 1e6; d *= 37.5) printf("%g %.10f %e %a %.6f %.6f\n", d, sqrt(d), exp(d / 1e5), d, sin(d), atan2(d, 3));
    printf("%.17g %g %g\n", strtod("3.14159265358979323846", 0), strtod("1e400", 0), strtod("-0x1.8p3", 0));
    printf("%f %f %f %d\n", pow(2, 0.5), fmod(10, 3.3), floor(-2.5), (int)lrint(2.5));
    float f = 1.0f / 3.0f;
    printf("%.9g %d %u %lld\n", f, (int)-3.99, (unsigned)3e9, (long long)1e18);
    long double l = 1.0L / 3;
    printf("%.20Lf\n", l);
    char s[200];
    memset(s, 'a', 199), s[199] = 0;
    printf("%zu %p %d %s\n", strlen(s), memchr(s, 'b', 199), strcmp(s, "aab"), strchr("hello", 'l'));
    printf("%s %ls %5d|%-5d|%05d %+d %#x\n", "str", L"wide", 42, 42, 42, 42, 42);
    return sum & 63;
}
