/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.h - the analyzer's side of the broker: the only way it comes by a file.
 *
 * Safe to use from several threads: one question is asked at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/analysis_protocol.h"
#include "store/base/cleanup.h"

struct files;

struct file_wanted {
    enum analysis_request_kind kind;
    bool is_main;
    const uint8_t *build_id;
    size_t build_id_size;
    const char *path;
    const char *name; /* in .gnu_debuglink or .gnu_debugaltlink; may be NULL */
};

/* `socket` -1: there is no broker, nothing is found. NULL without memory. */
struct files *files_new(int socket);
void files_free(struct files *files);

/*
 * The next candidate from number *attempt on: a descriptor, the caller's to close, or -ENOENT.
 * *attempt becomes the number to ask for next. `ret_path`, if not NULL, gets the path of what was
 * opened, the caller's to free.
 */
int files_find(struct files *files, const struct file_wanted *wanted, unsigned *attempt,
               char **ret_path);

/* The packages that own `count` paths: `ret_owners` gets strings to be freed, or NULLs. */
void files_owners(struct files *files, const char *const *paths, size_t count, char **ret_owners);

CLEANUP_FUNCTION(struct files, files_free)
#define AUTO_FILES CLEANUP(files_free_cleanup)
