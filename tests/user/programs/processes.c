// Processes, pipes, exec, time, poll, sockets.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <spawn.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    setvbuf(stdout, 0, _IOLBF, 0);
    if (argc > 1) {
        printf("executed: %s %s %s\n", argv[1], getenv("GIVEN") ? getenv("GIVEN") : "-", argv[argc - 1]);
        return argc;
    }
    int p[2], status;
    char buf[64] = {0};
    if (pipe(p)) return 1;
    pid_t child = fork();
    if (!child) {
        close(p[0]);
        dprintf(p[1], "from the child");
        exit(11);
    }
    close(p[1]);
    printf("pipe %zd %s\n", read(p[0], buf, sizeof buf), buf);
    printf("wait %d", waitpid(child, &status, 0) == child);
    printf(" exit %d\n", WEXITSTATUS(status));
    setenv("GIVEN", "value", 1);
    child = fork();
    if (!child) {
        execl("/proc/self/exe", "self", "with", "arguments", NULL);
        execl(argv[0], argv[0], "with", "arguments", NULL);
        _exit(99);
    }
    waitpid(child, &status, 0);
    printf("exec %d\n", WEXITSTATUS(status));
    char *args[] = {argv[0], "spawned", NULL};
    extern char **environ;
    printf("spawn %d\n", posix_spawn(&child, argv[0], 0, 0, args, environ));
    waitpid(child, &status, 0);
    printf("status %d\n", WEXITSTATUS(status));
    errno = 0;
    execl("/nonexistent", "x", NULL);
    printf("missing %s\n", strerror(errno));
    printf("system %d\n", WEXITSTATUS(system("exit 5")));
    FILE *f = popen("echo from a shell", "r");
    printf("popen %s", fgets(buf, sizeof buf, f));
    pclose(f);
    struct timespec a, b, nap = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    nanosleep(&nap, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    printf("slept %d\n", ms >= 20 && ms < 2000);
    struct timeval tv;
    gettimeofday(&tv, 0);
    printf("time %d\n", labs((long)(tv.tv_sec - time(0))) < 2);
    struct rusage ru;
    struct tms tms;
    printf("rusage %d times %d\n", getrusage(RUSAGE_SELF, &ru), times(&tms) != -1);
    struct pollfd fd = {p[0], POLLIN, 0};
    printf("poll %d %x\n", poll(&fd, 1, 1000), fd.revents);
    int s[2];
    printf("socketpair %d\n", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s[0], &set);
    tv.tv_sec = 0, tv.tv_usec = 1000;
    printf("select empty %d\n", select(s[0] + 1, &set, 0, 0, &tv));
    printf("send %zd\n", send(s[1], "socket", 6, 0));
    FD_ZERO(&set);
    FD_SET(s[0], &set);
    printf("select %d %d\n", select(s[0] + 1, &set, 0, 0, 0), FD_ISSET(s[0], &set) != 0);
    int e = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN, {.u64 = 0x123456789}}, out;
    epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev);
    printf("epoll %d", epoll_wait(e, &out, 1, 1000));
    printf(" %x %llx\n", out.events, (long long)out.data.u64);
    printf("recv %zd %.6s\n", recv(s[0], buf, sizeof buf, 0), buf);
    struct iovec io = {"msg", 3};
    char control[CMSG_SPACE(sizeof(int))];
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &p[0], sizeof(int));
    printf("sendmsg %zd\n", sendmsg(s[1], &m, 0));
    io.iov_base = buf, io.iov_len = sizeof buf;
    memset(control, 0, sizeof control);
    m.msg_controllen = sizeof control;
    printf("recvmsg %zd", recvmsg(s[0], &m, 0));
    c = CMSG_FIRSTHDR(&m);
    int passed = -1;
    if (c) memcpy(&passed, CMSG_DATA(c), sizeof(int));
    printf(" fd %d works %zd\n", passed > 2, read(passed, buf, 1));
    struct utsname u;
    uname(&u);
    printf("uname %s\n", u.sysname);
    struct rlimit rl;
    printf("rlimit %d\n", getrlimit(RLIMIT_NOFILE, &rl));
    unsigned char r[16] = {0};
    printf("getrandom %zd\n", getrandom(r, sizeof r, 0));
    struct sysinfo si;
    printf("sysinfo %d %d\n", sysinfo(&si), si.totalram > 0);
    printf("ids %d %d\n", getuid() == geteuid(), getppid() > 0);
    getcwd(buf, sizeof buf);
    printf("cwd %c tty %d %s\n", buf[0], isatty(p[0]), strerror(errno));
    return 3;
}
