"""What LLVM is told besides the instructions: alias classes of memory, and which way branches go."""

from __future__ import annotations

# alias classes: the vCPU record, guest memory and the software TLB, code maps; 0 unlikely, 1 likely
METADATA = """!0 = !{!"branch_weights", i32 1, i32 100000}
!1 = !{!"branch_weights", i32 100000, i32 1}
!10 = !{!"ppcdbt"}
!11 = !{!"cpu", !10}
!12 = !{!"guest", !10}
!13 = !{!"code", !10}
!2 = !{!11, !11, i64 0}
!3 = !{!12, !12, i64 0}
!4 = !{!13, !13, i64 0}
"""
CPU, GUEST, CODE = "!tbaa !2", "!tbaa !3", "!tbaa !4"
UNLIKELY, LIKELY = "!prof !0", "!prof !1"
