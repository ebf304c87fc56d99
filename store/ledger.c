/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger.c - how much of max_use is spent. */
#include "store/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"

enum {
    MAGIC = 0x5247444c, /* "LDGR" */
    VERSION = 1,
    PATIENCE_MS = 2000, /* of a lock that is held for microseconds */
};

/* Where the locks are, far behind the content: of the entries, and of who counts. */
#define LOCK_ENTRIES (INT64_C(1) << 40)
#define LOCK_TURN    (INT64_C(1) << 41)

struct head {
    uint32_t magic, version;
    uint64_t used;   /* bytes, without what running hooks have taken */
    uint64_t taken;  /* the sum over the entries */
    uint64_t filled; /* bytes that ever came to `used` other than by a count */
    uint64_t asked;  /* questions ever asked */
    uint64_t begun;  /* the last question before the count that began last */
    uint64_t answered;
    uint64_t reserved;
};

struct entry {
    uint64_t taken, wanted;
};

/* The file; in memory only while it is looked at as a whole. */
struct table {
    struct head head;
    struct entry entries[LEDGER_ENTRIES];
};

static int lock(const struct ledger *ledger)
{
    return ledger->fd < 0 ? -EBADF : io_lock(ledger->fd, PATIENCE_MS);
}

static void load(const struct ledger *ledger, struct head *ret)
{
    struct head head = {0};

    if (io_pread(ledger->fd, &head, sizeof head, 0) != sizeof head || head.magic != MAGIC ||
        head.version != VERSION)
        head = (struct head){.magic = MAGIC, .version = VERSION};
    *ret = head;
}

/* Where the disk has no room for it, the next count makes good what is lost. */
static void save(const struct ledger *ledger, const struct head *head)
{
    (void)!pwrite(ledger->fd, head, sizeof *head, 0);
}

static struct entry load_entry(const struct ledger *ledger, int i)
{
    struct entry entry;
    size_t at = offsetof(struct table, entries) + (size_t)i * sizeof entry;
    return io_pread(ledger->fd, &entry, sizeof entry, at) == sizeof entry ? entry
                                                                          : (struct entry){0};
}

static void save_entry(const struct ledger *ledger, int i, const struct entry *entry)
{
    (void)!pwrite(ledger->fd, entry, sizeof *entry,
                  (off_t)(offsetof(struct table, entries) + (size_t)i * sizeof *entry));
}

