/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump.c - `inquest dump`: gives a core back, to stdout or a file that is sparse where it is zero.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/crash.h"
#include "cli/json.h"
#include "cli/selection.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/core_compose.h"

struct dump_settings {
    struct selection_settings selection;
    const char *output;
};

static const struct option_spec dump_options[] = {
    OPTION_TEXT('o', "output", "FILE", struct dump_settings, output,
                "write to FILE, with holes where the core is zero"),
    SELECTION_OPTIONS(struct dump_settings, selection),
    SELECTION_ORDER_OPTIONS(struct dump_settings, selection),
    OPTIONS_END,
};

/* Where the core goes. */
struct sink {
    int fd;
    bool sparse; /* a regular file that we made: zeros need not be written */
    uint64_t size;
};

static int write_zeros(struct sink *sink, size_t size)
{
    static const char zeros[64 * 1024];

    while (size > 0) {
        size_t n = size < sizeof zeros ? size : sizeof zeros;
        int r = io_write(sink->fd, zeros, n);
        if (r < 0)
            return r;
        size -= n;
    }
    return 0;
}

/* Pages of zeros within content frames become holes, too. */
static int write_sparse(struct sink *sink, const char *data, size_t size)
{
    enum { BLOCK = 4096 };
    static const char zeros[BLOCK];

    while (size > 0) {
        size_t n = BLOCK - sink->size % BLOCK;
        if (n > size)
            n = size;
        if (memcmp(data, zeros, n) != 0) {
            int r = io_pwrite(sink->fd, data, n, sink->size);
            if (r < 0)
                return r;
        }
        sink->size += n;
        data += n;
        size -= n;
    }
    return 0;
}

static int write_content(void *context, const void *data, size_t size)
{
    struct sink *sink = context;

    if (sink->sparse && data)
        return write_sparse(sink, data, size);
    sink->size += size;
    if (sink->sparse)
        return 0;
    return data ? io_write(sink->fd, data, size) : write_zeros(sink, size);
}

/* Writes the core; a file gets its length even where it ends in a hole. */
static int write_core(struct record *record, struct sink *sink, const char *name, bool *ret_whole,
                      struct error *error)
{
    struct error inner = {0};

    int r = core_compose(record, write_content, sink, ret_whole, &inner);
    if (r == 0 && sink->sparse && ftruncate(sink->fd, (off_t)sink->size) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    if (inner.text[0])
        return error_set(error, -r, "%s", inner.text);
    return error_errno(error, -r, "cannot write the core to %s", name);
}

/* A new regular file may have holes; /dev/full or a pipe by a name of its own may not. */
static int open_sink(const char *path, struct sink *ret, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "cannot create %s", path);
    *ret = (struct sink){.sparse = S_ISREG(st.st_mode)};
    ret->fd = steal_fd(&fd);
    return 0;
}

static int dump_to_file(struct record *record, const char *path, bool *ret_whole,
                        struct error *error)
{
    struct sink sink;

    int r = open_sink(path, &sink, error);
    if (r < 0)
        return r;
    r = write_core(record, &sink, path, ret_whole, error);
    if (close(sink.fd) < 0 && r == 0)
        r = error_errno(error, errno, "cannot write the core to %s", path);
    if (r < 0 && sink.sparse)
        (void)unlink(path); /* half a core is none */
    return r;
}

static int dump(struct call *call, struct store *store, const struct crash_row *row,
                struct error *error)
{
    const struct dump_settings *settings = call->settings;
    AUTO_CRASH_RECORD struct crash_record file = CRASH_RECORD_NONE;
    bool whole = true;

    int r = crash_record_open(store, row, &file, error);
    if (r == -ENOENT)
        return error_set(error, ENODATA, "%s: its core is gone", row->id);
    if (r == 0 && settings->output)
        r = dump_to_file(file.record, settings->output, &whole, error);
    else if (r == 0)
        r = write_core(file.record, &(struct sink){.fd = STDOUT_FILENO}, "stdout", &whole, error);
    if (r < 0)
        return r;
    if (settings->output || !whole)
        command_note(call, "%s%s%s: %s core of %s", row->id, settings->output ? " to " : "",
                     settings->output ?: "", whole ? "the whole" : "what is kept of the",
                     crash_program(row) ?: "an unknown program");
    return whole ? EXIT_DONE : EXIT_PARTIAL;
}

static int run_dump(struct call *call, struct error *error)
{
    const struct dump_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    AUTO_CRASH_ROW struct crash_row *row = NULL;

    if (!settings->output && isatty(STDOUT_FILENO))
        return error_set(error, EINVAL, "a core is nothing for a terminal: use -o FILE or a pipe");
    int r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = selection_one(call, &settings->selection, store, &row, error);
    if (r < 0) {
        call->globals.json = JSON_OFF; /* stdout is the core's */
        return selection_end(call, r, error);
    }
    return dump(call, store, row, error);
}

const struct command command_dump = {
    .name = "dump",
    .group = COMMAND_LOOK,
    .summary = "write the core of a crash to stdout or a file",
    .usage = "[CRASH]",
    .description = "Without CRASH it is the latest. Of a core that was cut short, pruned or never\n"
                   "taken whole, what is kept is made a valid core, and the exit code is 3.\n",
    .options = dump_options,
    .settings_size = sizeof(struct dump_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_dump,
};
