// Quad precision as a compiler and its library use it (POWER9): arithmetic in all rounding modes, functions, conversions, text.
#define __STDC_WANT_IEC_60559_TYPES_EXT__
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *what, _Float128 x) {
  unsigned long w[2];
  char text[64];
  memcpy(w, &x, 16);
  strfromf128(text, sizeof text, "%.36g", x);
  printf("%s %016lx%016lx %s %x\n", what, w[1], w[0], text, fetestexcept(FE_ALL_EXCEPT));
  feclearexcept(FE_ALL_EXCEPT);
}

int main(void) {
  static const char *texts[] = {"1", "0.1", "-3.14159265358979323846264338327950288", "1e4000", "1e-4940", "6e-4966", "0", "-inf", "65536.5"};
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
  enum { N = sizeof texts / sizeof *texts };
  volatile _Float128 v[N];
  for (int i = 0; i < N; i++)
    show("text", v[i] = strtof128(texts[i], 0));
  for (int m = 0; m < 4; m++) {
    fesetround(modes[m]);
    feclearexcept(FE_ALL_EXCEPT);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        volatile _Float128 sum = v[i] + v[j];
        int raised = fetestexcept(FE_ALL_EXCEPT);
        fesetround(FE_TONEAREST);
        feclearexcept(FE_ALL_EXCEPT);
        feraiseexcept(raised);
        show("sum", sum);
        fesetround(modes[m]);
        volatile _Float128 product = v[i] * v[j], quotient = v[i] / v[j];
        raised = fetestexcept(FE_ALL_EXCEPT);
        fesetround(FE_TONEAREST);
        show("product", product);
        show("quotient", quotient);
        fesetround(modes[m]);
      }
    fesetround(FE_TONEAREST);
  }
  for (int i = 0; i < N; i++) {
    _Float128 x = v[i];
    show("sqrt", sqrtf128(fabsf128(x)));
    show("sin", sinf128(x));
    show("exp", expf128(x));
    show("log", logf128(fabsf128(x)));
    show("fma", fmaf128(x, x, -x));
    show("floor", floorf128(x));
    show("round", roundf128(x));
    show("double", (double)x);
    printf("%d %d %d\n", x < 1, x > v[1], x == x);
    if (fabsf128(x) < 1e18) {
      show("long", (long)x);
      show("int", (int)x);
      show("fraction", x - (long)x);
    }
  }
  return 0;
}
