/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * take.c - carries a core from its source into the record.
 *
 * One ring of entries in the order of the content: [written, filled) in which each entry goes
 * FILLING → FILLED → SQUEEZING → READY and is then written and forgotten. One lock guards all of
 * it; it is never held during a read, a compression or a write.
 */
#include "hook/take.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "hook/buffer.h"
#include "store/base/clock.h"
#include "store/frame.h"

enum {
    PAGE = 4096,
    SLOTS_LEAST = 4,     /* and two a thread: enough to keep everybody busy */
    ZEROS_WAITING = 256, /* entries without a slot that may wait besides */
    THREADS_MOST = 64,
    LEVEL_HURRY = -5,
    IDLE_US = 100 * 1000, /* the end of most victims, and the start of their successors */
    REST_US = 30 * 1000,  /* of these, the first */
    NICE_AFTERWARDS = 5,
};

enum entry_state {
    ENTRY_FILLING,
    ENTRY_FILLED,
    ENTRY_SQUEEZING,
    ENTRY_READY,  /* to be written: a frame, or zeros */
    ENTRY_FAILED, /* not to be had; nothing behind it is written */
};

struct entry {
    struct chunk chunk;
    enum entry_state state;
    uint32_t slot;
    uint32_t stored_size; /* of the compressed frame in the slot; 0: zeros */
};

struct take {
    struct source *source;
    struct record_writer *writer;
    const struct take_limits *limits;
    take_release_function *release;
    void *context;

    pthread_mutex_t lock;
    pthread_cond_t changed;

    struct buffer buffer;

    struct entry *ring;
    size_t ring_size;
    uint64_t written, squeezed, filled; /* sequence numbers: next to write, squeeze, fill */
    uint64_t offset;                    /* in the content, behind the last entry */

    unsigned filling; /* threads in fill() */
    unsigned running; /* threads that have not ended */
    bool source_busy; /* somebody is in next(), or in a fill() that suffers no company */
    bool writer_busy;
    bool source_ended; /* no more next() */
    bool released;
    bool gave_up; /* the disk failed: nothing more is done */
    struct take_result result;
};

static struct entry *entry_at(const struct take *take, uint64_t sequence)
{
    return &take->ring[sequence % take->ring_size];
}

/* Lets the victim go, once. Called with the lock held: release() only closes a descriptor. */
static void let_go(struct take *take)
{
    if (take->released)
        return;
    take->released = true;
    take->release(take->context);
}

static void source_fails(struct take *take, int failure)
{
    take->source_ended = true;
    if (take->result.source_failure == 0)
        take->result.source_failure = failure;
}

static void writer_fails(struct take *take, int failure)
{
    take->result.write_failure = failure;
    take->source_ended = true;
    take->gave_up = true;
    let_go(take);
}

/* ---- the three kinds of work; each is entered and left with the lock held ---- */

static bool can_fill(const struct take *take)
{
    return !take->source_ended && !take->source_busy && take->buffer.free_count > 0 &&
           take->filled - take->written < take->ring_size;
}

static void fill_entry(struct take *take, struct entry *entry)
{
    bool parallel = take->source->methods->parallel;

    entry->slot = buffer_take(&take->buffer);
    entry->chunk.data = buffer_data(&take->buffer, entry->slot);
    entry->state = ENTRY_FILLING;
    take->source_busy = !parallel;
    take->filling++;
    pthread_cond_broadcast(&take->changed);
    pthread_mutex_unlock(&take->lock);
    buffer_warm(&take->buffer, entry->slot, entry->chunk.size);
    int r = take->source->methods->fill(take->source, &entry->chunk);
    pthread_mutex_lock(&take->lock);
    take->filling--;
    if (!parallel)
        take->source_busy = false;
    entry->state = r < 0 ? ENTRY_FAILED : ENTRY_FILLED;
    if (r < 0)
        source_fails(take, r);
}

