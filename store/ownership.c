/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ownership.c - asks the package managers' databases who owns a file. */
#include "store/ownership.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/package_index.h"

#define DPKG_LISTS "var/lib/dpkg/info"

enum {
    MAX_LIST = 64 << 20,   /* bytes of one file of a database */
    MAX_PACKAGES = 100000, /* files in a database's directory */
    MAX_INDEXED = 512,     /* lists that are read by the index: all of them cost little more */
    RPM_PATIENCE_MS = 10000,
    RPM_MAX_FILES = 64, /* a question to rpm costs a process */
};

/* dpkg knows a file of a merged /usr by the name it was packaged with. */
static const char *without_usr(const char *path)
{
    return strncmp(path, "/usr/", 5) == 0 ? path + 4 : path;
}

static bool same_file(const char *path, const char *line, size_t size)
{
    const char *bare = without_usr(path);
    return (strlen(path) == size && memcmp(path, line, size) == 0) ||
           (bare != path && strlen(bare) == size && memcmp(bare, line, size) == 0);
}

static struct ownership *find_wanted(struct ownership *files, size_t count, const char *line,
                                     size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].owner[0] == '\0' && same_file(files[i].path, line, size))
            return &files[i];
    return NULL;
}

/* Cheap to ask for each of some hundred thousand lines: is its last byte one of those wanted? The
 * ends of paths differ more than their beginnings. */
struct sieve {
    bool wanted[256][256];
};

static void sieve_fill(struct sieve *sieve, const struct ownership *files, size_t count)
{
    memset(sieve, 0, sizeof(*sieve));
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(files[i].path);
        if (size >= 2)
            sieve->wanted[(unsigned char)files[i].path[size - 2]]
                         [(unsigned char)files[i].path[size - 1]] = true;
    }
}

static bool sieve_passes(const struct sieve *sieve, const char *line, size_t size)
{
    return size >= 2 && sieve->wanted[(unsigned char)line[size - 2]][(unsigned char)line[size - 1]];
}

static const char *line_end(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    return newline ? newline : end;
}

static void set_owner(struct ownership *file, const char *name, size_t size)
{
    snprintf(file->owner, sizeof(file->owner), "%.*s", (int)size, name);
}

/* Every line of `list` that is a wanted path makes `name` its owner. */
static size_t match_lines(const struct bytes *list, const char *prefix, const char *name,
                          size_t name_size, const struct sieve *sieve, struct ownership *files,
                          size_t count)
{
    size_t found = 0;
    size_t prefix_size = strlen(prefix);
    const char *end = list->data + list->size;
    for (const char *line = list->data, *stop; line && line < end; line = stop + 1) {
        stop = line_end(line, end);
        size_t size = (size_t)(stop - line);
        if (!sieve_passes(sieve, line, size))
            continue;
        char path[4096];
        if (prefix_size + size >= sizeof(path))
            continue;
        memcpy(path, prefix, prefix_size);
        memcpy(path + prefix_size, line, size);
        struct ownership *file = find_wanted(files, count, path, prefix_size + size);
        if (file) {
            set_owner(file, name, name_size);
            found++;
        }
    }
    return found;
}

/* No link in a container's database leads out of the container. */
static int open_directory(int root, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    return io_openat2(root, path, &how);
}

