/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storm.c - crash loops are bounded. */
#include "hook/storm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "store/base/io.h"
#include "store/layout.h"

#define STORM_PATH LAYOUT_RUNTIME "/" STORM_FILE /* for messages */

enum {
    MAGIC = 0x4d525453, /* "STRM" */
    VERSION = 3,
    WAYS = 8, /* places a key may be in; the one started longest ago makes room */
    PROGRAM_SETS = 512,
    USER_SETS = 64,
    /* While a victim is held, and when nobody is. The lock is held for microseconds, but on a busy
     * machine its holder may have lost the processor. */
    PATIENCE_HELD_MS = 2000,
    PATIENCE_MS = 30000,
};

/* What is known of one program, one user, or the machine. */
struct bucket {
    struct storm_key key;
    uint64_t started;           /* of the window; 0 the bucket is free */
    uint64_t kept[STORM_COUNT]; /* crashes in the window, by how much they keep */
    uint64_t last_full;         /* when one was kept in full */
    uint64_t pending;           /* crashes counted and not in a record yet */
    uint64_t counting;          /* since when somebody waits to write them; 0 nobody */
};

struct table {
    uint32_t magic, version;
    uint32_t size; /* of this struct */
    uint32_t ready;
    uint64_t seed; /* so that nobody can choose inodes that collide */
    uint64_t now;  /* the latest time that a hook came with */
    struct bucket programs[PROGRAM_SETS][WAYS];
    struct bucket users[USER_SETS][WAYS];
    struct bucket machine;
};

struct storm {
    int fd;
    struct table *table;
};

static void initialize(struct table *table)
{
    if (table->magic == MAGIC && table->version == VERSION && table->size == sizeof *table &&
        table->ready)
        return;
    memset(table, 0, sizeof *table);
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0)
        table->seed = 0; /* early in the boot there may be nothing random yet */
    table->magic = MAGIC;
    table->version = VERSION;
    table->size = sizeof *table;
    table->ready = 1; /* last: killed before, the next one begins anew */
}

int storm_open(int dirfd, struct storm **ret, struct error *error)
{
    AUTO_STORM struct storm *storm = calloc(1, sizeof *storm);
    struct stat st;

    if (!storm)
        return error_errno(error, ENOMEM, "cannot open " STORM_PATH);
    storm->table = MAP_FAILED;
    storm->fd = openat(dirfd, STORM_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (storm->fd < 0)
        return error_errno(error, errno, "cannot open " STORM_PATH);
    /* Nor through another's name for it. */
    if (fstat(storm->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return error_set(error, EBADMSG, STORM_PATH " is no file of its own: remove it");
    if (ftruncate(storm->fd, sizeof *storm->table) < 0)
        return error_errno(error, errno, "cannot size " STORM_PATH);
    storm->table =
        mmap(NULL, sizeof *storm->table, PROT_READ | PROT_WRITE, MAP_SHARED, storm->fd, 0);
    if (storm->table == MAP_FAILED)
        return error_errno(error, errno, "cannot map " STORM_PATH);
    int r = io_lock(storm->fd, PATIENCE_HELD_MS);
    if (r < 0)
        return error_errno(error, -r, "cannot lock " STORM_PATH);
    initialize(storm->table);
    io_unlock(storm->fd);
    *ret = steal_pointer(&storm);
    return 0;
}

void storm_free(struct storm *storm)
{
    if (!storm)
        return;
    if (storm->table != MAP_FAILED)
        munmap(storm->table, sizeof *storm->table);
    if (storm->fd >= 0)
        close(storm->fd);
    free(storm);
}

/* The finalizer of splitmix64: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t hash(const struct table *table, const struct storm_key *key)
{
    return mix(mix(mix(table->seed ^ key->device) ^ key->inode) ^ key->uid);
}

static bool is_same(const struct storm_key *a, const struct storm_key *b)
{
    return a->device == b->device && a->inode == b->inode && a->uid == b->uid;
}

/* The bucket of `key` in its set, or the one to be given to it: a free one, else the oldest. */
static struct bucket *find(struct bucket set[WAYS], const struct storm_key *key)
{
    struct bucket *oldest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].started > 0 && is_same(&set[i].key, key))
            return &set[i];
        if (set[i].started < oldest->started)
            oldest = &set[i];
    }
    *oldest = (struct bucket){.key = *key};
    return oldest;
}

