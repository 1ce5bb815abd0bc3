"""Vector floating-point operations (ir/ops_vector_float.py) as functions that leave no trace in the host's sticky bits.

Those bits belong to FPSCR (float_exact.py). The control register is put back only if it has changed, which is rare
once its inexact bit is set. Being out of line keeps the operations from mixing with those that may leave a trace, and
operands and result go through volatile memory so that nothing crosses the two looks at the register.
"""

from __future__ import annotations

from ..ir.ops import OPS
from ..ir.ops_vector_float import QUIET_BODIES

QUIET = [f"declare i128 @{name}({', '.join(['i128'] * len(OPS[name].params))})" for name in QUIET_BODIES]
READ = 'call void asm sideeffect "stmxcsr $0", "=*m,~{{memory}}"(ptr elementtype(i32) {0})'
WRITE = 'call void asm sideeffect "ldmxcsr $0", "*m,~{{memory}}"(ptr elementtype(i32) {0})'


def quiet_functions() -> str:
    """Their definitions, for the module of run-time functions."""
    return "".join(_function(name, body, len(OPS[name].params)) for name, body in QUIET_BODIES.items())


def _function(name: str, body: str, count: int) -> str:
    lines = [f"define i128 @{name}({', '.join(f'i128 %p{k}' for k in range(count))}) nounwind noinline {{"]
    lines.append("%before = alloca i32\n%after = alloca i32\n%m = alloca i128, align 16")
    lines += [f"%m{k} = alloca i128, align 16\nstore volatile i128 %p{k}, ptr %m{k}" for k in range(count)]
    lines.append(READ.format("%before"))
    lines += [f"%q{k} = load volatile i128, ptr %m{k}" for k in range(count)]
    lines.append(body.format(*(f"%q{k}" for k in range(count)), r="%v"))
    lines.append(f"store volatile i128 %v, ptr %m\n{READ.format('%after')}")
    lines.append("%a = load i32, ptr %before\n%b = load i32, ptr %after\n%same = icmp eq i32 %a, %b")
    lines.append("br i1 %same, label %done, label %restore\nrestore:")
    lines.append(f"{WRITE.format('%before')}\nbr label %done\ndone:")
    return "\n".join([*lines, "%w = load volatile i128, ptr %m", "ret i128 %w", "}\n"])