/* "Package: name" … "Version: text" in paragraphs: puts the versions behind the names. */
static void add_dpkg_versions(int root, struct ownership *files, size_t count)
{
    AUTO_FD int directory = open_directory(root, "var/lib/dpkg");
    AUTO_BYTES struct bytes status = {0};
    if (directory < 0 || io_read_file(directory, "status", MAX_LIST, &status) < 0 || !status.data)
        return;
    static const char package[] = "Package: ", version[] = "Version: ";
    const char *name = NULL, *end = status.data + status.size;
    size_t name_size = 0;
    for (const char *line = status.data, *stop; line < end; line = stop + 1) {
        stop = line_end(line, end);
        size_t size = (size_t)(stop - line);
        if (size >= sizeof(package) - 1 && memcmp(line, package, sizeof(package) - 1) == 0) {
            name = line + sizeof(package) - 1;
            name_size = size - (sizeof(package) - 1);
        }
        if (!name || size < sizeof(version) - 1 || memcmp(line, version, sizeof(version) - 1) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (strlen(files[i].owner) == name_size &&
                memcmp(files[i].owner, name, name_size) == 0) {
                size_t room = sizeof(files[i].owner) - name_size;
                snprintf(files[i].owner + name_size, room, " %.*s",
                         (int)(size - (sizeof(version) - 1)), line + sizeof(version) - 1);
            }
    }
}

struct dpkg {
    int lists; /* /var/lib/dpkg/info/ */
    struct sieve sieve;
    struct bytes list; /* the one that is being read */
    unsigned indexed;  /* lists read so far because the index named them */
};

/* Whose owner "name.list" or "name:architecture.list" tells. */
static size_t match_dpkg_list(struct dpkg *dpkg, const char *name, struct ownership *files,
                              size_t count)
{
    const char *dot = strrchr(name, '.');
    bytes_clear(&dpkg->list);
    if (!dot || strcmp(dot, ".list") != 0 ||
        io_read_file(dpkg->lists, name, MAX_LIST, &dpkg->list) < 0)
        return 0;
    size_t size = strcspn(name, ":");
    if (size > (size_t)(dot - name))
        size = (size_t)(dot - name);
    return match_lines(&dpkg->list, "", name, size, &dpkg->sieve, files, count);
}

static void match_all_dpkg_lists(struct dpkg *dpkg, struct ownership *files, size_t count)
{
    AUTO_DIR DIR *directory = fdopendir(dup(dpkg->lists));
    size_t missing = count;
    unsigned packages = 0;
    if (!directory)
        return;
    for (struct dirent *entry; missing && packages < MAX_PACKAGES && (entry = readdir(directory));
         packages++)
        missing -= match_dpkg_list(dpkg, entry->d_name, files, count);
}

/* The lists that may name the file, of which the first that does is its owner. False where they
 * become too many: who chooses paths can choose ones whose hash is that of "/usr", in every list.
 */
static bool match_indexed(struct dpkg *dpkg, const struct package_index *index,
                          struct ownership *file)
{
    const char *paths[] = {file->path, without_usr(file->path)};
    for (size_t i = 0; i < ARRAY_SIZE(paths) && (i == 0 || paths[i] != paths[0]); i++) {
        size_t at = 0, size = strlen(paths[i]);
        for (const char *name; (name = package_index_next(index, paths[i], size, &at));) {
            if (++dpkg->indexed > MAX_INDEXED)
                return false;
            if (match_dpkg_list(dpkg, name, file, 1) > 0)
                return true;
        }
    }
    return true;
}

/* False where the keeper's index of these lists has no answer. */
static bool match_by_index(struct dpkg *dpkg, int index_fd, struct ownership *files, size_t count)
{
    AUTO_PACKAGE_INDEX struct package_index index = {0};
    for (size_t i = 0; i < count; i++)
        if (!package_index_knows(files[i].path, strlen(files[i].path)))
            return false;
    if (index_fd < 0 || package_index_read(index_fd, dpkg->lists, &index) < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!match_indexed(dpkg, &index, &files[i]))
            return false;
    return true;
}

static void ask_dpkg(int root, int index_fd, struct ownership *files, size_t count)
{
    AUTO_FD int lists = open_directory(root, DPKG_LISTS);
    AUTO_FREE struct dpkg *dpkg = lists >= 0 ? calloc(1, sizeof(*dpkg)) : NULL;
    if (!dpkg)
        return;
    dpkg->lists = lists;
    sieve_fill(&dpkg->sieve, files, count);
    if (!match_by_index(dpkg, index_fd, files, count))
        match_all_dpkg_lists(dpkg, files, count);
    bytes_free(&dpkg->list);
    add_dpkg_versions(root, files, count);
}

int ownership_open_index(int storefd)
{
    return package_index_open(storefd);
}

int ownership_refresh_index(int storefd, uint64_t limit, struct error *error)
{
    AUTO_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD int lists = root >= 0 ? open_directory(root, DPKG_LISTS) : -1;
    return lists >= 0 ? package_index_refresh(storefd, lists, limit, error) : 0;
}

/* pacman: local/NAME-VERSION-RELEASE/files, paths without their first slash. */
static void ask_pacman(int root, struct ownership *files, size_t count)
{
    AUTO_FD int fd = open_directory(root, "var/lib/pacman/local");
    AUTO_DIR DIR *directory = fd >= 0 ? fdopendir(dup(fd)) : NULL;
    if (!directory)
        return;
    AUTO_FREE struct sieve *sieve = malloc(sizeof(*sieve));
    if (!sieve)
        return;
    sieve_fill(sieve, files, count);
    AUTO_BYTES struct bytes list = {0};
    unsigned packages = 0;
    for (struct dirent *entry; packages < MAX_PACKAGES && (entry = readdir(directory));
         packages++) {
        AUTO_FD int package = open_directory(fd, entry->d_name);
        bytes_clear(&list);
        if (entry->d_name[0] == '.' || package < 0 ||
            io_read_file(package, "files", MAX_LIST, &list) < 0)
            continue;
        char name[NAME_MAX + 1];
        snprintf(name, sizeof(name), "%s", entry->d_name);
        for (unsigned dashes = 0, i = (unsigned)strlen(name); i-- > 0 && dashes < 2;)
            if (name[i] == '-' && ++dashes == 2)
                name[i] = ' ';
        match_lines(&list, "/", name, strlen(name), sieve, files, count);
    }
}

/* apk: one file of "K:value" lines; P package, V version, F directory, R file in it. */
static void ask_apk(int root, struct ownership *files, size_t count)
{
    AUTO_FD int directory = open_directory(root, "lib/apk/db");
    AUTO_BYTES struct bytes database = {0};
    if (directory < 0 || io_read_file(directory, "installed", MAX_LIST, &database) < 0 ||
        !database.data)
        return;
    char name[96] = "", version[64] = "", folder[2048] = "", path[4096], owner[OWNER_SIZE];
    const char *end = database.data + database.size;
    for (const char *line = database.data, *stop; line < end; line = stop + 1) {
        stop = line_end(line, end);
        if (stop - line < 2 || line[1] != ':')
            continue;
        int size = (int)(stop - line) - 2;
        if (line[0] == 'P')
            snprintf(name, sizeof(name), "%.*s", size, line + 2);
        else if (line[0] == 'V')
            snprintf(version, sizeof(version), "%.*s", size, line + 2);
        else if (line[0] == 'F')
            snprintf(folder, sizeof(folder), "%.*s", size, line + 2);
        else if (line[0] == 'R') {
            int n = snprintf(path, sizeof(path), "/%s/%.*s", folder, size, line + 2);
            struct ownership *file =
                n < (int)sizeof(path) ? find_wanted(files, count, path, (size_t)n) : NULL;
            snprintf(owner, sizeof(owner), "%s %s", name, version);
            if (file)
                set_owner(file, owner, strlen(owner));
        }
    }
}

/* Runs rpm for one path and reads its first line. */
static void ask_rpm_about(struct ownership *file)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(pipe_fds[1], 1) < 0 || dup2(nothing, 2) < 0)
            _exit(127);
        /* Without HOME it would take macros, which can run programs, from that of who logged in. */
        char *const environment[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LC_ALL=C"},
                                     (char[]){"HOME=/nonexistent"}, NULL};
        execle("/usr/bin/rpm", "rpm", "-qf", "--qf", "%{NAME} %{EVR}\n", "--", file->path,
               (char *)NULL, environment);
        _exit(127);
    }
    close(pipe_fds[1]);
    AUTO_FD int answer = pipe_fds[0];
    if (pid < 0)
        return;
    struct pollfd ready = {.fd = answer, .events = POLLIN};
    char text[OWNER_SIZE];
    ssize_t n = poll(&ready, 1, RPM_PATIENCE_MS) > 0 ? read(answer, text, sizeof(text) - 1) : 0;
    (void)kill(pid, SIGKILL); /* it has answered, or had its time */
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return;
    text[n] = '\0';
    if (!strstr(text, "not owned") && !strstr(text, "error:"))
        set_owner(file, text, strcspn(text, "\n"));
}

