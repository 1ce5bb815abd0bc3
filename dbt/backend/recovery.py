"""LLVM text of the signal handler that turns host faults of guest accesses back into control flow, and of accesses that report theirs.

The handler gets SIGSEGV and SIGBUS. A fault at an instruction that an `.ex_table` lists goes on at that entry's other place. A fault of
anything else, in the window (compiled helpers, the host's own memcpy: someone took memory away between the check and the access),
gets a page to work on and is noted. Whatever is left, or was sent by someone, goes to the
handler there was before, or that faults.py was told. It touches the state of layout.py
(FAULT_*) and its own stack only; offsets into siginfo and ucontext are those of Linux on AMD64.
"""

from __future__ import annotations

from . import layout as at
from .direct import TABLE

_RIP, _SI_CODE, _SI_ADDR = 168, 8, 16
_SYSCALL = (
    'call i64 asm sideeffect "syscall", "={rax},{rax},{rdi},{rsi},{rdx},{r10},{r8},{r9},~{rcx},~{r11},~{memory}"'
    "(i64 %n, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f)"
)


def _probe(name: str, instruction: str) -> str:
    return f"""define i64 @{name}(i64 %at) nounwind noinline {{
%p = inttoptr i64 %at to ptr
callbr void asm sideeffect "1: {instruction}{TABLE.replace("$2", "$1").replace("{2:l}", "{1:l}")}", "*m,!i,~{{flags}},~{{memory}}"(ptr elementtype(i8) %p)
  to label %there [label %missing]
there: ret i64 1
missing: ret i64 0
}}"""


