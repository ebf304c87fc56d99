/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mappings.c - what kinds of memory a process has. */
#include "hook/mappings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined __x86_64__ || defined __i386__
#include <cpuid.h>
#endif

enum { FILESYSTEMS_MAX = 4096, LINE_MAX_SIZE = 8192, READ_SIZE = 64 * 1024 };

/* Filesystems whose pages may never come: a server answers, here or elsewhere, or doesn't. */
static const char *const remote_types[] = {
    "fuse", "fuseblk",  "nfs",    "nfs4",   "cifs",     "smb3",   "smbfs",
    "ceph", "9p",       "afs",    "coda",   "virtiofs", "lustre", "ocfs2",
    "gfs2", "orangefs", "beegfs", "vboxsf", "vmhgfs",   "ncpfs",
};

static const char *const memory_types[] = {"tmpfs", "devtmpfs", "hugetlbfs", "ramfs"};

/* What no user can mount over a filesystem of his own: the kernel lets root alone mount these. */
static const char *const disk_types[] = {"ext2",     "ext3",  "ext4",    "xfs",   "btrfs", "f2fs",
                                         "bcachefs", "zfs",   "jfs",     "exfat", "vfat",  "ntfs3",
                                         "squashfs", "erofs", "iso9660", "udf",   "nilfs2"};

struct filesystem {
    uint64_t device; /* major << 32 | minor */
    uint8_t kind;    /* enum mapping_kind of its files */
};

struct filesystems {
    struct filesystem items[FILESYSTEMS_MAX];
    size_t count;
};

/* A process in a plain chroot sees no mount but those within: what it runs from lies on one of
 * ours. */
struct mounts {
    struct filesystems its, ours;
};

static bool is_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static enum mapping_kind kind_of_filesystem(const char *type, bool of_user)
{
    if (is_among(type, remote_types, ARRAY_SIZE(remote_types)) || strncmp(type, "fuse.", 5) == 0)
        return MAPPING_REMOTE;
    if (is_among(type, memory_types, ARRAY_SIZE(memory_types)))
        return MAPPING_SHARED_MEMORY;
    if (of_user && !is_among(type, disk_types, ARRAY_SIZE(disk_types)))
        return MAPPING_REMOTE;
    return MAPPING_FILE;
}

/* Copies the line at *at and moves behind it; what is too long is cut. False at the end. */
static bool next_line(const struct bytes *text, size_t *at, char line[static LINE_MAX_SIZE])
{
    if (*at >= text->size)
        return false;
    const char *start = text->data + *at;
    const char *newline = memchr(start, '\n', text->size - *at);
    size_t length = newline ? (size_t)(newline - start) : text->size - *at;
    *at += length + (newline ? 1 : 0);
    if (length >= LINE_MAX_SIZE)
        length = LINE_MAX_SIZE - 1;
    memcpy(line, start, length);
    line[length] = '\0';
    return true;
}

/* proc_pid_mountinfo(5): ID parent MAJ:MIN root mountpoint options [fields] - type source options
 */
static void parse_mountinfo(const struct bytes *mountinfo, bool of_user, struct filesystems *ret)
{
    char line[LINE_MAX_SIZE], type[64];

    for (size_t at = 0; next_line(mountinfo, &at, line) && ret->count < FILESYSTEMS_MAX;) {
        unsigned major, minor;
        const char *tail = strstr(line, " - ");
        if (!tail || sscanf(line, "%*u %*u %u:%u", &major, &minor) != 2 ||
            sscanf(tail, " - %63s", type) != 1)
            continue;
        ret->items[ret->count++] = (struct filesystem){(uint64_t)major << 32 | minor,
                                                       (uint8_t)kind_of_filesystem(type, of_user)};
    }
}

int mappings_kind_of_mount(const struct bytes *mountinfo, bool of_user, uint64_t mount,
                           enum mapping_kind *ret)
{
    char line[LINE_MAX_SIZE], type[64];

