"""Random well-formed blocks for property tests, built the way bodies build them."""

from __future__ import annotations

import random

from dbt.exits import Exit
from dbt.ir import ops
from dbt.ir.access import Access, Helper, Leave
from dbt.ir.builder import Builder, Value
from dbt.ir.terminals import Branch, Jump, Stop
from dbt.ir.types import Type, i1, i8, i16, i32, i64
from dbt.state import SLOTS, slot

REGISTERS = ("gpr3", "gpr4", "gpr5", "cr0", "ca", "lr", "fpr3", "vsr3", "vr1", "vsr33")
BANKS = ("gpr", "fpr", "vsr", "vr")
WIDTHS = (i1, i8, i16, i32, i64)
BINARY = (ops.add, ops.sub, ops.mul, ops.and_, ops.or_, ops.xor, ops.eq, ops.ult, ops.slt, ops.ule, ops.rotl)
UNARY = (ops.clz, ops.ctz, ops.popcount)


def random_block(seed: int, length: int = 40) -> Builder:
    """A block of about `length` operations. Storage used is 0x1000..0x10ff; elsewhere it faults."""
    r = random.Random(seed)
    ir = Builder()
    pool: list[Value] = [ir.get(slot("gpr3"))]

    def pick(ty: Type) -> Value:
        if r.random() < 0.2:
            return ir.const(r.choice((0, 1, ty.mask, r.getrandbits(ty.bits))), ty)
        return r.choice(pool).to(ty, signed=r.random() < 0.5)

    def address() -> Value:
        return ir.const(0x1000) + (pick(i64) & 0xF8) + (0x4000 if r.random() < 0.05 else 0)

    for n in range(length):
        ir.at = n // 4
        ty = r.choice(WIDTHS)
        bank = SLOTS[r.choice(BANKS)]
        match r.randrange(14):
            case 0 | 1:
                pool.append(ir.get(slot(r.choice(REGISTERS))))
            case 2 | 3:
                ir.put(slot(r.choice(REGISTERS)), r.choice(pool))
            case 4:
                pool.append(ir.get_at(bank, pick(i64) & 7))
            case 5:
                ir.put_at(bank, pick(i64) & 7, pick(i64))
            case 6:
                pool.append(ir.load(r.choice((i8, i16, i32, i64)), address(), Access(r.random() < 0.5)))
            case 7:
                ir.store(address(), pick(r.choice((i8, i16, i32, i64))), Access(r.random() < 0.5))
            case 8:
                pool.append(ops.select(pick(i1), pick(ty), pick(ty)))
            case 9:
                if r.random() < 0.3:
                    pool.append(
                        ir.call(Helper(r.choice(("bump", "leave_if", "sum3")), True, True), pick(i64) & 1, pick(i64), 3)
                    )
                else:
                    ir.exit_if(pick(i64) == 0x55, Leave(Exit.DEBUG, r.random() < 0.5), pick(i64))
            case 10:
                pool.append(r.choice((ops.shl, ops.shr, ops.sar))(pick(i64), pick(i64) & 63))
            case 11:
                pool.append(r.choice(UNARY)(pick(ty)))
            case _:
                pool.append(r.choice(BINARY)(pick(ty), pick(ty)))
    ir.end = r.choice((None, Jump(pick(i64)), Branch(pick(i1), pick(i64)), Stop(int(Exit.HALT), pick(i64), True)))
    return ir
