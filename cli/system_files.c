/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_files.c - the small files of a system that setup, unsetup and doctor read and write. */
#include "cli/system_files.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/io.h"

enum { FILE_MAX = 1024 * 1024 };

int system_path(char ret[static PATH_MAX], const char *root, const char *path)
{
    int n = snprintf(ret, PATH_MAX, "%s%s", root, path);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool system_exists(const char *root, const char *path)
{
    char full[PATH_MAX];
    struct stat st;
    return system_path(full, root, path) == 0 && lstat(full, &st) == 0;
}

int system_read(const char *root, const char *path, struct bytes *ret)
{
    char full[PATH_MAX];
    int r = system_path(full, root, path);
    if (r < 0)
        return r;
    AUTO_FD int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    return io_read_all(fd, FILE_MAX, ret);
}

int system_read_line(const char *root, const char *path, char *ret, size_t size)
{
    AUTO_BYTES struct bytes text = {0};
    int r = system_read(root, path, &text);
    if (r < 0)
        return r;
    size_t n = strcspn(text.data ?: "", "\n");
    snprintf(ret, size, "%.*s", (int)n, text.data ?: "");
    return 0;
}

/* mkdir -p of what lies before the last '/'. */
static int make_parents(const char *full)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s", full);
    for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

int system_make_parents(const char *root, const char *path)
{
    char full[PATH_MAX];
    int r = system_path(full, root, path);
    return r < 0 ? r : make_parents(full);
}

static int write_whole(const char *full, const char *text, mode_t mode)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", full) >= PATH_MAX)
        return -ENAMETOOLONG;

    AUTO_FD int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = io_write(fd, text, strlen(text));
    if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temporary, full) < 0))
        r = -errno;
    if (r < 0)
        (void)unlink(temporary); /* the first error is the one to tell */
    return r;
}

int system_write(const char *root, const char *path, const char *text, mode_t mode,
                 bool *ret_changed, struct error *error)
{
    AUTO_BYTES struct bytes now = {0};
    char full[PATH_MAX];

    if (system_read(root, path, &now) == 0 && strcmp(now.data ?: "", text) == 0) {
        *ret_changed = false;
        return 0;
    }
    int r = system_path(full, root, path);
    if (r == 0)
        r = make_parents(full);
    if (r == 0)
        r = write_whole(full, text, mode);
    if (r < 0)
        return error_errno(error, -r, "cannot write %s%s", root, path);
    *ret_changed = true;
    return 0;
}

int system_append(const char *root, const char *path, const char *text, struct error *error)
{
    AUTO_BYTES struct bytes added = {0};
    char full[PATH_MAX], last;

    int r = system_path(full, root, path);
    if (r < 0)
        return error_errno(error, -r, "%s", path);
    AUTO_FD int fd = open(full, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_errno(error, errno, "cannot open %s", full);
    off_t end = lseek(fd, 0, SEEK_END);
    bool open_line = end > 0 && io_pread(fd, &last, 1, (uint64_t)end - 1) == 1 && last != '\n';
    r = bytes_printf(&added, "%s%s", open_line ? "\n" : "", text);
    if (r == 0)
        r = io_write(fd, added.data, added.size);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, -r, "cannot write %s", full) : 0;
}

int system_link(const char *root, const char *path, const char *target, struct error *error)
{
    char full[PATH_MAX];
    struct stat st;

    int r = system_path(full, root, path);
    if (r == 0)
        r = make_parents(full);
    if (r == 0 && lstat(full, &st) == 0) {
        if (!S_ISLNK(st.st_mode))
            r = -EEXIST;
        else if (unlink(full) < 0)
            r = -errno;
    }
    if (r == 0 && symlink(target, full) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, -r, "cannot link %s%s", root, path) : 0;
}

int system_remove(const char *root, const char *path, struct error *error)
{
    char full[PATH_MAX];
    int r = system_path(full, root, path);
    if (r == 0 && unlink(full) < 0 && errno != ENOENT)
        r = -errno;
    return r < 0 ? error_errno(error, -r, "cannot remove %s%s", root, path) : 0;
}

static int find_program(const char *name, char ret[static PATH_MAX])
{
    static const char *const directories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        snprintf(ret, PATH_MAX, "%s/%s", directories[i], name);
        if (access(ret, X_OK) == 0)
            return 0;
    }
    return -ENOENT;
}

int system_run(const char *const argv[])
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
    char *const environment[] = {path, locale, NULL};
    char program[PATH_MAX];
    posix_spawn_file_actions_t files;
    int status;
    pid_t pid;

    int r = find_program(argv[0], program);
    if (r < 0)
        return r;
    if (posix_spawn_file_actions_init(&files) != 0)
        return -ENOMEM;
    r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    for (int fd = 1; fd <= 2 && r == 0; fd++)
        r = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn(&pid, program, &files, NULL, (char *const *)argv, environment);
    posix_spawn_file_actions_destroy(&files);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
