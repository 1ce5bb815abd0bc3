// Extended attributes, inotify, scheduling, several messages at once.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void attributes(const char *path) {
    char text[64] = "";
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    int set = setxattr(path, "user.one", "first", 5, 0);
    if (set && errno == EOPNOTSUPP) { puts("no attributes here"); return; }
    printf("set %d %d\n", set, fsetxattr(fd, "user.two", "second", 6, XATTR_CREATE));
    printf("again %d", setxattr(path, "user.one", "x", 1, XATTR_CREATE));
    printf(" %d\n", errno == EEXIST);
    ssize_t n = getxattr(path, "user.two", text, sizeof text);
    printf("get %zd %.*s\n", n, (int)n, text);
    printf("remove %d %d", removexattr(path, "user.one"), fremovexattr(fd, "user.two"));
    printf(" %d\n", getxattr(path, "user.one", text, 64) < 0 && errno == ENODATA);
}

static void notices(const char *folder, const char *path) {
    char data[512] __attribute__((aligned(8)));
    int fd = inotify_init1(IN_NONBLOCK), watch = inotify_add_watch(fd, folder, IN_CREATE | IN_DELETE);
    printf("watch %d\n", watch);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    unlink(path);
    ssize_t n = read(fd, data, sizeof data);
    for (ssize_t at = 0; at < n;) {
        struct inotify_event *e = (void *)(data + at);
        printf("%d %x %s\n", e->wd, e->mask, e->name);
        at += sizeof *e + e->len;
    }
    printf("removed %d\n", inotify_rm_watch(fd, watch));
}

static void messages(void) {
    int pair[2];
    char text[2][8] = {"", ""};
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    struct iovec out[2] = {{"hello", 5}, {"you", 3}}, in[2] = {{text[0], 7}, {text[1], 7}};
    struct mmsghdr sent[2], got[2];
    memset(sent, 0, sizeof sent), memset(got, 0, sizeof got);
    for (int i = 0; i < 2; i++) {
        sent[i].msg_hdr.msg_iov = &out[i], sent[i].msg_hdr.msg_iovlen = 1;
        got[i].msg_hdr.msg_iov = &in[i], got[i].msg_hdr.msg_iovlen = 1;
    }
    int n = sendmmsg(pair[0], sent, 2, 0);
    printf("sent %d: %u %u\n", n, sent[0].msg_len, sent[1].msg_len);
    n = recvmmsg(pair[1], got, 2, 0, NULL);
    printf("got %d: %u %s, %u %s\n", n, got[0].msg_len, text[0], got[1].msg_len, text[1]);
}

int main(void) {
    char folder[] = "/tmp/more-XXXXXX", path[64];
    struct sched_param parameter = {.sched_priority = 0};
    setvbuf(stdout, NULL, _IONBF, 0);
    mkdtemp(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    attributes(path);
    unlink(path);
    notices(folder, path);
    rmdir(folder);
    messages();
    printf("sched %d %d", sched_getscheduler(0), sched_setscheduler(0, SCHED_OTHER, &parameter));
    printf(" %d %d\n", sched_getparam(0, &parameter), parameter.sched_priority);
    int before = getpriority(PRIO_PROCESS, 0), result = nice(1);
    printf("nice %d %d\n", result == before + 1, getpriority(PRIO_PROCESS, 0) == before + 1);
    return 0;
}