static struct bucket *find_program(struct table *table, const struct storm_key *key)
{
    return find(table->programs[hash(table, key) % PROGRAM_SETS], key);
}

static struct bucket *find_user(struct table *table, const struct storm_key *key)
{
    struct storm_key user = {.uid = key->uid};
    return find(table->users[hash(table, &user) % USER_SETS], &user);
}

static bool is_first(const struct bucket *bucket)
{
    for (size_t i = 0; i < ARRAY_SIZE(bucket->kept); i++)
        if (bucket->kept[i] > 0)
            return false;
    return true;
}

/* What one bucket allows a crash of now that is to keep no more than `wanted`, `share` times the
 * limits. */
static enum storm_verdict judge(struct bucket *bucket, const struct storm_limits *limits,
                                uint64_t share, uint64_t now, enum storm_verdict wanted)
{
    const uint64_t most[STORM_COUNT] = {limits->full, limits->stacks, limits->facts};

    if (bucket->started == 0 || now < bucket->started ||
        now - bucket->started >= limits->window_us) {
        bucket->started = now;
        memset(bucket->kept, 0, sizeof bucket->kept);
    }
    if (is_first(bucket) || now - bucket->last_full >= STORM_SAMPLE_US)
        return wanted;
    while (wanted < STORM_COUNT && bucket->kept[wanted] / share >= most[wanted])
        wanted++;
    return wanted;
}

/*
 * The time of a hook that has the lock. It looked at the clock before it waited, and hooks that
 * looked later may have been here already: time does not go back for that. (It does where the table
 * is older than the boot.)
 */
static uint64_t arrive(struct table *table, uint64_t now)
{
    if (now > table->now || table->now - now > STORM_SAMPLE_US)
        table->now = now;
    return table->now;
}

int storm_judge(struct storm *storm, const struct storm_key *key, const struct storm_limits *limits,
                uint64_t now, enum storm_verdict *ret)
{
    int r = io_lock(storm->fd, PATIENCE_HELD_MS);
    if (r < 0)
        return r;

    struct bucket *buckets[] = {find_program(storm->table, key), find_user(storm->table, key),
                                &storm->table->machine};
    static const uint64_t shares[] = {1, STORM_USER_SHARE, STORM_MACHINE_SHARE};
    enum storm_verdict verdict = STORM_FULL;

    now = arrive(storm->table, now);
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++)
        verdict = judge(buckets[i], limits, shares[i], now, verdict);
    /* Charged for what is kept alone: what a user's own bound holds back costs others nothing. */
    for (size_t i = 0; verdict < STORM_COUNT && i < ARRAY_SIZE(buckets); i++) {
        buckets[i]->kept[verdict]++;
        if (verdict == STORM_FULL)
            buckets[i]->last_full = now;
    }
    io_unlock(storm->fd);
    *ret = verdict;
    return 0;
}

bool storm_count(struct storm *storm, const struct storm_key *key, uint64_t now)
{
    if (io_lock(storm->fd, PATIENCE_MS) < 0)
        return true; /* a record of its own is better than none */

    struct bucket *bucket = find_program(storm->table, key);
    now = arrive(storm->table, now);
    if (bucket->started == 0)
        bucket->started = now;
    bucket->pending++;
    bool mine = bucket->counting == 0 || now - bucket->counting >= STORM_COUNT_STALE_US;
    if (mine)
        bucket->counting = now;
    io_unlock(storm->fd);
    return mine;
}

uint64_t storm_collect(struct storm *storm, const struct storm_key *key)
{
    if (io_lock(storm->fd, PATIENCE_MS) < 0)
        return 1;

    struct bucket *bucket = find_program(storm->table, key);
    uint64_t pending = bucket->pending;
    bucket->pending = 0;
    bucket->counting = 0;
    io_unlock(storm->fd);
    return pending > 0 ? pending : 1;
}