    for (size_t at = 0; next_line(mountinfo, &at, line);) {
        uint64_t number;
        const char *tail = strstr(line, " - ");
        if (tail && sscanf(line, "%" SCNu64 " ", &number) == 1 && number == mount &&
            sscanf(tail, " - %63s", type) == 1) {
            *ret = kind_of_filesystem(type, of_user);
            return 0;
        }
    }
    return -ENOENT;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool find_device(const struct filesystems *filesystems, uint64_t device,
                        enum mapping_kind *ret)
{
    for (size_t i = 0; i < filesystems->count; i++)
        if (filesystems->items[i].device == device) {
            *ret = filesystems->items[i].kind;
            return true;
        }
    return false;
}

/* `ret_lacks` becomes true where another mountinfo might know better. */
static enum mapping_kind kind_of_file(const struct mounts *mounts, uint64_t device,
                                      const char *path, bool *ret_lacks)
{
    /* Mounts that the kernel keeps for itself are in no mountinfo. */
    static const char *const memory_paths[] = {"/memfd:",        "/SYSV",  "/dev/zero",
                                               "/anon_hugepage", "/[aio]", "anon_inode:"};
    enum mapping_kind kind;

    if (find_device(&mounts->its, device, &kind))
        return kind;
    for (size_t i = 0; i < ARRAY_SIZE(memory_paths); i++)
        if (starts_with(path, memory_paths[i]))
            return MAPPING_SHARED_MEMORY;
    if (find_device(&mounts->ours, device, &kind))
        return kind;
    /* Unmounted, or of another mount namespace: filesystems on disks have a major number. */
    if (device >> 32 != 0)
        return MAPPING_FILE;
    *ret_lacks = true;
    return MAPPING_REMOTE;
}

static enum mapping_kind kind_of_name(const char *name)
{
    static const struct {
        const char *start;
        enum mapping_kind kind;
    } names[] = {
        {"[heap]", MAPPING_ANONYMOUS}, {"[stack", MAPPING_ANONYMOUS},
        {"[anon:", MAPPING_ANONYMOUS}, {"[anon_shmem:", MAPPING_SHARED_MEMORY},
        {"[vvar", MAPPING_UNREADABLE}, {"[vsyscall]", MAPPING_UNREADABLE},
        {"[vectors]", MAPPING_KERNEL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (starts_with(name, names[i].start))
            return names[i].kind;
    return name[0] == '[' ? MAPPING_KERNEL : MAPPING_ANONYMOUS;
}

/* A private mapping of /dev/zero or of huge pages without a file is plain anonymous memory. */
static bool is_private_zeros(const char *path, const char *permissions)
{
    return permissions[3] == 'p' &&
           (strcmp(path, "/dev/zero") == 0 || starts_with(path, "/anon_hugepage"));
}

/* proc_pid_maps(5): start-end perms offset MAJ:MIN inode path. smaps has the same lines. */
static bool parse_line(const char *line, const struct mounts *mounts, struct mapping *ret,
                       bool *ret_lacks)
{
    unsigned long long start, end, offset, inode;
    unsigned major, minor;
    char permissions[5];
    int used = 0;

    if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu%n", &start, &end, permissions, &offset, &major,
               &minor, &inode, &used) != 7 ||
        start >= end || strlen(permissions) != 4)
        return false;
    const char *path = line + used + strspn(line + used, " ");

