/* A bytecode interpreter running a small program: an indirect branch every few instructions. */

#include "workload.h"

enum op { LOAD, STORE, PUSH, ADD, SUB, MUL, XOR, SHIFT, LESS, JUMP_IF, JUMP, CALL, RETURN, STOP };

/* Computes a checksum of (i * 3 ^ acc >> 5) through a subroutine, counting variable 0 down. */
static const uint8_t program[] = {
    /*  0 */ LOAD, 1, LOAD, 0, CALL, 20, STORE, 1,
    /*  8 */ LOAD, 0, PUSH, 1, SUB, STORE, 0,
    /* 15 */ LOAD, 0, JUMP_IF, 0, STOP,
    /* 20 */ PUSH, 3, MUL, STORE, 2, PUSH, 5, SHIFT, LOAD, 2, XOR,
    /* 31 */ LOAD, 2, PUSH, 100, LESS, JUMP_IF, 41,
    /* 38 */ PUSH, 17, ADD, LOAD, 3, ADD, LOAD, 2, STORE, 3, RETURN,
};

static uint64_t run(uint64_t *variables)
{
    uint64_t stack[32], *sp = stack, executed = 0;
    const uint8_t *returns[8], **rp = returns, *pc = program;
    for (;; executed++) {
        switch ((enum op)*pc++) {
        case LOAD: *sp++ = variables[*pc++]; break;
        case STORE: variables[*pc++] = *--sp; break;
        case PUSH: *sp++ = *pc++; break;
        case ADD: sp--; sp[-1] += sp[0]; break;
        case SUB: sp--; sp[-1] -= sp[0]; break;
        case MUL: sp--; sp[-1] *= sp[0]; break;
        case XOR: sp--; sp[-1] ^= sp[0]; break;
        case SHIFT: sp--; sp[-1] = sp[-1] >> (sp[0] & 63) | sp[-1] << (-sp[0] & 63); break;
        case LESS: sp--; sp[-1] = sp[-1] < sp[0]; break;
        case JUMP_IF: pc = *--sp ? program + *pc : pc + 1; break;
        case JUMP: pc = program + *pc; break;
        case CALL: *rp++ = pc + 1; pc = program + *pc; break;
        case RETURN: pc = *--rp; break;
        case STOP: return executed;
        }
    }
}

uint64_t workload(uint64_t reps)
{
    uint64_t sum = 0, variables[4] = {0, 1, 0, 0};
    for (uint64_t rep = 0; rep < reps; rep++) {
        variables[0] = 10000;
        uint64_t executed = run(variables);
        sum = mix(sum, executed ^ variables[1]);
    }
    return sum;
}