/* The end of the source: everything is in the buffer or beyond, so the victim may go. */
static void settle(struct take *take)
{
    int r = 0;

    take->source_busy = true;
    pthread_mutex_unlock(&take->lock);
    if (take->source->methods->settle)
        r = take->source->methods->settle(take->source);
    pthread_mutex_lock(&take->lock);
    take->source_busy = false;
    if (r < 0)
        source_fails(take, r);
    else
        let_go(take);
}

/* A source that loses count would fill the disk: it is not believed. */
static bool is_in_order(const struct take *take, const struct chunk *chunk)
{
    return chunk->offset == take->offset && chunk->size > 0 &&
           chunk->size <= INT64_MAX - chunk->offset &&
           (chunk->zeros || chunk->size <= FRAME_CONTENT_MAX);
}

static void fill(struct take *take)
{
    const struct source_methods *methods = take->source->methods;
    struct chunk chunk = {0};

    /* A parallel source only counts here: were the lock given away, the others would find nothing
     * to fill in that moment, and compress while the victim waits. */
    take->source_busy = !methods->parallel;
    if (take->source_busy)
        pthread_mutex_unlock(&take->lock);
    int r = methods->next(take->source, &chunk);
    if (take->source_busy)
        pthread_mutex_lock(&take->lock);
    take->source_busy = false;

    if (r > 0 && !is_in_order(take, &chunk))
        r = -EBADMSG;
    if (r < 0) {
        source_fails(take, r);
    } else if (r == 0) {
        take->source_ended = true;
    } else {
        struct entry *entry = entry_at(take, take->filled++);
        take->offset = chunk.offset + chunk.size;
        *entry = (struct entry){.chunk = chunk, .state = ENTRY_READY};
        if (!chunk.zeros)
            fill_entry(take, entry);
    }
    if (take->source_ended && take->filling == 0 && !take->source_busy && !take->released &&
        take->result.source_failure == 0)
        settle(take);
}

static bool can_write(const struct take *take)
{
    return !take->writer_busy && take->written < take->filled &&
           entry_at(take, take->written)->state == ENTRY_READY;
}

static void free_slot(struct take *take, const struct entry *entry)
{
    if (!entry->chunk.data)
        return;
    buffer_give_back(&take->buffer, entry->slot, take->source_ended);
}

static int write_entry(const struct take *take, const struct entry *entry)
{
    const struct take_limits *limits = take->limits;
    uint64_t size = record_writer_stored_size(take->writer) + entry->stored_size;

    if (size > limits->room)
        return -EDQUOT;
    int r = limits->grow ? limits->grow(take->context, size) : 0;
    if (r < 0)
        return r;
    return entry->stored_size > 0
               ? record_writer_frame(take->writer, entry->chunk.data, entry->stored_size,
                                     (uint32_t)entry->chunk.size)
               : record_writer_zeros(take->writer, entry->chunk.size);
}

static void write_out(struct take *take)
{
    struct entry *entry = entry_at(take, take->written);

    take->writer_busy = true;
    pthread_mutex_unlock(&take->lock);
    int r = write_entry(take, entry);
    pthread_mutex_lock(&take->lock);
    take->writer_busy = false;
    if (r < 0) {
        writer_fails(take, r);
        return;
    }
    free_slot(take, entry);
    take->written++;
}

/* The oldest filled entry, or NULL. Only entries that are being filled can stand before it. */
static struct entry *find_filled(struct take *take)
{
    if (take->squeezed < take->written)
        take->squeezed = take->written;
    while (take->squeezed < take->filled &&
           entry_at(take, take->squeezed)->state >= ENTRY_SQUEEZING &&
           entry_at(take, take->squeezed)->state != ENTRY_FAILED)
        take->squeezed++;
    for (uint64_t i = take->squeezed; i < take->filled; i++) {
        struct entry *entry = entry_at(take, i);
        if (entry->state == ENTRY_FAILED)
            return NULL;
        if (entry->state == ENTRY_FILLED)
            return entry;
    }
    return NULL;
}

/* One thread's tools. */
struct press {
    struct frame_compressor *compressor;
    unsigned char *frame;
    size_t capacity;
    int level;
};

static void press_free(struct press *press)
{
    frame_compressor_free(press->compressor);
    free(press->frame);
}

