/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - one directory of crashes with the index that leads through it: the parts of a store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/index.h"

enum { SOURCE_DIRECTORIES = 16 };

struct source {
    char *path;
    int dirfd;
    struct index *index;
    struct index **replaced; /* those before it: whoever reads one may read on */
    size_t n_replaced;
    dev_t index_device; /* of the index's file, to see it replaced */
    ino_t index_inode;
    int64_t data_version; /* as it was when source_changed() looked */
    bool sees_all;        /* everybody's crashes */
    bool unadopted;       /* a source of new/'s records: an index in memory */
    bool in_memory;       /* made from the files, because there was no index to read */

    struct owner_directory { /* crashes/<owner>/, opened lately */
        uid_t owner;
        int fd;
        bool open;
        bool whole; /* see view_is_whole() */
    } directories[SOURCE_DIRECTORIES];
};

/* Opens the directory alone, to list it and write in it. */
int source_open_directory(struct source *ret, const char *path, struct error *error);

/*
 * Opens it with the index that the caller may read: the whole one, else his own. Where that is
 * missing, damaged, locked or not complete, one is made in memory from the files he may read.
 */
int source_open_read(struct source *ret, const char *path, struct error *error);
void source_close(struct source *source);

/* crashes/<owner>/, borrowed until the next call, for looking up names (O_PATH), and whether the
 * index knows that nothing is missing there. A negative errno. */
int source_owner_directory(struct source *source, uid_t owner, bool *ret_whole);
void source_forget_directories(struct source *source);

/* (Re)makes, behind the others, a source of what lies in new/ of each, where there is anything. */
int source_find_unadopted(struct source *sources, unsigned *n_sources, struct error *error);

/* Opens the index of a source that is only read anew where it was made anew since, or was missing.
 * True where there is another one. */
bool source_renew(struct source *source);

/* Puts the index away, which is replaced, until the source is closed. It has none then. */
int source_put_index_away(struct source *source, struct error *error);
int source_remember_index(struct source *source, struct error *error);
bool source_index_is_current(const struct source *source);
bool source_changed(struct source *source);
