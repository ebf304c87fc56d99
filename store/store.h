/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - an open store: its directory, its index, and the rights one has in it.
 *
 * What a caller sees depends on who he is:
 *
 *   whole      root, group inquest, the store's owner: STORE/index.db, and what new/ holds that
 *              nobody has adopted yet (for those who may read new/)
 *   own        anybody else: STORE/crashes/<uid>/index.db, which the keeper derives for him
 *   personal   the caller's own store, $XDG_DATA_HOME/inquest (~/.local/share/inquest), where
 *              imports go without root
 *
 * Each of them is a source; queries merge them, and every row knows its own. A store whose index
 * cannot be read is still a store: the index is rebuilt from the files by whoever may write.
 *
 * Whoever writes works as the owner of the store's directory: opened for writing with euid 0, the
 * process takes the directory's owner as its effective user and group, without further groups.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/bytes.h"
#include "store/base/error.h"
#include "store/crash_row.h"
#include "store/record.h"

struct index;
struct store;

enum store_rights {
    STORE_READ,
    STORE_WRITE,  /* adopt, pin, remove: the store's owner or root */
    STORE_CREATE, /* likewise, and makes what is missing of the store for the caller */
};

enum { STORE_SOURCES_MAX = 4 };

/*
 * Opens the store at `path` alone. -ENOENT: no store there; -EACCES, -EPERM: not with these rights
 * (the message tells to use sudo where that helps).
 */
int store_open(const char *path, enum store_rights rights, struct store **ret, struct error *error);

/*
 * Opens what the caller of a command sees: the store that layout_store_path(option, configured)
 * names, and the caller's personal store unless `option` or INQUEST_STORE name one or the caller is
 * root. With STORE_WRITE an ordinary caller may write to the personal store only, which need not
 * exist; STORE_CREATE makes it (or the named one). A system store that is not there is no error
 * while the personal one can be used.
 */
int store_open_view(const char *option, const char *configured, enum store_rights rights,
                    struct store **ret, struct error *error);

void store_free(struct store *store); /* also goes back to the caller's own user */

/* The path of the store that writes go to, or of the first source. For messages. */
const char *store_path(const struct store *store);
const char *store_source_path(const struct store *store, unsigned source);
bool store_sees_all(const struct store *store); /* everybody's crashes, not only the caller's */

/*
 * Between the store's owner and the caller's own rights (root's): does nothing where they are the
 * same. A store opened for writing is entered. Both are process-wide.
 */
int store_enter(struct store *store, struct error *error);
int store_leave(struct store *store, struct error *error);

/* The descriptor of a source's directory, borrowed; that of the writable source. */
int store_fd(const struct store *store, unsigned source);
int store_writable_fd(const struct store *store);
struct index *store_index(const struct store *store, unsigned source); /* NULL: unreadable */
struct index *store_writable_index(const struct store *store);
unsigned store_writable_source(const struct store *store); /* only where there is one */
unsigned store_source_count(const struct store *store);
bool store_source_is_unadopted(const struct store *store, unsigned source); /* new/'s records */
bool store_source_in_memory(const struct store *store, unsigned source);    /* had no index */
bool store_source_is_own_view(const struct store *store, unsigned source);  /* not the whole */
bool store_may_write(const struct store *store, const struct crash_row *row);

/*
 * The store's own lock, for a group of changes to files and index that belong together. It nests.
 * Shared among those who change single crashes, exclusive for whoever replaces the index. Taking it
 * opens the index anew where it was replaced, and makes it anew where it is lost or damaged: what
 * store_index() gave before can still be read until the store is closed, but is not to be changed.
 */
int store_lock(struct store *store, struct error *error);
void store_unlock(struct store *store);

/* The same, exclusive: nobody is in the middle of a change. -EAGAIN where somebody has been for
 * seconds. Doesn't nest in another lock; others nest in it. */
int store_lock_alone(struct store *store, struct error *error);

/*
 * A change of a crash's files and row. While it lasts, nobody else changes the index, nor files
 * with it, as retention and rm do; whoever adopts the crash has moved it, or seems to have died.
 * `ret_now` is the row as it is now: a rebuilt index has other numbers. -ESTALE where the crash was
 * removed, or another has got its name; -EPERM outside the writable source. store_end_change()
 * takes what came of it and returns that, or why the index could not be told; users' own indexes
 * hear of it, too.
 */
int store_begin_change(struct store *store, const struct crash_row *row, struct crash_row **ret_now,
                       struct error *error);
