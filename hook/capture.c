/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture.c - takes one crash into one record. */
#include "hook/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "hook/budget.h"
#include "hook/cage.h"
#include "hook/facts.h"
#include "hook/modules.h"
#include "hook/part.h"
#include "hook/plan.h"
#include "hook/policy.h"
#include "hook/rescue.h"
#include "hook/room.h"
#include "hook/runtime.h"
#include "hook/source_memory.h"
#include "hook/source_pipe.h"
#include "hook/storm.h"
#include "hook/take.h"
#include "hook/victim.h"
#include "hook/watch.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/core_extent.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/record_writer.h"
#include "store/salvage.h"

enum {
    NOBODY = 65534,
    MIB = 1024 * 1024,
    GRACE_US = 10 * 1000 * 1000, /* for threads that hang after the deadline; less than watch.c's */
    ATTEMPTS = 100,              /* ids tried */
    SLOT_SLACK = 32, /* of the footprint: a slot holds a frame that could not be compressed */
    BUFFER_SLACK =
        4 * 1024 * 1024,        /* for what the footprint doesn't count: the head, page tables */
    CUT_FOR_ROOM = 1024 * 1024, /* given back where the disk is full */
};

/* One capture. Members are set from top to bottom as it goes on. */
struct capture {
    const struct arguments *arguments;
    struct victim *victim;
    int pipe;
    int socket;
    uint64_t started;
    struct progress *progress;

    uid_t uid; /* who works in the cage */
    gid_t gid;
    struct policy policy;
    struct metadata *facts, *outcome;
    struct storm *storm;
    struct storm_key key; /* of the victim, in the storm table */
    int runtime;          /* LAYOUT_RUNTIME; -1 not there */
    int budget;           /* holds the locks that are our share of memory */
    uint64_t buffer;      /* that share */
    uint64_t most;        /* what the record may grow to */
    struct room room;     /* its share of max_use */
    bool crowded_out;     /* there was no room for the core */
    bool has_stacks;      /* the record has a rescue core */
    uint64_t content_at;  /* where the content begins in the record */
    struct part part;
    struct record_writer *writer;
    struct plan plan;
    uint64_t content_size; /* of the whole content in a layout of our own; 0: the core's */
    enum record_state state;
    char reason[512];
};

