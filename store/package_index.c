/* SPDX-License-Identifier: GPL-2.0-or-later */
/* package_index.c - which of dpkg's file lists may name a path. */
#include "store/package_index.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/cache_files.h"
#include "store/scan.h"

#define INDEX_NAME "packages"

enum {
    MAX_LIST = 64 << 20,  /* bytes of one of dpkg's lists */
    MAX_INDEX = 64 << 20, /* bytes of the index */
};

static const char magic[8] = "INQPKG1";

/* The directory as it was when the index was made. */
struct stamp {
    uint64_t device, inode;
    int64_t modified_s, modified_ns, changed_s, changed_ns;
};

/* The file: this, the entries by hash, the names of lists, each ended by NUL. In the host's own
 * byte order, for no other machine has these lists. */
struct head {
    char magic[sizeof(magic)];
    struct stamp stamp;
    uint32_t entry_count, names_size;
};

struct entry {
    uint32_t hash; /* of a path */
    uint32_t name; /* of its list: offset into the names */
};

/* FNV-1a. Who makes two paths have one hash gains a list that is read in vain. */
static uint32_t hash_path(const char *path, size_t size)
{
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)path[i]) * 0x01000193;
    return hash;
}

bool package_index_knows(const char *path, size_t size)
{
    static const char *const left_out[] = {"/usr/share/", "/usr/include/"};
    for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
        if (size >= strlen(left_out[i]) && memcmp(path, left_out[i], strlen(left_out[i])) == 0)
            return false;
    return true;
}

static int read_stamp(int lists, struct stamp *ret)
{
    struct stat st;
    if (fstat(lists, &st) < 0)
        return -errno;
    *ret = (struct stamp){
        .device = st.st_dev,
        .inode = st.st_ino,
        .modified_s = st.st_mtim.tv_sec,
        .modified_ns = st.st_mtim.tv_nsec,
        .changed_s = st.st_ctim.tv_sec,
        .changed_ns = st.st_ctim.tv_nsec,
    };
    return 0;
}

/* ---- asking ---- */

static const struct head *head_of(const struct package_index *index)
{
    return (const struct head *)(const void *)index->file.data; /* malloc() aligned it */
}

static const struct entry *entries_of(const struct package_index *index)
{
    return (const struct entry *)(const void *)(index->file.data + sizeof(struct head));
}

static bool is_sound(const struct bytes *file)
{
    struct head head;
    if (file->size < sizeof(head))
        return false;
    memcpy(&head, file->data, sizeof(head));
    return memcmp(head.magic, magic, sizeof(magic)) == 0 &&
           file->size ==
               sizeof(head) + (uint64_t)head.entry_count * sizeof(struct entry) + head.names_size &&
           (head.names_size == 0 || file->data[file->size - 1] == '\0');
}

int package_index_open(int storefd)
{
    return cache_open(storefd, INDEX_NAME);
}

int package_index_read(int fd, int lists, struct package_index *ret)
{
    struct package_index index = {0};
    struct stamp stamp;
    int r = read_stamp(lists, &stamp);
    if (r == 0)
        r = io_read_all(fd, MAX_INDEX, &index.file);
    if (r == 0 && !is_sound(&index.file))
        r = -EBADMSG;
    if (r == 0 && memcmp(&head_of(&index)->stamp, &stamp, sizeof(stamp)) != 0)
        r = -ESTALE;
    if (r == 0)
        *ret = index;
    else
        package_index_free(&index);
    return r;
}

void package_index_free(struct package_index *index)
{
    bytes_free(&index->file);
}

/* The number of the first entry whose hash is not less. */
static size_t find_hash(const struct entry *entries, size_t count, uint32_t hash)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *package_index_next(const struct package_index *index, const char *path, size_t size,
                               size_t *at)
{
    const struct head *head = head_of(index);
    const struct entry *entries = entries_of(index);
    uint32_t hash = hash_path(path, size);
    size_t i = find_hash(entries, head->entry_count, hash) + *at;
    if (i >= head->entry_count || entries[i].hash != hash || entries[i].name >= head->names_size)
        return NULL;
    ++*at;
    const char *name = (const char *)(entries + head->entry_count) + entries[i].name;
    return strchr(name, '/') ? NULL : name;
}

/* ---- making ---- */

struct making {
    int lists;
    struct bytes entries, names, list; /* list: the one that is being read */
};

static int add_paths(struct making *making, uint32_t name)
{
    const char *end = making->list.data + making->list.size;
    for (const char *line = making->list.data, *stop; line && line < end; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end;
        size_t size = (size_t)(stop - line);
        if (!package_index_knows(line, size))
            continue;
        const struct entry entry = {hash_path(line, size), name};
        int r = bytes_append(&making->entries, &entry, sizeof(entry));
        if (r < 0)
            return r;
    }
    return 0;
}

/* A list that cannot be read has nobody's files for who reads them all, too. */
static int add_list(void *context, const char *name)
{
    struct making *making = context;
    const char *dot = strrchr(name, '.');
    bytes_clear(&making->list);
    if (!dot || strcmp(dot, ".list") != 0 ||
        io_read_file(making->lists, name, MAX_LIST, &making->list) < 0)
        return 0;
    size_t at = making->names.size;
    if (at > MAX_INDEX || making->entries.size > MAX_INDEX)
        return -EFBIG;
    int r = bytes_append(&making->names, name, strlen(name) + 1);
    return r < 0 ? r : add_paths(making, (uint32_t)at);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1)
                              : (x->name > y->name) - (x->name < y->name);
}

static int collect(struct making *making)
{
    int r = scan_names(making->lists, ".", add_list, making);
    size_t count = making->entries.size / sizeof(struct entry);
    if (r == 0 && count > 0)
        qsort(making->entries.data, count, sizeof(struct entry), compare_entries);
    return r;
}

static int write_index(int storefd, const struct making *making, const struct stamp *stamp,
                       uint64_t limit)
{
    struct head head = {
        .stamp = *stamp,
        .entry_count = (uint32_t)(making->entries.size / sizeof(struct entry)),
        .names_size = (uint32_t)making->names.size,
    };
    const struct iovec parts[] = {
        {&head, sizeof(head)},
        {making->entries.data, making->entries.size},
        {making->names.data, making->names.size},
    };
    memcpy(head.magic, magic, sizeof(magic));
    int r =
        cache_make_room(storefd, sizeof(head) + making->entries.size + making->names.size, limit);
    if (r < 0)
        return r == -ENOSPC ? 0 : r;
    return cache_write(storefd, INDEX_NAME, parts, ARRAY_SIZE(parts));
}

static bool is_fresh(int storefd, int lists)
{
    AUTO_PACKAGE_INDEX struct package_index index = {0};
    AUTO_FD int fd = package_index_open(storefd);
    return fd >= 0 && package_index_read(fd, lists, &index) == 0;
}

int package_index_refresh(int storefd, int lists, uint64_t limit, struct error *error)
{
    struct making making = {.lists = lists};
    struct stamp stamp;
    if (is_fresh(storefd, lists))
        return 0;
    int r =
        read_stamp(lists, &stamp); /* before they are read: who changes them meanwhile is seen */
    if (r == 0)
        r = collect(&making);
    if (r == 0)
        r = write_index(storefd, &making, &stamp, limit);
    bytes_free(&making.entries);
    bytes_free(&making.names);
    bytes_free(&making.list);
    return r < 0 ? error_errno(error, -r, "cannot make it") : 0;
}