int store_end_change(struct store *store, int result, struct error *error);

/* Makes a new index from the files and puts it in the old one's place, which is set aside.
 * `progress` may be NULL. */
typedef int store_progress_function(void *context, uint64_t done);
int store_rebuild_index(struct store *store, store_progress_function *progress, void *context,
                        uint64_t *ret_crashes, struct error *error);

/* Brings the indexes of users up to date with what changed since the last time (view.h). */
int store_sync_views(struct store *store, struct error *error);

/* Finds out which of them are whole, so that their readers need not ask for each file (view.h). */
int store_look_at_views(struct store *store, struct error *error);

/* Looks again at what nobody has adopted, and whether another has made the index anew: queries do.
 * What store_index() gave before can be read on. */
int store_refresh(struct store *store, struct error *error);

/* True once after any source's index changed, or was made anew, since the last call. Cheap enough
 * to poll. */
bool store_changed(struct store *store);

/* ---- the files of one crash ---- */

/* A crash that is being adopted has its row before its place (adopt.h). Waits for the file of a
 * crash of the store that is written to, unless who was to move it seems to have died. */
void store_await_record(struct store *store, const struct crash_row *row);

/* Opens the record, read-only: in crashes/<owner>/, else in new/. Returns a descriptor, or
 * -ENOENT where the file is gone (state RECORD_MISSING), -EACCES. */
int store_open_record(const struct store *store, const struct crash_row *row, struct error *error);

/* The row's state, or RECORD_MISSING where its file is gone. */
enum record_state store_row_core(struct store *store, const struct crash_row *row);

/* The report's bytes, bounded (-EFBIG). -ENOENT while there is none. Parse as hostile. */
int store_read_report(const struct store *store, const struct crash_row *row, struct bytes *ret,
                      struct error *error);

/* A report that is on disk, with the record's access rights, and not in its place yet. It has no
 * name, so that nothing is left of it where we die; but for filesystems that know no such files. */
struct store_report {
    int fd; /* -1: none */
    char name[LAYOUT_NAME_SIZE + 32];
};
#define STORE_REPORT_NONE                                                                          \
    (struct store_report)                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

int store_write_report(struct store *store, const struct crash_row *row, const void *data,
                       size_t size, struct store_report *ret, struct error *error);

/* Puts it in its place, within a change of the crash: nobody else has this name meanwhile. */
int store_place_report(struct store *store, const struct crash_row *row,
                       const struct store_report *report, struct error *error);

/* What is not in its place is gone. */
void store_close_report(struct store *store, const struct crash_row *row,
                        struct store_report *report);

/* Keeps a copy of an ELF file, from the descriptor's position on, that came with a crash from
 * elsewhere, for this crash alone (layout_kept_modules()), with the record's own access rights.
 * `build_id` is in hex. */
int store_keep_module(struct store *store, const struct crash_row *row, const char *build_id,
                      int fd, struct error *error);

/* The record's path for messages and for programs that open it themselves. Returns 0 or -ENOMEM. */
int store_record_path(const struct store *store, const struct crash_row *row, char **ret);

/* Opens one of the files of an adopted crash; a negative errno, -ENOENT without one. */
int store_open_file(const struct store *store, const struct crash_row *row, const char *suffix,
                    int flags);

/* Opens crashes/<owner>/ of the row's source. A descriptor or a negative errno. */
int store_open_directory(const struct store *store, const struct crash_row *row);

/* Likewise, borrowed, and only to look for names in: it stays open for the next of the owner's.
 * `ret_whole`: no record that the index knows of is missing there. */
int store_directory(struct store *store, const struct crash_row *row, bool *ret_whole);

/* Removes record, report, pin and row, in this order; the disk forgets before the index does. 0
 * also where somebody else has removed it; 1: it is pinned by now, and left. -EPERM outside the
 * writable source. */
int store_remove(struct store *store, const struct crash_row *row, bool even_pinned,
                 struct error *error);

/* The files alone, of a crash of the writable source; the index is the caller's to tell. `ret_kept`
 * are the bytes of modules kept for this crash alone that went along (0 on failure: they stay
 * then); what is no file at the name of one is left. */
int store_remove_files(struct store *store, const struct crash_row *row, uint64_t *ret_kept,
                       struct error *error);

/* What that would be. */
uint64_t store_kept_bytes(const struct store *store, const struct crash_row *row);

CLEANUP_FUNCTION(struct store, store_free)
#define AUTO_STORE CLEANUP(store_free_cleanup)