def recovery_functions() -> str:
    """probe_load and probe_store (1 if a byte of host memory can be loaded, stored), host_protect (mprotect), fault_handler."""
    return "\n".join([
        _probe("probe_load", "testb $$0, $0"),
        _probe("probe_store", "lock orb $$0, $0"),
        f"""define internal i64 @system(i64 %n, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f) nounwind noinline {{
%r = {_SYSCALL}
ret i64 %r
}}
define i64 @host_protect(i64 %at, i64 %size, i64 %protection) nounwind {{
%r = call i64 @system(i64 10, i64 %at, i64 %size, i64 %protection, i64 0, i64 0, i64 0)
ret i64 %r
}}
@fault_state = global i64 0
define void @fault_handler(i32 %signal, ptr %info, ptr %context) nounwind {{
%state = load ptr, ptr @fault_state
%rip_at = getelementptr i8, ptr %context, i64 {_RIP}
%rip = load i64, ptr %rip_at
%code_at = getelementptr i8, ptr %info, i64 {_SI_CODE}
%code = load i32, ptr %code_at
%sent = icmp sle i32 %code, 0
br i1 %sent, label %others, label %tables
tables:
%t = phi i64 [{at.FAULT_TABLES}, %0], [%t_next, %next_table]
%table = getelementptr i8, ptr %state, i64 %t
%first = load i64, ptr %table
%end_at = getelementptr i8, ptr %table, i64 8
%end = load i64, ptr %end_at
%above = icmp uge i64 %rip, %first
%below = icmp ult i64 %rip, %end
%within = and i1 %above, %below
br i1 %within, label %search, label %next_table
next_table:
%t_next = add i64 %t, {at.FAULT_TABLE_BYTES}
%more = icmp ult i64 %t_next, {at.FAULT_TABLES + at.FAULT_TABLE_COUNT * at.FAULT_TABLE_BYTES}
br i1 %more, label %tables, label %elsewhere
search:
%entries_at = getelementptr i8, ptr %table, i64 16
%entries = load ptr, ptr %entries_at
%count_at = getelementptr i8, ptr %table, i64 24
%count = load atomic i64, ptr %count_at acquire, align 8
br label %halve
halve:
%low = phi i64 [0, %search], [%low_next, %look]
%high = phi i64 [%count, %search], [%high_next, %look]
%left = icmp ult i64 %low, %high
br i1 %left, label %look, label %elsewhere
look:
%sum = add i64 %low, %high
%middle = lshr i64 %sum, 1
%entry = getelementptr {{i64, i64}}, ptr %entries, i64 %middle
%place = load i64, ptr %entry
%after = add i64 %middle, 1
%lower = icmp ult i64 %place, %rip
%low_next = select i1 %lower, i64 %after, i64 %low
%high_next = select i1 %lower, i64 %high, i64 %middle
%same = icmp eq i64 %place, %rip
br i1 %same, label %found, label %halve
found:
%target_at = getelementptr i8, ptr %entry, i64 8
%target = load i64, ptr %target_at
store i64 %target, ptr %rip_at
ret void
elsewhere:
%address_at = getelementptr i8, ptr %info, i64 {_SI_ADDR}
%address = load i64, ptr %address_at
%window_at = getelementptr i8, ptr %state, i64 {at.FAULT_WINDOW}
%window = load i64, ptr %window_at
%window_end_at = getelementptr i8, ptr %state, i64 {at.FAULT_WINDOW_END}
%window_end = load i64, ptr %window_end_at
%from = icmp uge i64 %address, %window
%to = icmp ult i64 %address, %window_end
%ours = and i1 %from, %to
br i1 %ours, label %mend, label %others
mend:
%noted_at = getelementptr i8, ptr %state, i64 {at.FAULT_MENDED}
%who = call i64 @system(i64 186, i64 0, i64 0, i64 0, i64 0, i64 0, i64 0)
%who_at = getelementptr i8, ptr %state, i64 {at.FAULT_MENDED_BY}
store i64 %who, ptr %who_at
store i64 %address, ptr %noted_at
%page = and i64 %address, -4096
%bus = icmp eq i32 %signal, 7
br i1 %bus, label %replace, label %allow
allow:
%allowed = call i64 @system(i64 10, i64 %page, i64 4096, i64 3, i64 0, i64 0, i64 0)
%fine = icmp eq i64 %allowed, 0
br i1 %fine, label %done, label %others
replace:
%mapped = call i64 @system(i64 9, i64 %page, i64 4096, i64 3, i64 {0x4032}, i64 -1, i64 0)
%good = icmp eq i64 %mapped, %page
br i1 %good, label %done, label %others
done:
ret void
others:
%bus2 = icmp eq i32 %signal, 7
%first_next = select i1 %sent, i64 {at.FAULT_SENT}, i64 {at.FAULT_NEXT}
%second_next = add i64 %first_next, 8
%next_offset = select i1 %bus2, i64 %first_next, i64 %second_next
%next_at = getelementptr i8, ptr %state, i64 %next_offset
%next = load i64, ptr %next_at
%handled = icmp ugt i64 %next, 1
br i1 %handled, label %chain, label %default
chain:
%handler = inttoptr i64 %next to ptr
tail call void %handler(i32 %signal, ptr %info, ptr %context)
ret void
default:
%ignored = icmp eq i64 %next, 1
%drop = and i1 %ignored, %sent
br i1 %drop, label %done, label %die
die:
%action = alloca [4 x i64]
store [4 x i64] zeroinitializer, ptr %action
%action_at = ptrtoint ptr %action to i64
%number = zext i32 %signal to i64
%set = call i64 @system(i64 13, i64 %number, i64 %action_at, i64 0, i64 8, i64 0, i64 0)
%pid = call i64 @system(i64 39, i64 0, i64 0, i64 0, i64 0, i64 0, i64 0)
%tid = call i64 @system(i64 186, i64 0, i64 0, i64 0, i64 0, i64 0, i64 0)
%again = call i64 @system(i64 234, i64 %pid, i64 %tid, i64 %number, i64 0, i64 0, i64 0)
ret void
}}
""",
    ])  # fmt: skip