static void complain(struct capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds to what the watcher will log once the victim is let go. */
static void complain(struct capture *capture, const char *format, ...)
{
    char *message = capture->progress->message;
    size_t n = strlen(message), room = sizeof capture->progress->message - n;
    va_list arguments;

    if (n > 0 && room > 3) {
        memcpy(message + n, "; ", 3);
        n += 2;
        room -= 2;
    }
    va_start(arguments, format);
    vsnprintf(message + n, room, format, arguments);
    va_end(arguments);
}

static void let_go(void *context)
{
    struct capture *capture = context;

    if (capture->pipe < 0)
        return;
    close(steal_fd(&capture->pipe));
    capture->progress->released = clock_now_us();
}

/* ---- as root ---- */

/* Who does the work in the cage: the system user, or nobody where setup was never run. */
static void choose_user(struct capture *capture)
{
    if (layout_system_user(INQUEST_USER, &capture->uid, &capture->gid) == 0)
        return;
    capture->uid = NOBODY;
    capture->gid = NOBODY;
}

static int load_policy(struct capture *capture)
{
    int r = policy_load(capture->arguments->config, &capture->policy);
    if (r < 0)
        return r;
    if (capture->policy.warnings[0])
        complain(capture, "config: %s", capture->policy.warnings);
    if (capture->arguments->bad[0])
        complain(capture, "core_pattern gives no %s", capture->arguments->bad);
    capture->progress->deadline = capture->started + capture->policy.settings->capture.deadline;
    return 0;
}

/* Writes the facts into a new file and gives it its name. */
static int publish_facts(struct capture *capture, struct error *error)
{
    const struct arguments *arguments = capture->arguments;
    int r = -EEXIST;

    for (unsigned attempt = 0; r == -EEXIST && attempt < ATTEMPTS; attempt++) {
        record_writer_free(steal_pointer(&capture->writer));
        r = part_begin(&capture->part, arguments->time_us, arguments->pid, attempt, error);
        if (r < 0)
            return r;
        r = metadata_set_text(capture->facts, KEY_ID, capture->part.id);
        if (r == 0)
            r = record_writer_new(capture->part.fd, &capture->writer);
        if (r == 0)
            r = record_writer_facts(capture->writer, capture->facts);
        if (r < 0)
            return error_errno(error, -r, "cannot write the facts");
        r = part_publish(&capture->part, error);
    }
    if (r == 0) /* a watcher that was killed has no need of it */
        (void)watch_send_part(capture->socket, &capture->part);
    return r;
}

/* The first file, with what the kernel said alone: from now on the crash leaves a trace. */
static int open_record(struct capture *capture)
{
    struct error error = {0}, second = {0};
    uid_t owner = capture->uid == NOBODY ? 0 : capture->uid;

    int r = part_open(policy_store(&capture->policy), owner, &capture->part, &error);
    if (r == 0)
        r = publish_facts(capture, &error);
    if (r == 0)
        return 0;

    complain(capture, "%s", error.text);
    part_close(&capture->part);
    r = part_open_away(&capture->part, &second);
    if (r == 0)
        r = metadata_set_text(capture->facts, KEY_STORE, policy_store(&capture->policy));
    if (r == 0)
        r = publish_facts(capture, &second);
    if (r < 0)
        complain(capture, "%s", second.text);
    else
        policy_lower(&capture->policy, POLICY_STACKS, "the store could not be used: %.200s",
                     error.text);
    return r;
}

static int set_first_facts(struct capture *capture)
{
    capture->facts = metadata_new();
    capture->outcome = metadata_new();
    if (!capture->facts || !capture->outcome)
        return -ENOMEM;
    int r = metadata_set_text(capture->facts, KEY_VERSION, PACKAGE_VERSION);
    if (r == 0) /* until it is known whose it is: a hook that is killed leaves it so */
        r = metadata_set_text(capture->facts, KEY_PRIVATE, "1");
    return r < 0 ? r : arguments_facts(capture->arguments, capture->facts);
}

/* A newer file with all the facts takes the place of the first one; if that fails (a disk that is
 * almost full), they go into the outcome. */
static void publish_again(struct capture *capture)
{
    struct record_writer *before = steal_pointer(&capture->writer);
    struct error error = {0};

    int number = capture->part.fd; /* the writer knows the file by it */
    AUTO_FD int fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && publish_facts(capture, &error) == 0) {
        record_writer_free(before);
        return;
    }
    complain(capture, "%s", error.text[0] ? error.text : "cannot keep all facts");
    record_writer_free(capture->writer);
    capture->writer = before;
    if (fd >= 0 && capture->part.fd != number) {
        close(capture->part.fd);
        capture->part.fd = dup3(fd, number, O_CLOEXEC); /* free, and ours: cannot fail */
    }
    (void)metadata_merge(capture->outcome, capture->facts);
}

/* Whether this crash is one too many. Without a table nothing is. */
static void apply_storm(struct capture *capture)
{
    static const struct {
        enum policy_mode mode;
        const char *name;
    } verdicts[] = {
        [STORM_FULL] = {POLICY_FULL, "cores"},
        [STORM_STACKS] = {POLICY_STACKS, "stacks"},
        [STORM_FACTS] = {POLICY_FACTS, "facts"},
        [STORM_COUNT] = {POLICY_COUNT, "a count"},
    };
    struct policy *policy = &capture->policy;
    const struct config_settings *settings = policy->settings;
    struct storm_limits limits = {settings->storm.window, settings->storm.full,
                                  settings->storm.stacks, settings->storm.facts};
    enum storm_verdict verdict = STORM_FULL;
    struct error error = {0};
    int r = 0;

    if (limits.window_us == 0 && policy->mode < POLICY_COUNT)
        return;
    if (storm_open(capture->runtime, &capture->storm, &error) < 0) {
        complain(capture, "[storm] does not hold: %s", error.text);
        return;
    }
    (void)metadata_u64(capture->facts, KEY_EXE_DEV, &capture->key.device);
    (void)metadata_u64(capture->facts, KEY_EXE_INODE, &capture->key.inode);
    if (limits.window_us > 0 && policy->mode < POLICY_COUNT)
        r = storm_judge(capture->storm, &capture->key, &limits, clock_now_us(), &verdict);
    if (r < 0)
        complain(capture, "[storm] does not hold: cannot lock the storm table: %s",
                 strerrordesc_np(-r));
    policy_lower(policy, verdicts[verdict].mode,
                 "it crashes so often that it keeps nothing but %s ([storm])",
                 verdicts[verdict].name);
}

