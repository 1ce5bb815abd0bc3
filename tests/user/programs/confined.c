// What a sandbox lets through: each line is the call and its result; -errno for an error. Argument 1: a folder of the host with a file "secret".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) { printf("%s %ld\n", what, result < 0 ? -(long)errno : 0); }
#define SAY(call) say(#call, (long)(call))

int main(int argc, char **argv) {
    char path[4096], text[64] = "";
    struct stat st;
    int fd;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 2) {  // executed by ourselves, at the end
        SAY(open("/hello", O_RDONLY));
        SAY(open("/tmp/again", O_CREAT | O_WRONLY, 0600));
        SAY(open("/new", O_CREAT | O_WRONLY, 0600));
        SAY(unlink("/tmp/again"));
        return 5;
    }
    snprintf(path, sizeof path, "%s/secret", argv[1]);
    SAY(open(path, O_RDONLY));
    snprintf(path, sizeof path, "/../../../../../../../../../..%s/secret", argv[1]);
    SAY(open(path, O_RDONLY));
    SAY(open("../../../../../../../../etc/passwd", O_RDONLY));
    SAY(open("/etc/passwd", O_RDONLY));
    SAY(open("/proc/1/environ", O_RDONLY));
    SAY(open("/dev/mem", O_RDONLY));
    SAY(fd = open("/hello", O_RDONLY));
    printf("read %zd %.5s\n", read(fd, text, 63), text);
    SAY(fchmod(fd, 0777));
    SAY(futimens(fd, NULL));
    SAY(open("/hello", O_RDWR));
    SAY(open("/new", O_CREAT | O_WRONLY, 0600));
    SAY(unlink("/hello"));
    SAY(rename("/hello", "/tmp/hello"));
    SAY(link("/hello", "/tmp/hello"));
    SAY(linkat(fd, "", AT_FDCWD, "/tmp/hello", AT_EMPTY_PATH));
    SAY(chmod("/hello", 0777));
    SAY(truncate("/hello", 0));
    SAY(access("/hello", W_OK));
    SAY(access("/hello", R_OK));
    SAY(open("/outward", O_RDONLY));
    SAY(open("/inward", O_RDONLY));
    SAY(readlink("/inward", text, 63));
    SAY(open("/dev/null", O_RDWR));
    SAY(fd = open("/tmp/file", O_CREAT | O_EXCL | O_RDWR, 0600));
    SAY(write(fd, "data", 4));
    SAY(fchmod(fd, 0640));
    SAY(mkdir("/tmp/folder", 0700));
    SAY(symlink("/etc/passwd", "/tmp/folder/link"));
    SAY(open("/tmp/folder/link", O_RDONLY));
    SAY(open("/tmp/folder/link", O_CREAT | O_WRONLY, 0600));
    SAY(open("/tmp/folder/link", O_RDONLY | O_NOFOLLOW));
    SAY(lstat("/tmp/folder/link", &st));
    SAY(stat("/tmp/folder/link", &st));
    SAY(linkat(AT_FDCWD, "/tmp/folder/link", AT_FDCWD, "/tmp/passwd", AT_SYMLINK_FOLLOW));
    SAY(symlink("../../../../../../../..", "/tmp/up"));
    SAY(open("/tmp/up/hello", O_RDONLY));
    SAY(open("/tmp/up/etc/passwd", O_RDONLY));
    SAY(symlink("loop", "/tmp/loop"));
    SAY(open("/tmp/loop", O_RDONLY));
    SAY(chdir("/tmp/folder"));
    printf("cwd %s\n", getcwd(text, sizeof text));
    SAY(open("../file", O_RDONLY));
    SAY(open("../../hello", O_RDONLY));
    SAY(fd = open("..", O_RDONLY | O_DIRECTORY));
    SAY(fstatat(fd, "file", &st, 0));
    SAY(fstatat(fd, "../../../etc/passwd", &st, 0));
    SAY(unlinkat(fd, "file", 0));
    SAY(fchdir(fd));
    printf("cwd %s\n", getcwd(text, sizeof text));
    SAY(rmdir("folder"));
    SAY(socket(AF_INET, SOCK_STREAM, 0));
    SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
    SAY(kill(1, 0));
    SAY(kill(getppid(), 0));
    SAY(kill(getpid(), 0));
    SAY(mknod("/tmp/node", S_IFCHR | 0600, 0x103));
    SAY(chroot("/tmp"));
    SAY(execl("/bin/true", "true", NULL));
    int child = fork();
    if (!child) _exit(kill(getppid(), 0) ? 1 : 7);
    int status;
    SAY(waitpid(child, &status, 0));
    printf("child %d\n", WEXITSTATUS(status));
    int replaced = 0, closed = 0;
    for (int i = 64; i < 1 << 16; i++)
        if (fcntl(i, F_GETFD) >= 0) replaced += dup2(1, i) >= 0, closed += !close(i);
    printf("replaced %d closed %d\n", replaced, closed);
    SAY(syscall(436, 64, ~0u, 0));  // close_range
    SAY(open("/hello", O_RDONLY));
    execl("/confined", "confined", argv[1], "again", NULL);
    return 5;
}