static int press_make(const struct take *take, struct press *ret)
{
    ret->capacity = frame_bound(FRAME_CONTENT_MAX);
    ret->frame = malloc(ret->capacity);
    ret->level = take->limits->level;
    return ret->frame ? frame_compressor_new(ret->level, &ret->compressor) : -ENOMEM;
}

/* Compresses the slot's bytes and puts the frame in their place. */
static int squeeze_data(const struct take *take, struct press *press, struct entry *entry)
{
    if (frame_is_zero(entry->chunk.data, entry->chunk.size))
        return 0; /* stored_size stays 0 */
    ssize_t n = frame_compress(press->compressor, entry->chunk.data, entry->chunk.size,
                               press->frame, press->capacity);
    if (n < 0)
        return (int)n;
    if ((size_t)n > take->buffer.slot_size)
        return -EIO; /* cannot be: a slot holds frame_bound() bytes */
    memcpy(entry->chunk.data, press->frame, (size_t)n);
    entry->stored_size = (uint32_t)n;
    return 0;
}

static void squeeze(struct take *take, struct press *press, struct entry *entry)
{
    bool hurry = take->limits->level_auto && !take->released && take->buffer.free_count == 0;
    int level = hurry ? LEVEL_HURRY : take->limits->level;

    entry->state = ENTRY_SQUEEZING;
    pthread_mutex_unlock(&take->lock);
    if (level != press->level) {
        frame_compressor_set_level(press->compressor, level);
        press->level = level;
    }
    int r = squeeze_data(take, press, entry);
    pthread_mutex_lock(&take->lock);
    entry->state = ENTRY_READY;
    if (r < 0)
        writer_fails(take, r);
}

/* ---- threads ---- */

/* Nothing is left to do that somebody else is not doing already. */
static bool is_done(const struct take *take)
{
    if (take->gave_up)
        return true;
    if (!take->source_ended || take->filling > 0 || take->source_busy)
        return false;
    return take->written == take->filled || entry_at(take, take->written)->state == ENTRY_FAILED;
}

/* Does one piece of work; false where there is none. */
static bool work_once(struct take *take, struct press *press)
{
    struct entry *entry;

    if (take->gave_up)
        return false;
    if (can_fill(take))
        fill(take);
    else if (can_write(take))
        write_out(take);
    else if ((entry = find_filled(take)))
        squeeze(take, press, entry);
    else
        return false;
    pthread_cond_broadcast(&take->changed);
    return true;
}

/* How far one thread is out of everybody's way. */
struct manners {
    enum { MANNERS_NONE, MANNERS_IDLE, MANNERS_NICE } step;
    uint64_t idle_since;
};

/*
 * Once the victim is let go its own end needs the processor (60 ms a GiB), and then its successor:
 * nobody waits for us any more. At first this thread rests, for one that computes slows whoever has
 * the other half of its core, be it the idlest. Then anybody else comes before it, at once; a
 * machine that is always busy gives it its share later. Without leave all is as well, only slower
 * for others. Lets go of the lock, which is held, meanwhile.
 */
static void stand_back(struct take *take, struct manners *manners, uint64_t now)
{
    static const struct sched_param none = {0};
    static const struct timespec rest = {.tv_nsec = REST_US * 1000L};

    if (manners->step == MANNERS_NONE) {
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
        manners->idle_since = now;
        manners->step = MANNERS_IDLE;
        pthread_mutex_unlock(&take->lock);
        (void)nanosleep(&rest, NULL); /* a signal may end it */
        pthread_mutex_lock(&take->lock);
    } else if (now - manners->idle_since >= IDLE_US) {
        (void)setpriority(PRIO_PROCESS, 0, NICE_AFTERWARDS);
        (void)sched_setscheduler(0, SCHED_BATCH, &none);
        manners->step = MANNERS_NICE;
    }
}