/* The record's share of the store, which the watcher holds, too. */
static void take_room(struct capture *capture)
{
    struct policy *policy = &capture->policy;
    uint64_t max_use = UINT64_MAX;

    capture->most = policy_apply_space(policy, capture->part.dir, &max_use);
    room_open(&capture->part, max_use, capture->progress->bell, &capture->room);
    (void)watch_send_room(capture->socket, &capture->room);
    if (policy->mode <= POLICY_STACKS && !room_take_stacks(&capture->room))
        policy_lower(policy, POLICY_FACTS, "the store has used up max_use");
}

/* Who it was, and how much of it is to be kept. */
static void decide(struct capture *capture)
{
    struct policy *policy = &capture->policy;

    /* Gone already: its core may still be in the pipe, and the facts say what the kernel said. */
    if (victim_find(capture->arguments, capture->victim, NULL) == 0)
        victim_open(capture->victim);
    facts_identify(capture->victim, capture->arguments, capture->facts);
    capture->key.uid = facts_account(capture->victim, capture->arguments->uid);
    if (capture->key.uid != capture->arguments->uid)
        (void)metadata_set_u64(capture->facts, KEY_ACCOUNT, capture->key.uid);
    policy_apply_rules(policy, capture->facts);
    if (policy->rule)
        (void)metadata_set_text(capture->facts, KEY_RULE, policy->rule);
    capture->progress->deadline = capture->started + policy->settings->capture.deadline;
    take_room(capture);
    apply_storm(capture);
}

/* All that /proc tells, and memory to put the core in. */
static void gather(struct capture *capture)
{
    const struct config_settings *settings = capture->policy.settings;
    uint64_t footprint = victim_footprint(capture->victim);

    victim_find_mappings(capture->victim);
    facts_gather(capture->victim, capture->arguments, capture->facts);
    facts_environ(capture->victim, settings->capture.environ, capture->facts);
    publish_again(capture);
    if (capture->policy.mode == POLICY_FULL)
        capture->buffer =
            budget_take(capture->runtime, settings->capture.hold_buffer,
                        footprint + footprint / SLOT_SLACK + BUFFER_SLACK, &capture->budget);
}

/* Opened while the victim is held, copied by the watcher afterwards. */
static void hand_over_modules(struct capture *capture)
{
    AUTO_MODULES struct modules modules = {0};

    if (capture->policy.mode > POLICY_STACKS || capture->part.away)
        return;
    modules_open(capture->victim, &modules);
    if (modules.count > 0)
        (void)watch_send_modules(capture->socket, &modules);
}

/* What the cage has no business with. */
static void close_unneeded(struct capture *capture)
{
    struct victim *victim = capture->victim;
    int *fds[] = {&victim->proc,  &victim->status,    &victim->stat,    &victim->task,
                  &victim->pidfd, &capture->part.dir, &capture->runtime};

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (*fds[i] >= 0)
            close(steal_fd(fds[i]));
}

/* ---- in the cage ---- */