/* The program alone says nothing: other systems have it to build packages with. */
static bool has_rpm_database(void)
{
    static const char *const databases[] = {
        "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
        "/usr/lib/sysimage/rpm/Packages.db",  "/var/lib/rpm/Packages.db",
        "/usr/lib/sysimage/rpm/Packages",     "/var/lib/rpm/Packages",
    };
    for (size_t i = 0; i < ARRAY_SIZE(databases); i++)
        if (access(databases[i], F_OK) == 0)
            return true;
    return false;
}

static void ask_rpm(struct ownership *files, size_t count)
{
    size_t asked = 0;
    if (access("/usr/bin/rpm", X_OK) < 0 || !has_rpm_database())
        return;
    for (size_t i = 0; i < count && asked < RPM_MAX_FILES; i++)
        if (files[i].owner[0] == '\0') {
            ask_rpm_about(&files[i]);
            asked++;
        }
}

void ownership_find(int root, bool is_host, int index_fd, struct ownership *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        files[i].owner[0] = '\0';
    if (count == 0)
        return;
    /* A system may have several: each is asked for what none before it owns. */
    ask_dpkg(root, is_host ? index_fd : -1, files, count);
    ask_pacman(root, files, count);
    ask_apk(root, files, count);
    if (is_host)
        ask_rpm(files, count);
}
