/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker.c - finds the files an analyzer asks for and passes them to it, open. */
#include "store/broker.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/analysis_protocol.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"
#include "store/cache_files.h"
#include "store/debug_cache.h"
#include "store/debuginfod.h"
#include "store/layout.h"
#include "store/ownership.h"
#include "store/served.h"

enum {
    MAX_CANDIDATES = 96,
    MAX_OWNED = 1024,
    DELETED_SIZE = sizeof(" (deleted)") - 1,
};

/* One place where a file may be: `path` beneath the directory `root`, or a descriptor. */
struct candidate {
    int root;
    int fd; /* open already, -1: not */
    char *path;
};

struct broker {
    const struct analysis_options *options;
    int host;            /* "/" */
    int sysroot;         /* what the core's paths are looked up below; may be `host` */
    struct bytes served; /* of `host` (served.h) */
    struct candidate candidates[MAX_CANDIDATES];
    size_t count;
};

struct question {
    const struct analysis_request *request;
    const char *path, *name;
    char build_id[2 * ANALYSIS_BUILD_ID_MAX + 1]; /* hex; "" where there is none */
};

static void forget_candidates(struct broker *broker)
{
    for (size_t i = 0; i < broker->count; i++)
        free(broker->candidates[i].path);
    broker->count = 0;
}

static void add_fd(struct broker *broker, int fd, const char *path)
{
    if (broker->count < MAX_CANDIDATES)
        broker->candidates[broker->count++] =
            (struct candidate){.root = -1, .fd = fd, .path = strdup(path)};
}

/* Adds a path below `root`; a root that is not there (-1) has no candidates. */
static void __attribute__((format(printf, 3, 4)))
add(struct broker *broker, int root, const char *format, ...)
{
    if (root == -1 || broker->count == MAX_CANDIDATES)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *path = NULL;
    if (vasprintf(&path, format, arguments) >= 0)
        broker->candidates[broker->count++] =
            (struct candidate){.root = root, .fd = -1, .path = path};
    va_end(arguments);
}

/* The size of `path` without the mark that the kernel puts behind the names of unlinked files. */
static int bare_size(const char *path)
{
    size_t size = strlen(path);
    if (size > DELETED_SIZE && strcmp(path + size - DELETED_SIZE, " (deleted)") == 0)
        size -= DELETED_SIZE;
    return (int)size;
}

static int directory_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path) : 0;
}

/* `directory`/.build-id/xx/yyyy`suffix` below each root that may hold debug files. */
static void add_by_build_id(struct broker *broker, const struct question *question,
                            const char *directory, const char *suffix)
{
    const char *id = question->build_id;
    if (strlen(id) < 4)
        return;
    const int roots[] = {broker->options->root_fd, broker->sysroot, broker->host};
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
        if (i == 0 || roots[i] != roots[i - 1])
            add(broker, roots[i], "%s/.build-id/%.2s/%s%s", directory, id, id + 2, suffix);
}

static void add_debug_directories(struct broker *broker, const struct question *question,
                                  const char *suffix)
{
    const char *const *directories = broker->options->debug_dirs;
    for (size_t i = 0; directories && directories[i]; i++)
        add_by_build_id(broker, question, directories[i], suffix);
    add_by_build_id(broker, question, LAYOUT_DEBUG, suffix);
}

/* Files that debuginfod's client has fetched before, for the person who calls. */
static void add_debuginfod_cache(struct broker *broker, const struct question *question,
                                 const char *kind)
{
    const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
    const char *path = getenv("DEBUGINFOD_CACHE_PATH");
    if (question->build_id[0] == '\0' || geteuid() != getuid())
        return;
    if (path)
        add(broker, broker->host, "%s/%s/%s", path, question->build_id, kind);
    else if (cache)
        add(broker, broker->host, "%s/debuginfod_client/%s/%s", cache, question->build_id, kind);
    else if (home)
        add(broker, broker->host, "%s/.cache/debuginfod_client/%s/%s", home, question->build_id,
            kind);
}

static void list_module(struct broker *broker, const struct question *question)
{
    const struct analysis_options *options = broker->options;
    for (size_t i = 0; i < options->file_count; i++)
        if (strcmp(options->files[i].path, question->path) == 0)
            add_fd(broker, options->files[i].fd, question->path);
    if (options->exe && question->request->flags & REQUEST_FLAG_MAIN)
        add(broker, AT_FDCWD, "%s", options->exe);
    int size = bare_size(question->path);
    if (question->path[0] == '/') {
        add(broker, options->root_fd, "%.*s", size, question->path);
        add(broker, broker->sysroot, "%.*s", size, question->path);
    }
    if (question->build_id[0])
        add(broker, options->store_fd, LAYOUT_MODULES "/%s", question->build_id);
    if (question->build_id[0] && options->kept)
        add(broker, options->store_fd, "%s%s", options->kept, question->build_id);
    add_debug_directories(broker, question, "");
    add_debuginfod_cache(broker, question, "executable");
}

