/* Breaks the disk under a running program, for files below one folder, without privileges: loaded with LD_PRELOAD.
 *
 *   FAULTS_PATH      the folder
 *   FAULTS_CONTROL   a file that says what is broken now; empty or missing: nothing
 *                      full       no file can grow and none can be made (ENOSPC)
 *                      readonly   nothing can be opened for writing, written, made or removed (EROFS)
 *                      write      every write fails (EIO)
 *                      fsync      every fsync fails (EIO), and nothing else does
 *                      read       every read fails (EIO)
 *                      slow N     every fsync takes N seconds
 *
 * The control file is read again at each call, so that a test can break and mend at any moment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What is broken now, without calling anything that is replaced below. */
static void broken(char mode[64]) {
    const char *control = getenv("FAULTS_CONTROL");
    mode[0] = 0;
    if (!control) return;
    long fd = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    long got = syscall(SYS_read, fd, mode, 63);
    syscall(SYS_close, fd);
    mode[got > 0 ? got : 0] = 0;
    mode[strcspn(mode, "\n")] = 0;
}

static int below(const char *path) {
    const char *folder = getenv("FAULTS_PATH");
    size_t length = folder ? strlen(folder) : 0;
    return length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

/* Why a write up to `end` of this file fails now; 0: it does not. */
static int write_fault(int fd, off_t end) {
    char mode[64];
    struct stat found;
    int kept = errno, fault = 0;
    broken(mode);
    if (mode[0] && is_ours(fd)) {
        if (!strcmp(mode, "readonly")) fault = EROFS;
        else if (!strcmp(mode, "write")) fault = EIO;
        else if (!strcmp(mode, "full") && fstat(fd, &found) == 0 && end > found.st_size) fault = ENOSPC;
    }
    errno = kept;
    return fault;
}

static int read_fault(int fd) {
    char mode[64];
    int kept = errno, fault;
    broken(mode);
    fault = !strcmp(mode, "read") && is_ours(fd) ? EIO : 0;
    errno = kept;
    return fault;
}

static int sync_fault(int fd) {
    char mode[64];
    int kept = errno, fault = 0;
    broken(mode);
    if (mode[0] && is_ours(fd)) {
        if (!strcmp(mode, "fsync")) fault = EIO;
        if (!strcmp(mode, "readonly")) fault = EROFS;
        if (!strncmp(mode, "slow ", 5)) {
            struct timespec time = {.tv_sec = atoi(mode + 5)};
            nanosleep(&time, NULL);
        }
    }
    errno = kept;
    return fault;
}

/* Why a name cannot be made, opened for writing or removed now. */
static int name_fault(const char *path, int makes) {
    char mode[64];
    int kept = errno, fault = 0;
    broken(mode);
    if (mode[0] && path && below(path)) {
        if (!strcmp(mode, "readonly")) fault = EROFS;
        else if (!strcmp(mode, "full") && makes && access(path, F_OK) != 0) fault = ENOSPC;
    }
    errno = kept;
    return fault;
}

#define FAIL_IF(fault)              \
    do {                            \
        int why = (fault);          \
        if (why) {                  \
            errno = why;            \
            return -1;              \
        }                           \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    off_t at = lseek(fd, 0, SEEK_CUR);
    FAIL_IF(write_fault(fd, at < 0 ? 0 : at + (off_t)count));
    return REAL(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    FAIL_IF(write_fault(fd, at + (off_t)count));
    return REAL(pwrite)(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    FAIL_IF(write_fault(fd, at + (off_t)count));
    return REAL(pwrite64)(fd, bytes, count, at);
}

int ftruncate(int fd, off_t length) {
    FAIL_IF(write_fault(fd, length));
    return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    FAIL_IF(write_fault(fd, length));
    return REAL(ftruncate64)(fd, length);
}

ssize_t read(int fd, void *bytes, size_t count) {
    FAIL_IF(read_fault(fd));
    return REAL(read)(fd, bytes, count);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) {
    FAIL_IF(read_fault(fd));
    return REAL(pread)(fd, bytes, count, at);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
    FAIL_IF(read_fault(fd));
    return REAL(pread64)(fd, bytes, count, at);
}

int fsync(int fd) {
    FAIL_IF(sync_fault(fd));
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    FAIL_IF(sync_fault(fd));
    return REAL(fdatasync)(fd);
}

#define OPEN(name)                                                                              \
    int name(const char *path, int flags, ...) {                                                \
        va_list rest;                                                                           \
        va_start(rest, flags);                                                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                 \
        va_end(rest);                                                                           \
        if ((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT)                                 \
            FAIL_IF(name_fault(path, flags & O_CREAT));                                         \
        return REAL(name)(path, flags, mode);                                                   \
    }

OPEN(open)
OPEN(open64)

int unlink(const char *path) {
    FAIL_IF(name_fault(path, 0));
    return REAL(unlink)(path);
}
