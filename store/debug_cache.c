/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug_cache.c - this system's debug files with their sections decompressed. */
#include "store/debug_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/analysis.h"
#include "store/cache_files.h"
#include "store/layout.h"

enum {
    DEADLINE_US = 20 * 1000000,
    MADE_MOST = 4, /* a round: whoever crashes chooses, and each costs some 50 ms */
};

static bool is_wanted(const struct debug_cache_wanted *wanted, const char *id)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (strcmp(wanted->ids[i], id) == 0)
            return true;
    return false;
}

void debug_cache_note(struct debug_cache_wanted *wanted, const struct report *report)
{
    for (size_t i = 0; i < report->n_modules && wanted->count < DEBUG_CACHE_WANTED; i++) {
        const struct report_module *module = &report->modules[i];
        const char *id = module->build_id;
        size_t size = id ? strlen(id) : 0;
        if (module->symbols != REPORT_SYMBOLS_DWARF || size <= 2 || size >= DEBUG_CACHE_ID_SIZE ||
            strspn(id, "0123456789abcdef") != size || is_wanted(wanted, id))
            continue;
        memcpy(wanted->ids[wanted->count++], id, size + 1);
    }
}

void debug_cache_installed(char ret[static PATH_MAX], const char *id)
{
    snprintf(ret, PATH_MAX, LAYOUT_DEBUG "/.build-id/%.2s/%s.debug", id, id + 2);
}

/* An installed file that nobody but root can have written, or a negative errno. */
static int open_installed(const char *id, uint64_t limit)
{
    char path[PATH_MAX];
    struct stat st;
    debug_cache_installed(path, id);
    AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH) ||
        (uint64_t)st.st_size > limit)
        return -EPERM;
    return steal_fd(&fd);
}

static int inflate(struct store *store, int fd, uint64_t limit, struct bytes *ret,
                   struct error *error)
{
    struct analysis_options options = ANALYSIS_DEFAULTS;
    options.deadline_us = DEADLINE_US;
    options.max_report = limit;
    int r = store_leave(store, error);
    if (r < 0)
        return r;
    r = analysis_inflate(fd, &options, ret, error);
    int entered = store_enter(store, r < 0 ? NULL : error);
    return r < 0 ? r : entered;
}

static int make(int fd, const char *name, struct store *store, uint64_t limit, struct error *error)
{
    int storefd = store_writable_fd(store);
    AUTO_BYTES struct bytes image = {0};
    int r = inflate(store, fd, limit, &image, error);
    /* What failed or is too large is not tried with every crash. */
    if (r < 0 || cache_make_room(storefd, image.size, limit) < 0)
        bytes_clear(&image);
    const struct iovec part = {image.data, image.size};
    int written = cache_write(storefd, name, &part, 1);
    return r < 0         ? r == -EFBIG ? 0 : r
           : written < 0 ? error_errno(error, -written, "cannot write")
                         : 0;
}

int debug_cache_fill(const struct debug_cache_wanted *wanted, struct store *store, uint64_t limit,
                     struct error *error)
{
    int result = 0;
    unsigned made = 0;
    for (size_t i = 0; i < wanted->count && made < MADE_MOST; i++) {
        char name[DEBUG_CACHE_ID_SIZE + sizeof(CACHE_DEBUG_SUFFIX)];
        snprintf(name, sizeof name, "%s" CACHE_DEBUG_SUFFIX, wanted->ids[i]);
        AUTO_FD int there = cache_open(store_writable_fd(store), name);
        AUTO_FD int fd = there < 0 ? open_installed(wanted->ids[i], limit) : -1;
        if (fd < 0)
            continue; /* or its debug information was elsewhere */
        made++;
        int r = make(fd, name, store, limit, error);
        if (r < 0) {
            error_prefix(error, "%s", name);
            result = r;
        }
    }
    return result;
}
