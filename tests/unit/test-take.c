/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-take.c - carrying a core from its source into the record, and the buffer in between. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/buffer.h"
#include "hook/take.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/record.h"

#define SECOND UINT64_C(1000000)

/* ---- the buffer ---- */

/* Two slots of one slab: getting the second one's memory leaves the first one's bytes alone,
 * however late the thread is that does it. */
static void buffer_warms_what_is_filled(void **state)
{
    enum { SLOT = 64 * 1024 };
    struct buffer buffer = {0};
    unsigned char expected[SLOT];

    (void)state;
    memset(expected, 0x7f, sizeof expected);
    assert_int_equal(buffer_init(&buffer, 4 * SLOT, SLOT, 4), 0);
    uint32_t first = buffer_take(&buffer), second = buffer_take(&buffer);
    memcpy(buffer_data(&buffer, first), expected, SLOT);
    buffer_warm(&buffer, second, SLOT);
    assert_memory_equal(buffer_data(&buffer, first), expected, SLOT);
    buffer_clear(&buffer);
}

/* ---- taking ---- */

/* A source that counts: byte n of the content is made of n, with a run of zeros in between. */
struct counting {
    struct source source;
    uint64_t size, position;
    uint64_t zeros_from, zeros_to;
    uint64_t fail_at; /* fill() of the chunk that holds it fails */
    int settle_result;
    bool lies; /* gives the same offset again and again */
    unsigned delay_us;
};

static unsigned char byte_of(const struct counting *counting, uint64_t offset)
{
    if (offset >= counting->zeros_from && offset < counting->zeros_to)
        return 0;
    uint64_t x = offset * 0x9e3779b97f4a7c15u;
    return (unsigned char)(x >> 60 | 1);
}

static int counting_next(struct source *source, struct chunk *ret)
{
    struct counting *counting = (struct counting *)source;
    uint64_t at = counting->position;

    if (at >= counting->size)
        return 0;
    uint64_t left = counting->size - at;
    *ret =
        (struct chunk){.offset = at, .size = left < FRAME_CONTENT_MAX ? left : FRAME_CONTENT_MAX};
    if (at == counting->zeros_from && counting->zeros_to > at) {
        ret->zeros = true;
        ret->size = counting->zeros_to - at;
    }
    if (!counting->lies)
        counting->position += ret->size;
    return 1;
}

static int counting_fill(struct source *source, struct chunk *chunk)
{
    const struct counting *counting = (const struct counting *)source;

    if (counting->delay_us > 0)
        usleep(counting->delay_us);
    if (counting->fail_at >= chunk->offset && counting->fail_at - chunk->offset < chunk->size)
        return -ESTALE;
    for (uint64_t i = 0; i < chunk->size; i++)
        chunk->data[i] = byte_of(counting, chunk->offset + i);
    return 0;
}

static int counting_settle(struct source *source)
{
    return ((struct counting *)source)->settle_result;
}

static const struct source_methods counting_methods = {
    .name = "counting",
    .parallel = true,
    .next = counting_next,
    .fill = counting_fill,
    .settle = counting_settle,
};

struct taken {
    struct take_result result;
    unsigned releases;
    uint64_t content;
    int fd;
};

static void count_release(void *context)
{
    ++*(unsigned *)context;
}

static void run(struct counting *counting, struct take_limits limits, struct taken *ret)
{
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_METADATA struct metadata *facts = metadata_new();

    counting->source.methods = &counting_methods;
    if (counting->fail_at == 0)
        counting->fail_at = UINT64_MAX;
    limits.threads = limits.threads ? limits.threads : 3;
    limits.level = 1;
    limits.room = limits.room ? limits.room : UINT64_MAX;
    limits.deadline = limits.deadline ? limits.deadline : clock_now_us() + 20 * SECOND;
    limits.grace_us = SECOND;
    ret->releases = 0;
    ret->fd = memfd_create("record", MFD_CLOEXEC);
    assert_int_equal(record_writer_new(ret->fd, &writer), 0);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    assert_int_equal(
        take_run(&counting->source, writer, &limits, count_release, &ret->releases, &ret->result),
        0);
    ret->content = record_writer_content_size(writer);
    if (ret->result.write_failure == 0)
        assert_int_equal(record_writer_finish(writer, facts), 0);
}

static int check_piece(void *context, const void *data, size_t size)
{
    struct counting *counting = context;
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        if ((bytes ? bytes[i] : 0) != byte_of(counting, counting->position + i))
            return -EBADMSG;
    counting->position += size;
    return 0;
}

