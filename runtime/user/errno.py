"""Errors of system calls. Their numbers are the same here and on the host (asm-generic/errno*.h), EDEADLOCK apart, which no call gives."""

from __future__ import annotations

from errno import (  # noqa: F401
    E2BIG,
    EACCES,
    EAGAIN,
    EBADF,
    ECHILD,
    EEXIST,
    EFAULT,
    EINTR,
    EINVAL,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENODEV,
    ENOENT,
    ENOEXEC,
    ENOMEM,
    ENOSYS,
    ENOTDIR,
    ENOTSOCK,
    ENOTTY,
    EOPNOTSUPP,
    EOVERFLOW,
    EPERM,
    ERANGE,
    EROFS,
    ESRCH,
    ETIMEDOUT,
)

ERESTART = 512  # nothing was done, a signal is to be handled first (kernel: ERESTARTSYS)


class SyscallError(Exception):
    """A system call fails with this error number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
