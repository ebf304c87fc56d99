/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout.h - where things lie in a store: paths, names, modes, ids and owners.
 *
 *   STORE/                  0751 inquest:inquest
 *     new/                  0700  ID.core.zst.part while the hook writes, then ID.core.zst
 *     crashes/<uid>/        0750  ID.core.zst  ID.report.json  ID.pin  index.db
 *     crashes/<uid>/modules/      ID.<build-id>: ELF files that came with a crash from elsewhere
 *     modules/<build-id>    0640  ELF files kept for later
 *     cache/                0750  copies in a quicker form, cache_files.h
 *     index.db              0640
 *
 * These names and modes are relied on from outside. See inquest-record(5).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"

#define LAYOUT_STORE                                                                               \
    LOCALSTATEDIR "/lib/inquest"            /* unless --store or INQUEST_STORE say otherwise */
#define LAYOUT_RUNTIME       "/run/inquest" /* locks, storm table, records while STORE is away */

#define LAYOUT_DEBUG         "/usr/lib/debug" /* of this system: where debug files are installed */

#define LAYOUT_NEW           "new"
#define LAYOUT_CRASHES       "crashes"
#define LAYOUT_MODULES       "modules"
#define LAYOUT_CACHE         "cache"
#define LAYOUT_INDEX         "index.db"
#define LAYOUT_INDEX_FILES   LAYOUT_INDEX, LAYOUT_INDEX "-wal", LAYOUT_INDEX "-shm" /* for a list */

#define LAYOUT_RECORD_SUFFIX ".core.zst"
#define LAYOUT_PART_SUFFIX   ".core.zst.part"
#define LAYOUT_REPORT_SUFFIX ".report.json"
#define LAYOUT_PIN_SUFFIX    ".pin"

enum {
    LAYOUT_STORE_MODE = 0751,
    LAYOUT_NEW_MODE = 0700,
    LAYOUT_CRASHES_MODE = 0751,   /* crashes/ itself: passable, not listable */
    LAYOUT_CRASH_DIR_MODE = 0750, /* crashes/<uid>/ */
    LAYOUT_MODULES_MODE = 0750,
    LAYOUT_CACHE_MODE = 0750,
    LAYOUT_FILE_MODE = 0640,
    LAYOUT_PRIVATE_MODE = 0600, /* records that root alone may read */

    LAYOUT_ID_SIZE = 48,   /* room for an id and its NUL */
    LAYOUT_NAME_SIZE = 64, /* room for an id with a suffix and its NUL */
    LAYOUT_PATH_SIZE = 96, /* room for a path below the store and its NUL */

    LAYOUT_DIRECTORIES = 5,
};

/* The directories of every store, itself first. */
struct layout_directory {
    const char *name;
    mode_t mode;
    bool is_late; /* made when something comes into it: may be missing */
};
extern const struct layout_directory layout_directories[LAYOUT_DIRECTORIES];

/*
 * Writes the id YYYYMMDD-HHMMSS-PID: UTC, the crash's time (microseconds since the epoch) and its
 * global pid. `attempt` 0 gives that name, 1 adds ".2", 2 adds ".3": the next one where a name is
 * taken. Times before 1970 or after 9999 are clamped.
 */
void layout_id_format(char ret[static LAYOUT_ID_SIZE], int64_t time_us, uint32_t pid,
                      unsigned attempt);

/* True where `id` has exactly that form. Only such names are ever used as files of a store. */
bool layout_id_is_valid(const char *id);

/* If `name` is a valid id followed by `suffix`, copies the id out and returns true. */
bool layout_id_from_name(const char *name, const char *suffix, char ret[static LAYOUT_ID_SIZE]);

/* "ID<suffix>" */
void layout_name(char ret[static LAYOUT_NAME_SIZE], const char *id, const char *suffix);

/* "crashes/<uid>" and "crashes/<uid>/ID<suffix>", relative to the store. */
void layout_crash_dir(char ret[static LAYOUT_PATH_SIZE], uid_t uid);
void layout_crash_path(char ret[static LAYOUT_PATH_SIZE], uid_t uid, const char *id,
                       const char *suffix);

/* "crashes/<uid>/modules/ID.", behind which a build-id names a file that came with that crash from
 * elsewhere. It is that crash's alone: a build-id is a claim. */
void layout_kept_modules(char ret[static LAYOUT_PATH_SIZE], uid_t uid, const char *id);

/* "new/ID<suffix>" */
void layout_new_path(char ret[static LAYOUT_PATH_SIZE], const char *id, const char *suffix);

/*
 * The directory a crash is kept in: that of `uid` where the victim was an ordinary process of that
 * user (`dumpable` is 1), else 0, which is root's alone.
 */
uid_t layout_owner(uid_t uid, unsigned dumpable);

/* The store to use: `option` if not NULL, else $INQUEST_STORE, else `configured`, else
 * LAYOUT_STORE. Points to one of them. */
const char *layout_store_path(const char *option, const char *configured);

/*
 * Makes what is missing of a store at `path`, its last component included, and gives new
 * directories to uid:gid (where the caller may) with the modes above. What is there already is
 * left as it is. A symbolic link or other non-directory in the way is an error.
 */
int layout_create(const char *path, uid_t uid, gid_t gid, struct error *error);

/* Opens the store's directory; where the caller may not list it, as an O_PATH descriptor to pass
 * through. Returns a descriptor or a negative errno. */
int layout_open(const char *path, struct error *error);

/* Looks up the system user the store belongs to by reading /etc/passwd directly (no NSS: it may be
 * the service that crashed). Returns 0 or -ENOENT. */
int layout_system_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