/* Where gdb looks for the name in .gnu_debuglink: beside the file, in .debug, in the debug tree. */
static void add_debug_link(struct broker *broker, const struct question *question, int root)
{
    int directory = directory_size(question->path);
    const char *path = question->path, *name = question->name;
    add(broker, root, "%.*s/%s", directory, path, name);
    add(broker, root, "%.*s/.debug/%s", directory, path, name);
    add(broker, root, LAYOUT_DEBUG "%.*s/%s", directory, path, name);
    const char *const *directories = broker->options->debug_dirs;
    for (size_t i = 0; directories && directories[i]; i++) {
        add(broker, broker->host, "%s%.*s/%s", directories[i], directory, path, name);
        add(broker, broker->host, "%s/%s", directories[i], name);
    }
}

/* What was decompressed is for those whom the installed file is for. */
static bool may_read_installed(const struct question *question)
{
    char path[PATH_MAX];
    debug_cache_installed(path, question->build_id);
    return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

static void list_debug(struct broker *broker, const struct question *question)
{
    if (strlen(question->build_id) > 2 && may_read_installed(question))
        add(broker, broker->options->store_fd, LAYOUT_CACHE "/%s" CACHE_DEBUG_SUFFIX,
            question->build_id);
    add_debug_directories(broker, question, ".debug");
    if (question->name[0] && !strchr(question->name, '/')) {
        add_debug_link(broker, question, broker->options->root_fd);
        add_debug_link(broker, question, broker->sysroot);
    }
    add_debuginfod_cache(broker, question, "debuginfo");
}

static void list_alternate(struct broker *broker, const struct question *question)
{
    add_debug_directories(broker, question, ".debug");
    const int roots[] = {broker->options->root_fd, broker->sysroot, broker->host};
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        if (question->name[0] == '/')
            add(broker, roots[i], "%s", question->name);
        else if (question->name[0])
            add(broker, roots[i], "%.*s/%s", directory_size(question->path), question->path,
                question->name);
    }
    add_debuginfod_cache(broker, question, "debuginfo");
}

/* Reading the file's first bytes tells an ELF file; a core is somebody's memory and never sent. */
static bool is_elf_but_no_core(int fd)
{
    unsigned char head[EI_NIDENT + 2];
    if (io_pread(fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0)
        return false;
    unsigned type = head[EI_DATA] == ELFDATA2MSB ? head[EI_NIDENT + 1] : head[EI_NIDENT];
    return type == ET_EXEC || type == ET_DYN || type == ET_REL;
}

static int open_beneath(int root, const char *path)
{
    if (root == AT_FDCWD)
        return open(path, O_PATH | O_CLOEXEC);
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    return io_openat2(root, path, &how);
}

/* Root's broker, whose effective user is the crash's reader, has a right that it may use for the
 * store's own copies: switches that on or off. Others' brokers have none. */
static void use_right(const struct broker *broker, bool use)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (broker->options->reader_uid < 0 || geteuid() == getuid())
        return;
    data[0].permitted = 1u << CAP_DAC_READ_SEARCH;
    data[0].effective = use ? data[0].permitted : 0;
    if (syscall(SYS_capset, &header, data) < 0 && !use)
        _exit(1);
}