static void *work(void *context)
{
    struct take *take = context;
    struct press press = {0};
    int r = press_make(take, &press);

    struct manners manners = {0};

    pthread_mutex_lock(&take->lock);
    if (r < 0)
        writer_fails(take, r);
    while (!is_done(take)) {
        if (take->released && manners.step != MANNERS_NICE)
            stand_back(take, &manners, clock_now_us());
        /* The last of it may have been done, and told, while this thread rested. */
        if (!work_once(take, &press) && !is_done(take))
            pthread_cond_wait(&take->changed, &take->lock);
    }
    take->running--;
    pthread_cond_broadcast(&take->changed);
    pthread_mutex_unlock(&take->lock);
    press_free(&press);
    return NULL;
}

/* Waits, with the lock held, until all threads have ended (true) or it is `deadline` (false). */
static bool wait_for_threads(struct take *take, uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000),
                             .tv_nsec = (long)(deadline % 1000000) * 1000};

    while (take->running > 0)
        if (pthread_cond_timedwait(&take->changed, &take->lock, &until) == ETIMEDOUT)
            return take->running == 0;
    return true;
}

/* Threads hang in fill(): what is complete before that is squeezed and written by the caller. */
static void work_alone(struct take *take)
{
    struct press press = {0};

    take->result.stuck = true;
    if (press_make(take, &press) == 0)
        while (work_once(take, &press))
            ;
    if (take->writer_busy) /* the disk is what hangs */
        take->result.write_failure = -EIO;
    press_free(&press);
}

static void supervise(struct take *take)
{
    const struct take_limits *limits = take->limits;

    pthread_mutex_lock(&take->lock);
    if (!wait_for_threads(take, limits->deadline)) {
        if (!take->source_ended)
            source_fails(take, -ETIMEDOUT);
        let_go(take);
        pthread_cond_broadcast(&take->changed);
        /* Writing may go on for as long as it makes headway; only filling may hang for ever. */
        uint64_t before;
        do
            before = take->written;
        while (!wait_for_threads(take, clock_now_us() + limits->grace_us) &&
               take->written > before);
        if (take->running > 0)
            work_alone(take);
    }
    pthread_mutex_unlock(&take->lock);
}

static int start_threads(struct take *take, pthread_t *threads, unsigned *ret)
{
    unsigned wanted = take->limits->threads, started = 0;
    int r = 0;

    if (wanted > THREADS_MOST)
        wanted = THREADS_MOST;
    pthread_mutex_lock(&take->lock);
    do {
        r = -pthread_create(&threads[started], NULL, work, take);
        started += r == 0;
    } while (r == 0 && started < wanted);
    take->running = started;
    pthread_mutex_unlock(&take->lock);
    *ret = started;
    return started > 0 ? 0 : r;
}

static int allocate(struct take *take)
{
    size_t least = SLOTS_LEAST + 2 * (size_t)take->limits->threads;

    size_t slot_size = (frame_bound(FRAME_CONTENT_MAX) + PAGE - 1) / PAGE * PAGE;
    int r = buffer_init(&take->buffer, take->limits->buffer, slot_size, least);
    if (r < 0)
        return r;
    take->ring_size = take->buffer.slot_count + ZEROS_WAITING;
    take->ring = calloc(take->ring_size, sizeof *take->ring);
    return take->ring ? 0 : -ENOMEM;
}

static void release_memory(struct take *take)
{
    buffer_clear(&take->buffer);
    free(take->ring);
}

int take_run(struct source *source, struct record_writer *writer, const struct take_limits *limits,
             take_release_function *release, void *context, struct take_result *ret)
{
    struct take take = {
        .source = source,
        .writer = writer,
        .limits = limits,
        .offset = record_writer_content_size(writer),
        .release = release,
        .context = context,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    pthread_t threads[THREADS_MOST];
    pthread_condattr_t monotonic;
    unsigned started = 0;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&take.changed, &monotonic);
    int r = allocate(&take);
    if (r == 0)
        r = start_threads(&take, threads, &started);
    if (r == 0)
        supervise(&take);
    if (!take.result.stuck) /* else threads still use all of it until _exit() */
        for (unsigned i = 0; i < started; i++)
            (void)pthread_join(threads[i], NULL);
    take.result.released = take.released;
    *ret = take.result;
    if (!take.result.stuck)
        release_memory(&take);
    return r;
}
