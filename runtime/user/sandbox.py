"""`--sandbox`: a program sees its root, read-only, and a scratch folder at /tmp. No sockets, no host programs, no other processes.

Path names are resolved here, part by part, each part opened without following links below a descriptor of the folder it is in
(as the kernel's openat2 with RESOLVE_IN_ROOT does): links and .. lead through the guest's tree, and no race with another process of the
guest can lead out of it. What a call gets instead of its path is /proc/self/fd/N, or /proc/self/fd/N/NAME for a name that need not
exist. The policy over all calls is `POLICY`: a call that is not in it is refused.
"""

from __future__ import annotations

import os
import resource
import shutil
import stat
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import native
from .errno import EACCES, EBADF, EEXIST, EINVAL, ELOOP, ENOENT, ENOTDIR, EPERM, EROFS, SyscallError
from .native import NR, Buffer

if TYPE_CHECKING:
    from .process import Process

SCRATCH = b"tmp"  # its name in the root folder
DEVICES = (b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/random", b"/dev/urandom", b"/dev/tty")
O_PATH, AT_FDCWD, F_DUPFD_CLOEXEC = 0o10000000, -100, 1030
STEP = O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
LINKS, LONGEST = 40, 4096
REFUSED_FCNTL = {8, 10, 15, 1024, 1026}  # SETOWN, SETSIG, SETOWN_EX, SETLEASE, NOTIFY: signals to others
OPENS = {"open": 1, "openat": 2, "openat2": 0, "creat": 0}  # the argument with the flags
ACCESSES = {"access": 1, "faccessat": 2, "faccessat2": 2}  # with the mode
DESCRIPTORS = ("close", "dup2", "dup3")  # calls that could take away a descriptor of ours
O_NOFOLLOW = 0o100000  # PowerPC's
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | (os.O_TMPFILE & ~os.O_DIRECTORY)

# What a call may do. "free": touches nothing outside; "look": its paths may be anywhere in the tree; "change": they must be below /tmp;
# "own": changes what a descriptor leads to, which must be below /tmp or no file; "self": its first argument must be a process of the program.
FREE = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek _llseek dup dup2 dup3 pipe pipe2 fcntl fcntl64 flock
fsync fdatasync ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead sendfile sendfile64 copy_file_range splice tee eventfd eventfd2
memfd_create fgetxattr flistxattr getdents64 getdents getcwd fchdir umask clock_gettime clock_gettime64 clock_getres clock_getres_time64 gettimeofday time
nanosleep clock_nanosleep clock_nanosleep_time64 setitimer getitimer alarm poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64
epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait mmap mmap2 munmap mprotect mremap brk madvise msync mincore mlock mlock2 munlock mlockall
munlockall get_mempolicy uname sysinfo getrandom prctl rseq futex futex_time64 personality membarrier capget getpid getppid getuid geteuid
getgid getegid getpgrp setsid sched_yield sched_get_priority_max sched_get_priority_min getresuid getresgid getgroups exit gettid exit_group
set_tid_address set_robust_list get_robust_list fork vfork clone clone3 wait4 waitpid waitid getrusage times getrlimit setrlimit ugetrlimit
sched_setaffinity getcpu inotify_init inotify_init1 inotify_rm_watch rt_sigaction sigaction signal rt_sigprocmask sigprocmask rt_sigpending rt_sigsuspend pause
rt_sigtimedwait rt_sigtimedwait_time64 rt_sigreturn sigreturn swapcontext sigaltstack signalfd signalfd4 fstat fstat64 fstatfs fstatfs64 ioctl syslog sethostname subpage_prot
timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64
timer_create timer_settime timer_settime64 timer_gettime timer_gettime64 timer_getoverrun timer_delete
""".split()
LOOK = """
open openat openat2 stat lstat stat64 lstat64 newfstatat fstatat64 statx statfs statfs64 readlink readlinkat access faccessat faccessat2 chdir
execve execveat inotify_add_watch getxattr lgetxattr listxattr llistxattr
""".split()
CHANGE = """
creat unlink unlinkat rmdir mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat chmod fchmodat truncate truncate64 utimensat
utimensat_time64 utimes utime setxattr lsetxattr removexattr lremovexattr
""".split()
OWN = "fchmod fsetxattr fremovexattr".split()
SELF = """
kill tgkill tkill rt_sigqueueinfo rt_tgsigqueueinfo getpgid getsid prlimit64 sched_getaffinity sched_getscheduler sched_getparam sched_rr_get_interval
sched_rr_get_interval_time64 getpriority setpgid
""".split()
POLICY = {name: kind for kind, names in (("free", FREE), ("look", LOOK), ("change", CHANGE), ("own", OWN), ("self", SELF)) for name in names}


@dataclass(slots=True)
class Place:
    """A resolved path: a descriptor of the last folder and the name in it, or of the thing itself (`name` is empty)."""

    fd: int
    name: bytes
    guest: bytes
    scratch: bool
    exists: bool

    @property
    def path(self) -> bytes:
        """As the host's kernel takes it."""
        return b"/proc/self/fd/%d" % self.fd + (b"/" + self.name if self.name else b"")


class Sandbox:
    """The tree of a process. `root` and `scratch` are folders of the host."""

    def __init__(self, process: Process, root: bytes, scratch: bytes, temporary: bool) -> None:
        self.p, self.first, self._temporary = process, os.getpid(), temporary
        self.scratch = os.path.realpath(scratch)
        self.root = os.path.realpath(root) if root else tempfile.mkdtemp(prefix="ppcdbt-empty-").encode()
        self.high = max(64, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16) - 32)
        self._root, self._scratch = self._kept(self.root), self._kept(self.scratch)
        if not root:  # without -L there is nothing to see
            os.rmdir(self.root)

    @property
    def call(self) -> str:
        """The call being made by the current thread."""
        return self.p.threads.current.call

    @property
    def _places(self) -> dict[bytes, Place]:
        """What its paths led to."""
        return self.p.threads.current.places

    def _kept(self, folder: bytes) -> int:
        fd = os.open(folder, O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return self._up(fd)
        finally:
            os.close(fd)

    def _up(self, fd: int) -> int:
        """A copy of a descriptor where the program's own do not get."""
        return _checked(native.host(NR["fcntl"], fd, F_DUPFD_CLOEXEC, self.high))

    def close(self) -> None:
        """The process ends: a temporary scratch folder goes with the first one."""
        if self._temporary and os.getpid() == self.first:
            shutil.rmtree(self.scratch, ignore_errors=True)

    # -- a call
    def enter(self, name: str) -> None:
        """Before a call. EPERM if the policy has none of it."""
        self.p.threads.current.call = name
        kind = POLICY.get(name)
        if kind is None:
            raise SyscallError(EPERM)
        first, second = self._argument(0), self._argument(1)
        if kind == "self" and not self._is_own(second if name == "getpriority" else first):
            raise SyscallError(EPERM)
        if name == "setpgid" and second and not self._is_own(second):
            raise SyscallError(EPERM)
        if kind == "own" and self._is_outside(first):
            raise SyscallError(EROFS)
        if name.startswith("utimensat") and not self.p.vcpu.gpr[4] & self.p.abi.mask and self._is_outside(first):
            raise SyscallError(EROFS)
        if name == "linkat" and self._argument(4):  # to follow a link, or to link what a descriptor leads to
            raise SyscallError(EINVAL)
        if name in DESCRIPTORS and max(first, second if name != "close" else 0) >= self.high:
            raise SyscallError(EBADF)  # ours
        if name in ("fcntl", "fcntl64") and second in REFUSED_FCNTL:
            raise SyscallError(EPERM)

    @property
    def opens(self) -> bool:
        """Whether the call opens a file."""
        return self.call in OPENS

    def _argument(self, n: int) -> int:
        value = int(self.p.vcpu.gpr[3 + n]) & 0xFFFF_FFFF
        return value - (value >> 31 << 32)

    def leave(self) -> None:
        """After a call: what its paths needed is closed."""
        for place in self._places.values():
            if place.fd not in (self._root, self._scratch):
                os.close(place.fd)
        self._places.clear()

    def _is_own(self, pid: int) -> bool:
        """Whether a process (a group, if negative; 0: the caller, or for kill its group) descends from the program's first."""
        if pid == 0:
            pid = os.getpgrp() if self.call == "kill" else self.first
        pid = abs(pid)
        if any(t.tid == pid for t in self.p.threads.all):
            return True
        while pid > 1 and pid != self.first:
            try:
                with open(f"/proc/{pid}/stat", "rb") as f:
                    pid = int(f.read().rpartition(b")")[2].split()[1])
            except OSError:
                return False
        return pid == self.first

    def _is_outside(self, fd: int) -> bool:
        """Whether a descriptor leads to a file that is not in the scratch folder."""
        try:
            target = os.readlink(b"/proc/self/fd/%d" % fd)
        except OSError:
            return False  # the call will say EBADF
        return target.startswith(b"/") and not target.startswith((self.scratch + b"/", b"/memfd:")) and target != self.scratch

    # -- names
    def guest_name(self, host: bytes) -> bytes | None:
        """The guest's name of a folder of the host; None if it has none."""
        for base, there in ((self.scratch, b"/" + SCRATCH), (self.root, b"")):
            if host == base or host.startswith(base + b"/"):
                return there + host[len(base) :] or b"/"
        return None

    def name_of(self, path: bytes) -> bytes:
        """The guest's name of what `resolve` gave."""
        return self._places[path].guest if path in self._places else path

    def _base(self, directory: int) -> bytes:
        where = os.getcwdb() if directory == AT_FDCWD else os.readlink(b"/proc/self/fd/%d" % directory)
        found = self.guest_name(where)
        if found is None:
            raise SyscallError(EACCES)
        return found

    def resolve(self, name: bytes, follow: bool, directory: int = AT_FDCWD) -> bytes:
        """A path of the guest as the host's kernel should get it. SyscallError if there is no such place."""
        call = self.call
        if not name and POLICY[call] == "look":
            return name  # AT_EMPTY_PATH: what a descriptor leads to
        if OPENS.get(call) and self._argument(OPENS[call]) & O_NOFOLLOW:
            follow = False
        place = self.place(name, follow, directory)
        if POLICY[call] == "change" and not place.scratch and call not in OPENS:
            raise SyscallError(EROFS)
        if call in ACCESSES and self._argument(ACCESSES[call]) & os.W_OK and not place.scratch and place.guest not in DEVICES:
            raise SyscallError(EROFS if place.exists else ENOENT)
        if follow and place.name and call not in OPENS:
            if not place.exists:
                raise SyscallError(ENOENT)
            place = self._opened(place)
        self._places[place.path] = place
        return place.path

    def _opened(self, place: Place) -> Place:
        fd = _open(place.fd, place.name, STEP)
        try:
            return Place(self._up(fd), b"", place.guest, place.scratch, True)
        finally:
            os.close(fd)
            if place.fd not in (self._root, self._scratch):
                os.close(place.fd)

    def again(self, path: bytes) -> bytes:
        """What `resolve` gave without following the last link, now following it."""
        place = self._places.get(path)
        return path if place is None or not place.name else self.resolve(place.guest, True)

    def place(self, name: bytes, follow: bool, directory: int) -> Place:
        """Walk a path. ENOENT, ENOTDIR, ELOOP."""
        if not name:
            raise SyscallError(ENOENT)
        if name in DEVICES:
            return self._device(name)
        if not name.startswith(b"/"):
            name = self._base(directory).rstrip(b"/") + b"/" + name
        must_be_folder = name.endswith((b"/", b"/.", b"/.."))
        parts = [x for x in name.split(b"/") if x not in (b"", b".")][::-1]  # the next one last
        stack: list[tuple[int, bytes]] = [(self._root, b"")]  # folders on the way, and their names
        links = 0
        try:
            while parts:
                part = parts.pop()
                if part == b"..":
                    if len(stack) > 1:
                        self._drop(stack.pop()[0])
                    continue
                if len(stack) == 1 and part == SCRATCH:
                    stack.append((self._scratch, part))
                    continue
                try:
                    fd = _open(stack[-1][0], part, STEP)
                except SyscallError as e:
                    if e.number == ENOENT and not parts and not (must_be_folder and follow):
                        return self._at(stack, part, False)
                    raise
                mode = os.fstat(fd).st_mode
                if stat.S_ISLNK(mode) and (parts or follow or must_be_folder):
                    target = os.readlink(b"", dir_fd=fd)
                    os.close(fd)
                    links += 1
                    if links > LINKS:
                        raise SyscallError(ELOOP)
                    if target.startswith(b"/"):
                        while len(stack) > 1:
                            self._drop(stack.pop()[0])
                    parts += [x for x in target.split(b"/") if x not in (b"", b".")][::-1]
                    continue
                if stat.S_ISDIR(mode):
                    stack.append((fd, part))
                    continue
                os.close(fd)
                if parts or must_be_folder:
                    raise SyscallError(ENOTDIR)
                return self._at(stack, part, True)
            fd, last = stack[-1]
            if len(stack) == 1 or fd == self._scratch:
                return Place(fd, b"", self._name(stack), fd == self._scratch, True)
            self._drop(stack.pop()[0])
            return self._at(stack, last, True)
        finally:
            for fd, _ in stack:
                self._drop(fd)

    def _at(self, stack: list[tuple[int, bytes]], name: bytes, exists: bool) -> Place:
        fd = stack[-1][0]
        kept = fd if fd in (self._root, self._scratch) else self._up(fd)
        return Place(kept, name, self._name([*stack, (0, name)]), any(f == self._scratch for f, _ in stack), exists)

    def _name(self, stack: list[tuple[int, bytes]]) -> bytes:
        return b"/".join(n for _, n in stack) or b"/"

    def _drop(self, fd: int) -> None:
        if fd not in (self._root, self._scratch):
            os.close(fd)

    def _device(self, name: bytes) -> Place:
        fd = os.open(name, STEP)
        try:
            return Place(self._up(fd), b"", name, False, True)
        finally:
            os.close(fd)

    def open(self, path: bytes, flags: int, mode: int) -> int:
        """Open what `resolve` gave; flags are the host's."""
        place = self._places.get(path)
        if place is None:
            return -ENOENT
        if place.guest in DEVICES:
            device = Buffer(path + b"\0")
            return native.wait(NR["openat"], AT_FDCWD, device.at, flags & ~os.O_CREAT & ~os.O_EXCL, 0)
        if flags & WRITING and not flags & O_PATH and not place.scratch:
            if flags & os.O_EXCL and flags & os.O_CREAT and place.exists:
                return -EEXIST
            return -EROFS if place.exists or flags & os.O_CREAT else -ENOENT
        if place.exists and not place.scratch:
            kind = os.stat(path, follow_symlinks=False).st_mode if place.name else stat.S_IFDIR
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind)):
                return -EACCES  # a device or pipe of the host
        name = Buffer((place.name or b".") + b"\0")
        return native.wait(NR["openat"], place.fd, name.at, flags | os.O_NOFOLLOW, mode)


def _open(folder: int, name: bytes, flags: int) -> int:
    data = Buffer(name + b"\0")
    return _checked(native.host(NR["openat"], folder, data.at, flags, 0))


def _checked(result: int) -> int:
    if result < 0:
        raise SyscallError(-result)
    return result
