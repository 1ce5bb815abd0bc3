"""Write runtime/user/syscalls/numbers.py: system-call numbers of the two PowerPC tables and the host's, from kernel headers.

    python scripts/syscall_numbers.py > runtime/user/syscalls/numbers.py

Headers: linux-libc-dev-ppc64-cross and linux-libc-dev (Debian), asm/unistd_{32,64}.h.
"""

from __future__ import annotations

import re
from pathlib import Path

CROSS = Path("/usr/powerpc64-linux-gnu/include/asm")
TABLES = {
    "PPC64": CROSS / "unistd_64.h",
    "PPC32": CROSS / "unistd_32.h",
    "HOST": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
}


def table(path: Path) -> dict[str, int]:
    """Name to number."""
    return {name: int(n) for name, n in re.findall(r"^#define __NR_(\w+)\s+(\d+)$", path.read_text(), re.M)}


def main() -> None:
    """Print the module."""
    print('"""System-call numbers. Written by scripts/syscall_numbers.py from kernel headers: do not edit."""\n')
    print("from __future__ import annotations\n")
    for name, path in TABLES.items():
        text = " ".join(f"{k}:{v}" for k, v in sorted(table(path).items(), key=lambda i: i[1]))
        lines, line = [], ""
        for word in text.split():
            if len(line) + len(word) > 110:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        body = "\n".join([*lines, line])
        print(f'_{name} = """\n{body}\n"""')
    print("\n\ndef _table(text: str) -> dict[str, int]:")
    print('    return {name: int(number) for name, _, number in (word.partition(":") for word in text.split())}\n\n')
    for name in TABLES:
        print(f"{name} = _table(_{name})")


if __name__ == "__main__":
    main()
