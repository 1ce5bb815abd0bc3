// Files and directories: what is printed is the same on every machine.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

int main(int argc, char **argv) {
    char dir[] = "/tmp/ppcdbt-files-XXXXXX", buf[100], *names[20];
    if (!mkdtemp(dir) || chdir(dir)) return 1;
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0640);
    printf("write %zd\n", write(fd, "hello, file\n", 12));
    printf("lseek %lld\n", (long long)lseek(fd, 7, SEEK_SET));
    ssize_t n = read(fd, buf, sizeof buf);
    printf("read %zd %.*s", n, (int)n, buf);
    struct iovec v[2] = {{"one ", 4}, {"two\n", 4}};
    printf("writev %zd\n", writev(fd, v, 2));
    printf("pread %zd %.4s\n", pread(fd, buf, 4, 7), buf);
    struct stat st;
    fstat(fd, &st);
    printf("size %lld mode %o links %d blocks>0 %d dir %d\n", (long long)st.st_size, st.st_mode, (int)st.st_nlink, st.st_blocks > 0, S_ISDIR(st.st_mode));
    printf("symlink %d\n", symlink("a", "link"));
    n = readlink("link", buf, sizeof buf);
    printf("readlink %zd %.*s\n", n, (int)n, buf);
    lstat("link", &st);
    printf("lstat link %d size %lld\n", S_ISLNK(st.st_mode), (long long)st.st_size);
    printf("mkdir %d\n", mkdir("sub", 0755));
    printf("again %d %s\n", mkdir("sub", 0755), strerror(errno));
    printf("rename %d link %d\n", rename("a", "sub/b"), link("sub/b", "c"));
    printf("open missing %d %s\n", open("nothing", O_RDONLY), strerror(errno));
    printf("open directory %d %s\n", open("c", O_RDONLY | O_DIRECTORY), strerror(errno));
    printf("open link nofollow %d %s\n", open("link", O_RDONLY | O_NOFOLLOW), strerror(errno));
    printf("flags %x\n", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    printf("truncate %d\n", ftruncate(fd, 1LL << 33));
    fstat(fd, &st);
    printf("size %lld\n", (long long)st.st_size);
    printf("lseek64 %lld\n", (long long)lseek64(fd, -1, SEEK_END));
    struct timespec t[2] = {{1000000000, 5}, {1234567890, 123456789}};
    printf("utimens %d\n", futimens(fd, t));
    stat("c", &st);
    printf("times %ld %ld.%09ld\n", (long)st.st_atime, (long)st.st_mtime, st.st_mtim.tv_nsec);
    struct statx sx;
    printf("statx %d size %lld mtime %lld\n", statx(AT_FDCWD, "c", 0, STATX_ALL, &sx), (long long)sx.stx_size, (long long)sx.stx_mtime.tv_sec);
    printf("chmod %d access %d\n", chmod("c", 0444), access("c", R_OK));
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    printf("lock %d\n", fcntl(fd, F_SETLK, &fl));
    struct statfs fs;
    printf("statfs %d bsize>0 %d\n", statfs(".", &fs), fs.f_bsize > 0);
    DIR *d = opendir(".");
    int count = 0;
    for (struct dirent *e; (e = readdir(d));) names[count++] = strdup(e->d_name);
    qsort(names, count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) printf("entry %s\n", names[i]);
    closedir(d);
    int second = dup(fd), third = dup2(fd, 77);
    printf("dup %d %d\n", second > 0, third);
    printf("bad pointer %zd %s\n", write(1, (void *)16, 5), strerror(errno));
    printf("bad fd %d %s\n", close(1234), strerror(errno));
    unlink("c"), unlink("link"), unlink("sub/b"), rmdir("sub");
    printf("rmdir %d\n", rmdir(dir));
    char line[100];
    while (fgets(line, sizeof line, stdin)) printf("in: %s", line);
    fprintf(stderr, "to stderr\n");
    return argc;
}