static unsigned count_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static void set_reason(struct capture *capture, enum record_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set_reason(struct capture *capture, enum record_state state, const char *format, ...)
{
    va_list arguments;

    capture->state = state;
    va_start(arguments, format);
    vsnprintf(capture->reason, sizeof capture->reason, format, arguments);
    va_end(arguments);
}

/* The small core that a backtrace needs, first of all. Returns whether the record has it. */
static bool take_rescue(struct capture *capture, enum rescue_depth depth)
{
    AUTO_BYTES struct bytes core = {0};

    return rescue_build(capture->victim, &capture->plan, depth, &core, NULL) == 0 &&
           record_writer_rescue(capture->writer, core.data, core.size) == 0;
}

static void take_small(struct capture *capture)
{
    bool stacks = capture->policy.mode == POLICY_STACKS && take_rescue(capture, RESCUE_AROUND);

    if (!stacks)
        (void)take_rescue(capture, RESCUE_NOTES);
    let_go(capture);
    set_reason(capture, stacks ? RECORD_STACKS : RECORD_FACTS, "%s", capture->policy.reason);
    (void)metadata_set_text(capture->outcome, KEY_LAYOUT, "stacks");
    (void)metadata_set_u64(capture->outcome, KEY_CORE_SIZE, capture->plan.core_size);
    (void)metadata_set_u64(capture->outcome, KEY_LEFT_OUT, capture->plan.core_size);
}

static int grow(void *context, uint64_t size)
{
    struct capture *capture = context;
    int r = room_grow(&capture->room, size);

    capture->crowded_out = r < 0;
    return r;
}

static struct take_limits limits_of(const struct capture *capture)
{
    const struct config_settings *settings = capture->policy.settings;
    bool level_auto = settings->capture.compression == CONFIG_COMPRESSION_AUTO;

    return (struct take_limits){
        .buffer = capture->buffer,
        .deadline = capture->progress->deadline,
        .grace_us = GRACE_US,
        .room = capture->most,
        .grow = grow,
        .threads = count_processors(),
        .level = level_auto ? 1 : settings->capture.compression,
        .level_auto = level_auto,
    };
}

/* Drains the pipe from where the record has come to. */
static int take_pipe(struct capture *capture, const struct take_limits *limits,
                     struct take_result *ret)
{
    AUTO_SOURCE struct source *source = NULL;
    uint64_t skip = record_writer_content_size(capture->writer);

    int r = source_pipe_new(capture->pipe, &capture->plan, skip, limits->deadline, &source, NULL);
    if (r == 0)
        r = take_run(source, capture->writer, limits, let_go, capture, ret);
    if (r == 0)
        r = source->methods->outcome(source, capture->outcome);
    (void)metadata_set_text(capture->outcome, KEY_SOURCE, "pipe");
    return r;
}

/* Takes the whole core, from `memory` or, where that is NULL or fails, from the pipe. */
static int take_full(struct capture *capture, struct source *memory, struct take_result *ret)
{
    struct take_limits limits = limits_of(capture);

    if (!memory)
        return take_pipe(capture, &limits, ret);

    capture->content_size = memory->methods->size(memory);
    int r = take_run(memory, capture->writer, &limits, let_go, capture, ret);
    if (r == 0)
        r = memory->methods->outcome(memory, capture->outcome);
    (void)metadata_set_text(capture->outcome, KEY_SOURCE, memory->methods->name);
    if (r < 0 || ret->released || ret->write_failure < 0 || ret->stuck)
        return r;

    /* The memory cannot be trusted any more; the kernel's own words still can, as far as they go.
     */
    const char *layout = metadata_text(capture->outcome, KEY_LAYOUT);
    if (layout && strcmp(layout, "kernel") != 0)
        return 0;
    capture->content_size = 0;
    return take_pipe(capture, &limits, ret);
}

/* A core that is larger than max_core keeps its stacks. */
static void apply_size(struct capture *capture, const struct source *memory)
{
    uint64_t cost = memory ? memory->methods->cost(memory) : capture->plan.core_size;
    uint64_t most = capture->policy.settings->capture.max_core;

    if (cost > most)
        policy_lower(&capture->policy, POLICY_STACKS,
                     "the core has %" PRIu64 " MiB, more than max_core", cost / MIB);
}

/* Says in the outcome how far the core goes. */
static void judge_content(struct capture *capture, const struct take_result *result)
{
    uint64_t got = record_writer_content_size(capture->writer), whole = 0;

    (void)metadata_u64(capture->outcome, KEY_CORE_SIZE, &whole); /* absent: nothing was said */
    if (capture->content_size > 0)
        whole = capture->content_size;
    if (capture->crowded_out)
        set_reason(capture, capture->has_stacks ? RECORD_STACKS : RECORD_FACTS,
                   "the store has used up max_use, and there was no room to be made");
    else if (result->write_failure == -EDQUOT)
        set_reason(capture, RECORD_TRUNCATED,
                   "the record would grow beyond what keep_free and max_use leave");
    else if (result->write_failure < 0)
        set_reason(capture, RECORD_TRUNCATED, "writing the record: %s",
                   strerror(-result->write_failure));
    else if (result->source_failure == -ETIMEDOUT)
        set_reason(capture, RECORD_TRUNCATED, "the deadline came before the core's end");
    else if (result->source_failure < 0)
        set_reason(capture, RECORD_TRUNCATED, "reading the core: %s",
                   strerror(-result->source_failure));
    else if (capture->plan.core_size == 0)
        set_reason(capture, RECORD_TRUNCATED, "the core's beginning did not come");
    else if (got < whole)
        set_reason(capture, RECORD_TRUNCATED, "the kernel stopped before the core's end");
    if (capture->crowded_out) { /* half a core of each of many would be of use to nobody */
        (void)metadata_set_text(capture->outcome, KEY_LAYOUT, "stacks");
        (void)metadata_set_u64(capture->outcome, KEY_LEFT_OUT, whole);
    } else if (capture->state == RECORD_TRUNCATED && whole > got) {
        (void)metadata_set_u64(capture->outcome, KEY_LEFT_OUT, whole - got);
    }
}

/* The front of the core. What was read stands in plan.head even where it makes no sense. */
static void read_front(struct capture *capture)
{
    struct error error = {0};
    (void)fcntl(capture->pipe, F_SETFL, O_NONBLOCK);
    int r = plan_read(capture->pipe, capture->progress->deadline, &capture->plan, &error);
    if (r < 0 &&
        core_extent(capture->plan.head.data, capture->plan.head.size, &capture->plan.core_size) < 0)
        capture->plan.core_size = 0;
    if (r == 0)
        (void)plan_set_facts(&capture->plan, capture->outcome);
}

static int set_outcome(struct capture *capture)
{
    struct metadata *outcome = capture->outcome;
    uint64_t now = clock_now_us(), released = capture->progress->released;

    int r = metadata_set_text(outcome, KEY_STATE, record_state_name(capture->state));
    if (r == 0 && capture->reason[0])
        r = metadata_set_text(outcome, KEY_REASON, capture->reason);
    if (r == 0)
        r = metadata_set_u64(outcome, KEY_HELD_US, (released ? released : now) - capture->started);
    if (r == 0)
        r = metadata_set_u64(outcome, KEY_TAKEN_US, now - capture->started);
    return r;
}

/*
 * Ends a record that could not be written on. Its last frames are given up, so that the end has
 * room, and the index, which is on the same disk; all of the content where the budget is spent.
 */
static int finish_cut(struct capture *capture)
{
    uint64_t whole = record_writer_stored_size(capture->writer);
    uint64_t content = record_writer_content_size(capture->writer) > 0 ? CUT_FOR_ROOM : 0;
    uint64_t cut = whole / 2 < content ? whole / 2 : content;
    struct error error = {0};

    if (capture->crowded_out)
        cut = whole - capture->content_at;

    record_writer_free(steal_pointer(&capture->writer));
    if (ftruncate(capture->part.fd, (off_t)(whole - cut)) < 0)
        return -errno;
    return salvage_part(capture->part.fd, capture->outcome, &error);
}

static int finish(struct capture *capture, bool cut)
{
    int r = set_outcome(capture);
    if (r < 0)
        return r;
    return cut ? finish_cut(capture) : record_writer_finish(capture->writer, capture->outcome);
}

/* What there is to take, and whether it comes from the held process: NULL where it cannot. */
static struct source *open_memory(struct capture *capture)
{
    struct source *memory = NULL;

    if (capture->policy.mode == POLICY_FULL && capture->plan.core_size > 0)
        (void)source_memory_new(capture->victim, &capture->plan, &memory, NULL);
    return memory;
}

static enum capture_exit take(struct capture *capture)
{
    struct take_result result = {0};

    capture->state = RECORD_FULL;
    read_front(capture);
    AUTO_SOURCE struct source *memory = open_memory(capture);
    apply_size(capture, memory);
    if (capture->policy.mode == POLICY_FULL) {
        capture->has_stacks = capture->plan.core_size > 0 && take_rescue(capture, RESCUE_STACKS);
        capture->content_at = record_writer_stored_size(capture->writer);
        int r = take_full(capture, memory, &result);
        if (r < 0)
            result.source_failure = r;
        judge_content(capture, &result);
    } else {
        take_small(capture);
    }
    let_go(capture);
    if (result.stuck && result.write_failure < 0)
        _exit(CAPTURE_UNFINISHED); /* a thread still holds the writer */
    if (capture->state == RECORD_TRUNCATED)
        complain(capture, "the core is incomplete: %s", capture->reason);
    int r = finish(capture, result.write_failure < 0);
    if (r < 0)
        complain(capture, "cannot finish the record: %s", strerror(-r));
    if (result.stuck) /* threads still use what the end would free */
        _exit(r < 0 ? CAPTURE_UNFINISHED : CAPTURE_DONE);
    return r < 0 ? CAPTURE_UNFINISHED : CAPTURE_DONE;
}

/* ---- crashes that are only counted ---- */

/* Waits for more of them and writes one record that stands for all. */
static enum capture_exit write_count(struct capture *capture)
{
    static const struct timespec wait = {.tv_sec = STORM_COUNT_US / 1000000};
    uint64_t crashes = 1;

    if (capture->storm) {
        (void)nanosleep(&wait, NULL);
        crashes = storm_collect(capture->storm, &capture->key);
    }
    set_reason(capture, RECORD_COUNTED, "%s", capture->policy.reason);
    int r = metadata_set_u64(capture->outcome, KEY_COUNT, crashes);
    if (r == 0)
        r = finish(capture, false);
    return r < 0 ? CAPTURE_UNFINISHED : CAPTURE_DONE;
}

/* Adds the crash to its program's count. True: this process is to write the record. */
static bool count(struct capture *capture)
{
    let_go(capture);
    if (capture->storm && !storm_count(capture->storm, &capture->key, clock_now_us())) {
        part_discard(&capture->part);
        return false;
    }
    publish_again(capture);
    return true;
}

/* From the config to the record's last frame. */
static enum capture_exit run(struct capture *capture)
{
    struct error error = {0};

    choose_user(capture);
    if (load_policy(capture) < 0 || set_first_facts(capture) < 0) {
        complain(capture, "out of memory");
        return CAPTURE_UNFINISHED;
    }
    capture->runtime = runtime_open(NULL);
    if (open_record(capture) < 0)
        return CAPTURE_UNFINISHED;
    decide(capture);
    bool counted = capture->policy.mode >= POLICY_COUNT;
    if (counted && !count(capture))
        return CAPTURE_NOTHING;
    if (!counted) {
        storm_free(steal_pointer(&capture->storm));
        gather(capture);
        hand_over_modules(capture);
    }
    close_unneeded(capture);
    (void)watch_send_sealed(capture->socket); /* a watcher that is gone waits for nothing */
    if (cage_enter(capture->uid, capture->gid, &error) < 0) {
        complain(capture, "%s", error.text);
        return CAPTURE_UNFINISHED;
    }
    return counted ? write_count(capture) : take(capture);
}

/* The memory. Descriptors end with the process, and with them the locks that others wait for. */
static void free_memory(struct capture *capture)
{
    policy_free(&capture->policy);
    metadata_free(capture->facts);
    metadata_free(capture->outcome);
    storm_free(capture->storm);
    record_writer_free(capture->writer);
    plan_clear(&capture->plan);
}

enum capture_exit capture_run(const struct arguments *arguments, int pipe, int socket,
                              uint64_t started, struct progress *progress)
{
    AUTO_VICTIM struct victim victim = VICTIM_NONE;
    struct capture capture = {
        .arguments = arguments,
        .victim = &victim,
        .pipe = pipe,
        .socket = socket,
        .started = started,
        .progress = progress,
        .part = PART_NONE,
        .runtime = -1,
        .budget = -1,
        .most = UINT64_MAX,
        .room = ROOM_NONE,
    };

    enum capture_exit end = run(&capture);
    free_memory(&capture);
    return end;
}
