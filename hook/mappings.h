/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mappings.h - what kinds of memory a process has: /proc/PID/maps, smaps and mountinfo.
 *
 * What is in a page that is not in memory depends on the kind: zeros, or a file's bytes, or nothing
 * that may be asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"

enum { MAPPINGS_MOUNTINFO_MAX = 4 * 1024 * 1024 }; /* bytes of mountinfo that are read */

enum mapping_kind {
    MAPPING_ANONYMOUS,     /* absent pages are zeros */
    MAPPING_SHARED_MEMORY, /* tmpfs, memfd, System V: others may have filled absent pages */
    MAPPING_FILE,          /* absent pages are in the file */
    MAPPING_REMOTE,        /* a file whose filesystem may never answer: FUSE, network, unknown */
    MAPPING_KERNEL,        /* vdso and the like: read through the kernel */
    MAPPING_UNREADABLE,    /* vvar, vsyscall: the kernel dumps zeros */
};

struct mapping {
    uint64_t start, end;
    uint64_t file_offset;
    uint8_t kind; /* enum mapping_kind */
    bool is_readable, is_executable;
    bool has_userfaults;    /* reading an absent page would wait for another process */
    uint8_t protection_key; /* pkeys(7); 0 none */
};

struct mappings {
    struct mapping *items; /* ascending */
    size_t count, capacity;
    bool lacks_mounts; /* files count as REMOTE only because no mountinfo has their filesystem */
};

/*
 * Reads the bytes of maps; mountinfo tells which files are on filesystems that may hang. Of mounts
 * that a user made in a namespace of his own (`of_user`), only what is on a disk or in memory is
 * believed to answer: an overlay may lie over anything. `ours`, our own mountinfo or NULL, has the
 * filesystems that it lacks: numbers of devices are the machine's. Replaces what is in `ret`,
 * unless it fails.
 */
int mappings_parse(const struct bytes *maps, const struct bytes *mountinfo, bool of_user,
                   const struct bytes *ours, struct mappings *ret);
void mappings_free(struct mappings *mappings);
#define AUTO_MAPPINGS CLEANUP(mappings_free)

/* What the files of a mount are, by its number in mountinfo. -ENOENT: it isn't there, being
 * detached or of other mounts. */
int mappings_kind_of_mount(const struct bytes *mountinfo, bool of_user, uint64_t mount,
                           enum mapping_kind *ret);

/*
 * Adds has_userfaults and protection_key from smaps, which costs the kernel a walk over all pages:
 * see mappings_need_details(). A mapping that smaps doesn't have stays as it was.
 */
int mappings_add_details(struct mappings *mappings, int smaps);

/* True where the details may matter: shared memory (userfaults), or a processor with protection
 * keys switched on. */
bool mappings_need_details(const struct mappings *mappings);

/* The first mapping that ends above `address`, or NULL. */
const struct mapping *mappings_above(const struct mappings *mappings, uint64_t address);

/* The mapping that holds `address`, or NULL. */
const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address);