/* Looks at the inode before it opens it: opening a FIFO waits, opening a device may do anything. */
static int open_file(const struct candidate *candidate)
{
    if (candidate->fd >= 0)
        return is_elf_but_no_core(candidate->fd) ? fcntl(candidate->fd, F_DUPFD_CLOEXEC, 3)
                                                 : -ENOEXEC;
    if (!candidate->path)
        return -ENOMEM;
    AUTO_FD int place = open_beneath(candidate->root, candidate->path);
    struct stat status;
    if (place < 0 || fstat(place, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
    AUTO_FD int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    return is_elf_but_no_core(fd) ? steal_fd(&fd) : -ENOEXEC;
}

static int open_candidate(const struct broker *broker, const struct candidate *candidate)
{
    if (candidate->root == broker->host && candidate->path &&
        served_has(&broker->served, candidate->path))
        return -EREMOTE;
    bool is_stores = candidate->root >= 0 && candidate->root == broker->options->store_fd;
    if (is_stores)
        use_right(broker, true);
    int fd = open_file(candidate);
    if (is_stores)
        use_right(broker, false);
    return fd;
}

/* Where it cannot be sent, the analyzer is not left waiting: the end of the socket is an answer,
 * too. */
static void send_reply(int socket, struct analysis_reply *reply, size_t text_size, int fd)
{
    struct iovec data = {.iov_base = reply, .iov_len = sizeof(*reply) + text_size};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *attached = CMSG_FIRSTHDR(&message);
        *attached = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(attached), &fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        (void)shutdown(socket, SHUT_RDWR);
}

/* Where to ask for what isn't here: "" for nowhere. */
static int list_servers(const struct analysis_options *options, struct bytes *ret)
{
    const char *variable = getenv("DEBUGINFOD_URLS");
    const char *const *urls = options->debuginfod;
    int r = bytes_append_text(ret, "");
    if ((!urls || !*urls) && variable)
        return bytes_append_text(ret, variable);
    for (; r == 0 && urls && *urls; urls++)
        r = bytes_printf(ret, "%s ", *urls);
    return r;
}

/* Negative where nobody is asked, or nobody has it. */
static int fetch(const struct broker *broker, const struct question *question)
{
    AUTO_BYTES struct bytes servers = {0};
    if (!question->build_id[0] || list_servers(broker->options, &servers) < 0 || servers.size == 0)
        return -ENOENT;
    /* Its cache is the real user's. Of two ids of one's own, either may be had at any time. */
    uid_t reader = geteuid();
    if (seteuid(getuid()) < 0)
        return -EPERM;
    int fd = debuginfod_fetch(servers.data, question->build_id,
                              question->request->kind == REQUEST_MODULE);
    if (seteuid(reader) < 0)
        _exit(1);
    if (fd >= 0 && !is_elf_but_no_core(fd)) {
        close(fd);
        return -ENOEXEC;
    }
    return fd;
}

static void answer_file(struct broker *broker, int socket, const struct question *question,
                        struct analysis_reply *reply)
{
    static void (*const listers[])(struct broker *, const struct question *) = {
        [REQUEST_MODULE] = list_module,
        [REQUEST_DEBUG] = list_debug,
        [REQUEST_ALTERNATE] = list_alternate,
    };
    listers[question->request->kind](broker, question);
    AUTO_FD int fd = -1;
    size_t i = question->request->attempt, text_size = 0;
    for (; i < broker->count; i++) {
        int opened = open_candidate(broker, &broker->candidates[i]);
        if (opened >= 0) {
            fd = opened;
            break;
        }
    }
    if (fd < 0 && i == broker->count) /* the last candidate of all */
        fd = fetch(broker, question);
    *reply = (struct analysis_reply){.result = fd >= 0 ? 0 : -ENOENT, .attempt = (uint32_t)i};
    if (i < broker->count && broker->candidates[i].path) {
        text_size = strnlen(broker->candidates[i].path, ANALYSIS_TEXT_MAX - 1) + 1;
        memcpy(reply->text, broker->candidates[i].path, text_size - 1);
        reply->text[text_size - 1] = '\0';
    }
    send_reply(socket, reply, text_size, fd);
    forget_candidates(broker);
}

static void answer_owners(struct broker *broker, int socket, const char *text, size_t size,
                          struct analysis_reply *reply)
{
    static struct ownership files[MAX_OWNED];
    size_t count = 0;
    for (size_t i = 0; i < size && count < MAX_OWNED; i += strlen(text + i) + 1)
        files[count++].path = text + i;
    const struct analysis_options *options = broker->options;
    bool inside = options->root_fd >= 0;
    if (options->packages) {
        use_right(broker, true);
        AUTO_FD int index = options->store_fd >= 0 ? ownership_open_index(options->store_fd) : -1;
        use_right(broker, false);
        ownership_find(inside ? options->root_fd : broker->sysroot,
                       !inside && broker->sysroot == broker->host, index, files, count);
    }
    *reply = (struct analysis_reply){.result = 0};
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const char *owner = options->packages ? files[i].owner : "";
        size_t length = strlen(owner) + 1;
        if (used + length > ANALYSIS_TEXT_MAX)
            break;
        memcpy(reply->text + used, owner, length);
        used += length;
    }
    send_reply(socket, reply, used, -1);
}

static void format_build_id(struct question *question)
{
    uint32_t size = question->request->build_id_size;
    if (size > ANALYSIS_BUILD_ID_MAX)
        size = 0;
    text_hex(question->request->build_id, size, question->build_id);
}

static void answer(struct broker *broker, int socket, const struct analysis_request *request,
                   size_t text_size, struct analysis_reply *reply)
{
    if (request->kind == REQUEST_OWNERS) {
        answer_owners(broker, socket, request->text, text_size, reply);
        return;
    }
    struct question question = {.request = request, .path = request->text};
    size_t path_size = strlen(request->text);
    question.name = path_size + 1 < text_size ? request->text + path_size + 1 : "";
    format_build_id(&question);
    answer_file(broker, socket, &question, reply);
}

void broker_serve(int socket, const struct analysis_options *options)
{
    struct broker broker = {.options = options};
    broker.host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    broker.sysroot =
        options->sysroot ? open(options->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC) : broker.host;
    served_load(&broker.served);
    /* One byte behind the text ends it whatever the sender wrote. */
    AUTO_FREE struct analysis_request *request =
        calloc(1, sizeof(*request) + ANALYSIS_TEXT_MAX + 1);
    AUTO_FREE struct analysis_reply *reply = calloc(1, sizeof(*reply) + ANALYSIS_TEXT_MAX);
    while (request && reply) {
        ssize_t n = recv(socket, request, sizeof(*request) + ANALYSIS_TEXT_MAX, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)sizeof(*request) || request->kind > REQUEST_OWNERS)
            break;
        ((char *)request)[n] = '\0';
        answer(&broker, socket, request, (size_t)n - sizeof(*request), reply);
    }
    bytes_free(&broker.served);
}