static void check_content(struct counting *counting, struct taken *taken)
{
    AUTO_RECORD struct record *record = NULL;

    counting->position = 0;
    assert_int_equal(record_open(taken->fd, &record, NULL), 0);
    assert_int_equal(record_each_content(record, check_piece, counting, NULL), 0);
    assert_int_equal(counting->position, taken->content);
}

static void take_everything(void **state)
{
    static const uint64_t buffers[] = {0, 1 << 20, 1 << 30};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
        struct counting counting = {.size = 9000001,
                                    .zeros_from = 4 * FRAME_CONTENT_MAX,
                                    .zeros_to = 4 * FRAME_CONTENT_MAX + 3000000};
        struct taken taken = {.fd = -1};
        run(&counting, (struct take_limits){.buffer = buffers[i]}, &taken);
        assert_int_equal(taken.result.source_failure, 0);
        assert_int_equal(taken.content, 9000001);
        assert_int_equal(taken.releases, 1);
        check_content(&counting, &taken);
        close(steal_fd(&taken.fd));
    }
}

/* What lies before the failure is whole; nothing behind it is written; the victim stays. */
static void take_failing_source(void **state)
{
    struct counting counting = {.size = 9000001, .fail_at = 5 * FRAME_CONTENT_MAX + 17};
    struct taken taken = {.fd = -1};

    (void)state;
    run(&counting, (struct take_limits){.buffer = 1 << 30}, &taken);
    assert_int_equal(taken.result.source_failure, -ESTALE);
    assert_int_equal(taken.content, 5 * FRAME_CONTENT_MAX);
    assert_int_equal(taken.releases, 0);
    check_content(&counting, &taken);
    close(steal_fd(&taken.fd));
}

static void take_doubtful_end(void **state)
{
    struct counting counting = {.size = 3000000, .settle_result = -ESTALE};
    struct taken taken = {.fd = -1};

    (void)state;
    run(&counting, (struct take_limits){.buffer = 1 << 30}, &taken);
    assert_int_equal(taken.result.source_failure, -ESTALE);
    assert_int_equal(taken.releases, 0);
    assert_false(taken.result.released);
    close(steal_fd(&taken.fd));
}

static void take_lying_source(void **state)
{
    struct counting counting = {.size = 9000001, .lies = true};
    struct taken taken = {.fd = -1};

    (void)state;
    run(&counting, (struct take_limits){.buffer = 1 << 30}, &taken);
    assert_int_equal(taken.result.source_failure, -EBADMSG);
    assert_int_equal(taken.content, FRAME_CONTENT_MAX);
    close(steal_fd(&taken.fd));
}

static void take_without_room(void **state)
{
    struct counting counting = {.size = 90000001};
    struct taken taken = {.fd = -1};

    (void)state;
    run(&counting, (struct take_limits){.buffer = 1 << 20, .room = 200000}, &taken);
    assert_int_equal(taken.result.write_failure, -EDQUOT);
    assert_int_equal(taken.releases, 1); /* nobody waits for a disk that is full */
    assert_true(taken.content < 90000001);
    close(steal_fd(&taken.fd));
}

static void take_until_deadline(void **state)
{
    struct counting counting = {.size = UINT64_C(1) << 40, .delay_us = 10000};
    struct taken taken = {.fd = -1};
    uint64_t start = clock_now_us();

    (void)state;
    run(&counting, (struct take_limits){.buffer = 1 << 20, .deadline = start + SECOND / 5}, &taken);
    assert_int_equal(taken.result.source_failure, -ETIMEDOUT);
    assert_int_equal(taken.releases, 1);
    assert_false(taken.result.stuck);
    assert_true(clock_now_us() - start < 2 * SECOND);
    check_content(&counting, &taken);
    close(steal_fd(&taken.fd));
}

/* Threads that rest while others do the last of it are not waited for until the deadline. */
static void take_little_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct counting counting = {.size = 1 + i % 3 * FRAME_CONTENT_MAX};
        struct taken taken = {.fd = -1};
        uint64_t start = clock_now_us();
        run(&counting, (struct take_limits){.buffer = 1 << 20, .threads = 2 + i % 4}, &taken);
        assert_true(clock_now_us() - start < 2 * SECOND);
        assert_int_equal(taken.result.source_failure, 0);
        close(steal_fd(&taken.fd));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_warms_what_is_filled), cmocka_unit_test(take_everything),
        cmocka_unit_test(take_failing_source),         cmocka_unit_test(take_doubtful_end),
        cmocka_unit_test(take_lying_source),           cmocka_unit_test(take_without_room),
        cmocka_unit_test(take_until_deadline),         cmocka_unit_test(take_little_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