static struct flock range(int type, int64_t at)
{
    return (struct flock){.l_type = (short)type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

static bool lock_entry(const struct ledger *ledger, int i)
{
    struct flock own = range(F_WRLCK, LOCK_ENTRIES + i);
    return fcntl(ledger->fd, F_OFD_SETLK, &own) == 0;
}

/* Whether another open file, a running hook's, holds the entry. */
static bool is_held(const struct ledger *ledger, int i)
{
    struct flock other = range(F_WRLCK, LOCK_ENTRIES + i);
    return fcntl(ledger->fd, F_OFD_GETLK, &other) < 0 || other.l_type != F_UNLCK;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Bytes that are on the disk, and that no count has seen. */
static void count_in(struct head *head, uint64_t bytes)
{
    head->used = sum_of(head->used, bytes);
    head->filled += bytes;
}

/* Adds up what running hooks have, and what they want; the dead ones' counts as used. */
static void sweep(struct ledger *ledger, struct head *head, uint64_t *ret_wanted)
{
    struct table table = {0};
    uint64_t taken = 0, wanted = 0;

    ssize_t size = io_pread(ledger->fd, &table, sizeof table, 0);
    size_t count = size > (ssize_t)offsetof(struct table, entries)
                       ? ((size_t)size - offsetof(struct table, entries)) / sizeof(struct entry)
                       : 0;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &table.entries[i];
        if (entry->taken == 0 && entry->wanted == 0)
            continue;
        if ((int)i == ledger->entry || is_held(ledger, (int)i)) {
            taken = sum_of(taken, entry->taken);
            wanted = sum_of(wanted, entry->wanted);
            continue;
        }
        count_in(head, entry->taken);
        save_entry(ledger, (int)i, &(struct entry){0});
    }
    head->taken = taken;
    if (ret_wanted)
        *ret_wanted = wanted;
}

int ledger_open(int newfd, uid_t uid, gid_t gid, struct ledger *ret, struct error *error)
{
    struct stat st;
    AUTO_FD int fd =
        openat(newfd, LEDGER_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "cannot open " LEDGER_FILE);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return error_set(error, EBADMSG, LEDGER_FILE " is not a file of its own");
    if (st.st_uid != uid && st.st_uid == geteuid() && fchown(fd, uid, gid) < 0)
        return error_errno(error, errno, "cannot prepare " LEDGER_FILE);
    *ret = (struct ledger){.fd = steal_fd(&fd), .entry = -1};
    return 0;
}

/* ---- a hook ---- */

static void give_back(struct head *head, uint64_t bytes)
{
    head->taken -= bytes < head->taken ? bytes : head->taken;
}

/* The first entry that nobody holds, if we have none yet. */
static bool find_entry(struct ledger *ledger, struct head *head)
{
    for (int i = 0; ledger->entry < 0 && i < LEDGER_ENTRIES; i++) {
        if (!lock_entry(ledger, i))
            continue;
        struct entry left = load_entry(ledger, i);
        count_in(head, left.taken);
        give_back(head, left.taken);
        save_entry(ledger, i, &(struct entry){0});
        ledger->entry = i;
    }
    return ledger->entry >= 0;
}

static bool fits(const struct head *head, uint64_t bytes, uint64_t limit)
{
    return sum_of(sum_of(head->used, head->taken), bytes) <= limit;
}

bool ledger_take(struct ledger *ledger, uint64_t bytes, uint64_t limit)
{
    struct head head;

    if (lock(ledger) < 0)
        return true; /* a core is worth more than a number */
    load(ledger, &head);
    bool fit = find_entry(ledger, &head);
    if (fit && !fits(&head, bytes, limit)) {
        sweep(ledger, &head, NULL);
        fit = fits(&head, bytes, limit);
    }
    if (fit) {
        struct entry own = load_entry(ledger, ledger->entry);
        own.taken = sum_of(own.taken, bytes);
        own.wanted = 0;
        head.taken = sum_of(head.taken, bytes);
        save_entry(ledger, ledger->entry, &own);
    }
    save(ledger, &head);
    io_unlock(ledger->fd);
    return fit;
}

uint64_t ledger_ask(struct ledger *ledger, uint64_t bytes)
{
    struct head head;

    if (lock(ledger) < 0)
        return 0;
    load(ledger, &head);
    uint64_t question = ++head.asked;
    if (bytes > 0 && find_entry(ledger, &head)) {
        struct entry own = load_entry(ledger, ledger->entry);
        own.wanted = bytes;
        save_entry(ledger, ledger->entry, &own);
    }
    save(ledger, &head);
    io_unlock(ledger->fd);
    return question;
}

bool ledger_is_answered(const struct ledger *ledger, uint64_t question)
{
    struct head head;

    if (ledger->fd < 0)
        return true;
    load(ledger, &head);
    return head.answered >= question;
}

void ledger_close(struct ledger *ledger)
{
    struct head head;

    if (ledger->fd < 0)
        return;
    if (ledger->entry >= 0 && lock(ledger) == 0) { /* else the next sweep finds it dead */
        load(ledger, &head);
        count_in(&head, ledger->filled);
        give_back(&head, load_entry(ledger, ledger->entry).taken);
        save_entry(ledger, ledger->entry, &(struct entry){0});
        save(ledger, &head);
        io_unlock(ledger->fd);
    }
    close(ledger->fd);
    *ledger = LEDGER_NONE;
}

/* ---- the keeper ---- */

void ledger_add(struct ledger *ledger, uint64_t bytes)
{
    struct head head;

    if (lock(ledger) < 0)
        return;
    load(ledger, &head);
    count_in(&head, bytes);
    save(ledger, &head);
    io_unlock(ledger->fd);
}

bool ledger_begin_turn(struct ledger *ledger)
{
    struct flock own = range(F_WRLCK, LOCK_TURN);
    return ledger->fd < 0 || fcntl(ledger->fd, F_OFD_SETLK, &own) == 0 ||
           (errno != EAGAIN && errno != EACCES);
}

bool ledger_end_turn(struct ledger *ledger)
{
    struct flock own = range(F_UNLCK, LOCK_TURN);
    struct head head;

    if (ledger->fd < 0)
        return false;
    (void)fcntl(ledger->fd, F_OFD_SETLK, &own);
    load(ledger, &head);
    return head.asked > head.begun;
}

void ledger_begin_count(struct ledger *ledger, struct ledger_survey *ret)
{
    struct head head;

    *ret = (struct ledger_survey){0};
    if (lock(ledger) < 0)
        return;
    load(ledger, &head);
    sweep(ledger, &head, &ret->wanted);
    head.begun = head.asked;
    ret->taken = head.taken;
    ret->filled = head.filled;
    ret->question = head.asked;
    save(ledger, &head);
    io_unlock(ledger->fd);
}

void ledger_end_count(struct ledger *ledger, const struct ledger_survey *survey, uint64_t used)
{
    struct head head;

    if (lock(ledger) < 0)
        return;
    load(ledger, &head);
    /* What hooks have filled meanwhile may be in the count or not: too much is better. */
    head.used = sum_of(used, head.filled - survey->filled);
    if (survey->question > head.answered)
        head.answered = survey->question;
    save(ledger, &head);
    io_unlock(ledger->fd);
}