    *ret = (struct mapping){.start = start, .end = end, .file_offset = offset};
    ret->is_readable = permissions[0] == 'r';
    ret->is_executable = permissions[2] == 'x';
    if ((inode == 0 && path[0] != '/') || is_private_zeros(path, permissions))
        ret->kind = (uint8_t)(inode == 0 ? kind_of_name(path) : MAPPING_ANONYMOUS);
    else if (mounts && path[0] == '[')
        ret->kind = (uint8_t)kind_of_name(path);
    else if (mounts)
        ret->kind = (uint8_t)kind_of_file(mounts, (uint64_t)major << 32 | minor, path, ret_lacks);
    return true;
}

static int add_mapping(struct mappings *mappings, const struct mapping *mapping)
{
    if (mappings->count == mappings->capacity) {
        size_t capacity = mappings->capacity > 0 ? mappings->capacity * 2 : 256;
        void *items = reallocarray(mappings->items, capacity, sizeof *mappings->items);
        if (!items)
            return -ENOMEM;
        mappings->items = items;
        mappings->capacity = capacity;
    }
    mappings->items[mappings->count++] = *mapping;
    return 0;
}

static int parse_maps(const struct bytes *maps, const struct mounts *mounts, struct mappings *ret)
{
    char line[LINE_MAX_SIZE];
    struct mapping mapping;

    for (size_t at = 0; next_line(maps, &at, line);) {
        if (!parse_line(line, mounts, &mapping, &ret->lacks_mounts))
            continue;
        if (ret->count > 0 && mapping.start < ret->items[ret->count - 1].end)
            return -EBADMSG;
        int r = add_mapping(ret, &mapping);
        if (r < 0)
            return r;
    }
    return 0;
}

int mappings_parse(const struct bytes *maps, const struct bytes *mountinfo, bool of_user,
                   const struct bytes *ours, struct mappings *ret)
{
    AUTO_FREE struct mounts *mounts = calloc(1, sizeof *mounts);
    AUTO_MAPPINGS struct mappings mappings = {0};

    if (!mounts)
        return -ENOMEM;
    parse_mountinfo(mountinfo, of_user, &mounts->its);
    if (ours)
        parse_mountinfo(ours, false, &mounts->ours);
    int r = parse_maps(maps, mounts, &mappings);
    if (r < 0)
        return r;
    mappings_free(ret);
    *ret = mappings;
    mappings = (struct mappings){0};
    return 0;
}

void mappings_free(struct mappings *mappings)
{
    free(mappings->items);
    *mappings = (struct mappings){0};
}

const struct mapping *mappings_above(const struct mappings *mappings, uint64_t address)
{
    size_t low = 0, high = mappings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mappings->items[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < mappings->count ? &mappings->items[low] : NULL;
}

const struct mapping *mappings_find(const struct mappings *mappings, uint64_t address)
{
    const struct mapping *mapping = mappings_above(mappings, address);
    return mapping && mapping->start <= address ? mapping : NULL;
}

/* Linux says with OSPKE in CPUID leaf 7 that it uses protection keys. Elsewhere: perhaps. */
static bool has_protection_keys(void)
{
#if defined __x86_64__ || defined __i386__
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_OSPKE);
#elif defined __aarch64__ || defined __powerpc64__
    return true;
#else
    return false;
#endif
}

bool mappings_need_details(const struct mappings *mappings)
{
    if (has_protection_keys())
        return true;
    for (size_t i = 0; i < mappings->count; i++)
        if (mappings->items[i].kind == MAPPING_SHARED_MEMORY)
            return true;
    return false;
}

/* VmFlags of userfaultfd(2): um missing, uw write-protected, ui minor. */
static bool flags_have_userfaults(const char *flags)
{
    return strstr(flags, " um") || strstr(flags, " uw") || strstr(flags, " ui");
}

/* One line of smaps: the start of a mapping, or a detail of the one before. */
static void take_detail(struct mappings *mappings, const char *line, struct mapping **current)
{
    struct mapping head;
    unsigned key;

    if (starts_with(line, "VmFlags:")) {
        if (*current)
            (*current)->has_userfaults = flags_have_userfaults(line);
    } else if (starts_with(line, "ProtectionKey:")) {
        if (*current && sscanf(line, "ProtectionKey: %u", &key) == 1)
            (*current)->protection_key = key < UINT8_MAX ? (uint8_t)key : UINT8_MAX;
    } else if ((line[0] < 'A' || line[0] > 'Z') && parse_line(line, NULL, &head, NULL)) {
        *current = (struct mapping *)mappings_find(mappings, head.start);
    }
}

/* Takes the whole lines of `text` and keeps what is left of an unfinished one. */
static void take_lines(struct mappings *mappings, struct bytes *text, struct mapping **current)
{
    char line[LINE_MAX_SIZE];
    const char *last = memrchr(text->data, '\n', text->size);
    size_t whole = last ? (size_t)(last - text->data) + 1 : 0;
    struct bytes lines = {.data = text->data, .size = whole};

    for (size_t at = 0; next_line(&lines, &at, line);)
        take_detail(mappings, line, current);
    text->size -= whole;
    memmove(text->data, text->data + whole, text->size);
}

int mappings_add_details(struct mappings *mappings, int smaps)
{
    AUTO_BYTES struct bytes text = {0};
    struct mapping *current = NULL;

    if (lseek(smaps, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        int r = bytes_reserve(&text, READ_SIZE);
        if (r < 0)
            return r;
        ssize_t n = read(smaps, text.data + text.size, READ_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        text.size += (size_t)n;
        take_lines(mappings, &text, &current);
    }
}
