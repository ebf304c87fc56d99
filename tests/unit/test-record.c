/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-record.c - what a record writer wrote, a record reader and plain zstd read back. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "store/base/io.h"
#include "store/frame.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/record_writer.h"
#include "store/salvage.h"

enum { MIB = 1024 * 1024 };

static int empty_file(void)
{
    int fd = memfd_create("record", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static uint64_t size_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (uint64_t)st.st_size;
}

/* Content that compresses a little, with a run of zeros in the middle. */
static char *make_content(size_t size)
{
    char *content = calloc(1, size);
    uint32_t seed = 1;
    assert_non_null(content);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        if (i < size / 3 || i > size / 3 * 2)
            content[i] = (char)(seed >> 28);
    }
    return content;
}

static struct metadata *facts_of_a_crash(void)
{
    struct metadata *facts = metadata_new();
    assert_non_null(facts);
    assert_int_equal(metadata_set_u64(facts, KEY_PID, 4711), 0);
    assert_int_equal(metadata_set_text(facts, KEY_COMM, "victim"), 0);
    return facts;
}

static struct metadata *outcome_with(const char *state)
{
    struct metadata *outcome = metadata_new();
    assert_non_null(outcome);
    assert_int_equal(metadata_set_text(outcome, KEY_STATE, state), 0);
    return outcome;
}

/* A record of `content` in memory; unfinished where `state` is NULL. */
static int write_record(const char *content, size_t size, const char *rescue, const char *state)
{
    int fd = empty_file();
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_METADATA struct metadata *facts = facts_of_a_crash();

    assert_int_equal(record_writer_new(fd, &writer), 0);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    if (rescue)
        assert_int_equal(record_writer_rescue(writer, rescue, strlen(rescue)), 0);
    assert_int_equal(record_writer_append(writer, content, size), 0);
    assert_int_equal(record_writer_content_size(writer), size);
    if (state) {
        AUTO_METADATA struct metadata *outcome = outcome_with(state);
        assert_int_equal(record_writer_finish(writer, outcome), 0);
    }
    return fd;
}

/* Decompresses the whole file as `zstd -dc` does: frame by frame, skippable ones passed over. */
static void assert_plain_zstd_gives(int fd, const char *content, size_t size)
{
    uint64_t stored = size_of(fd);
    AUTO_FREE char *file = malloc(stored);
    AUTO_FREE char *out = malloc(size + 1);
    assert_int_equal(io_pread(fd, file, stored, 0), stored);
    size_t n = ZSTD_decompress(out, size + 1, file, stored);
    assert_false(ZSTD_isError(n));
    assert_int_equal(n, size);
    assert_memory_equal(out, content, size);
}

static void reads_back_what_was_written(void **state)
{
    (void)state;
    size_t size = 5 * MIB + 123;
    AUTO_FREE char *content = make_content(size);
    AUTO_FREE char *buffer = malloc(size);
    AUTO_FD int fd = write_record(content, size, "a rescue core", "full");
    AUTO_RECORD struct record *record = NULL;

    assert_plain_zstd_gives(fd, content, size);
    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_true(record_is_finished(record));
    assert_int_equal(record_state(record), RECORD_FULL);
    assert_string_equal(metadata_text(record_metadata(record), KEY_COMM), "victim");
    assert_int_equal(record_content_size(record), size);
    assert_int_equal(record_read(record, buffer, size + 10, 0), size);
    assert_memory_equal(buffer, content, size);
    assert_int_equal(record_read(record, buffer, 10, size), 0);

    AUTO_BYTES struct bytes rescue = {0};
    assert_int_equal(record_rescue(record, &rescue, NULL), 0);
    assert_int_equal(rescue.size, strlen("a rescue core"));
    assert_memory_equal(rescue.data, "a rescue core", rescue.size);
}

static void any_byte_can_be_read_alone(void **state)
{
    (void)state;
    size_t size = 3 * MIB + 7;
    AUTO_FREE char *content = make_content(size);
    AUTO_FD int fd = write_record(content, size, NULL, "full");
    AUTO_RECORD struct record *record = NULL;
    char buffer[5000];

    assert_int_equal(record_open(fd, &record, NULL), 0);
    for (size_t offset = 0; offset + sizeof buffer < size; offset += 99991) {
        assert_int_equal(record_read(record, buffer, sizeof buffer, offset), sizeof buffer);
        assert_memory_equal(buffer, content + offset, sizeof buffer);
    }
}

static void zeros_cost_nearly_nothing(void **state)
{
    (void)state;
    AUTO_FD int fd = empty_file();
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_METADATA struct metadata *facts = facts_of_a_crash(), *outcome = outcome_with("full");
    AUTO_RECORD struct record *record = NULL;
    uint64_t zeros = 1000ull * MIB + 5;
    char buffer[16];

    assert_int_equal(record_writer_new(fd, &writer), 0);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    assert_int_equal(record_writer_append(writer, "head", 4), 0);
    assert_int_equal(record_writer_zeros(writer, zeros), 0);
    assert_int_equal(record_writer_append(writer, "tail", 4), 0);
    assert_int_equal(record_writer_finish(writer, outcome), 0);
    assert_true(size_of(fd) < 256 * 1024);

    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(record_content_size(record), zeros + 8);
    assert_int_equal(record_read(record, buffer, 6, 0), 6);
    assert_memory_equal(buffer, "head\0\0", 6);
    assert_int_equal(record_read(record, buffer, 6, zeros + 2), 6);
    assert_memory_equal(buffer, "\0\0tail", 6);
    assert_int_equal(record_read(record, buffer, 4, zeros / 2), 4);
    assert_memory_equal(buffer, "\0\0\0\0", 4);
}

static void frames_may_be_compressed_elsewhere(void **state)
{
    (void)state;
    AUTO_FD int fd = empty_file();
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_COMPRESSOR struct frame_compressor *compressor = NULL;
    AUTO_METADATA struct metadata *facts = facts_of_a_crash(), *outcome = outcome_with("full");
    char frame[256];

    assert_int_equal(frame_compressor_new(1, &compressor), 0);
    ssize_t n = frame_compress(compressor, "middle", 6, frame, sizeof frame);
    assert_true(n > 0);
    assert_int_equal(record_writer_new(fd, &writer), 0);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    assert_int_equal(record_writer_append(writer, "first ", 6), 0);
    assert_int_equal(record_writer_frame(writer, frame, (uint32_t)n, 6), 0);
    assert_int_equal(record_writer_append(writer, " last", 5), 0);
    assert_int_equal(record_writer_finish(writer, outcome), 0);
    assert_plain_zstd_gives(fd, "first middle last", 17);
}

static void a_cut_record_is_salvaged_at_every_length(void **state)
{
    (void)state;
    size_t size = MIB;
    AUTO_FREE char *content = make_content(size);
    AUTO_FREE char *buffer = malloc(size);
    AUTO_FD int whole = write_record(content, size, "rescue", "full");
    AUTO_METADATA struct metadata *outcome = outcome_with("truncated");
    uint64_t length = size_of(whole);
    AUTO_FREE char *file = malloc(length);

    assert_int_equal(io_pread(whole, file, length, 0), length);
    for (uint64_t cut = 0; cut < length; cut += 1 + length / 300) {
        AUTO_FD int fd = empty_file();
        AUTO_RECORD struct record *record = NULL;
        assert_int_equal(io_pwrite(fd, file, cut, 0), 0);
        int r = salvage_part(fd, outcome, NULL);
        if (r == -ENODATA) {
            assert_true(cut < 200); /* only where not even the facts are whole */
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(record_open(fd, &record, NULL), 0);
        assert_int_equal(record_state(record), RECORD_TRUNCATED);
        uint64_t got = record_content_size(record);
        assert_int_equal(record_read(record, buffer, size, 0), got);
        assert_memory_equal(buffer, content, got);
        assert_plain_zstd_gives(fd, content, got);
    }
}

static void a_finished_record_is_left_as_it_is(void **state)
{
    (void)state;
    AUTO_FD int fd = write_record("content", 7, NULL, "full");
    AUTO_METADATA struct metadata *outcome = outcome_with("truncated");
    AUTO_RECORD struct record *record = NULL;
    uint64_t before = size_of(fd);

    assert_int_equal(salvage_part(fd, outcome, NULL), 0);
    assert_int_equal(size_of(fd), before);
    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(record_state(record), RECORD_FULL);
}

static void a_live_part_can_be_read(void **state)
{
    (void)state;
    AUTO_FREE char *content = make_content(MIB);
    AUTO_FD int fd = write_record(content, MIB, NULL, NULL);
    AUTO_RECORD struct record *record = NULL;

    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(record_state(record), RECORD_CAPTURING);
    assert_false(record_is_finished(record));
    assert_true(record_content_size(record) > 0);
}

static void pruning_keeps_facts_and_rescue_core(void **state)
{
    (void)state;
    AUTO_FREE char *content = make_content(MIB);
    AUTO_FD int fd = write_record(content, MIB, "rescue", "full");
    AUTO_FD int out = empty_file();
    AUTO_RECORD struct record *record = NULL, *pruned = NULL;
    AUTO_BYTES struct bytes rescue = {0};

    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(salvage_prune(record, out, NULL), 0);
    assert_int_equal(record_open(out, &pruned, NULL), 0);
    assert_int_equal(record_state(pruned), RECORD_PRUNED);
    assert_int_equal(record_content_size(pruned), 0);
    assert_string_equal(metadata_text(record_metadata(pruned), KEY_PID), "4711");
    assert_int_equal(record_rescue(pruned, &rescue, NULL), 0);
    assert_memory_equal(rescue.data, "rescue", 6);
}

static void count_bad_frame(void *context, uint64_t offset, uint32_t size)
{
    (void)offset;
    (void)size;
    ++*(int *)context;
}

static void a_flipped_bit_is_found(void **state)
{
    (void)state;
    AUTO_FREE char *content = make_content(2 * MIB);
    AUTO_FD int fd = write_record(content, 2 * MIB, NULL, "full");
    AUTO_RECORD struct record *record = NULL;
    unsigned char byte;
    int bad = 0;

    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(record_verify(record, count_bad_frame, &bad, NULL), 0);
    assert_int_equal(bad, 0);
    assert_int_equal(io_pread(fd, &byte, 1, 5000), 1);
    byte ^= 0x10;
    assert_int_equal(io_pwrite(fd, &byte, 1, 5000), 0);
    assert_int_equal(record_verify(record, count_bad_frame, &bad, NULL), 0);
    assert_int_equal(bad, 1);
    char buffer[16];
    assert_int_equal(record_read(record, buffer, sizeof buffer, 0), -EBADMSG);
}

/* Who removes or prunes a record takes its blocks, also from those who have it open. */
static void what_was_removed_is_not_corrupt(void **state)
{
    (void)state;
    char name[] = "/tmp/test-record.XXXXXX", buffer[16];
    AUTO_FREE char *content = make_content(2 * MIB);
    AUTO_FD int in = write_record(content, 2 * MIB, NULL, "full"), fd = mkstemp(name);
    AUTO_RECORD struct record *record = NULL;
    struct error error = {0};
    int bad = 0;

    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    assert_int_equal(io_copy(in, fd), 0);
    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(record_verify(record, count_bad_frame, &bad, NULL), 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(record_read(record, buffer, sizeof buffer, MIB), -ESTALE);
    assert_int_equal(record_verify(record, count_bad_frame, &bad, NULL), -ESTALE);
    assert_int_equal(record_each_content(record, NULL, NULL, &error), -ESTALE);
    assert_non_null(strstr(error.text, "removed or pruned"));
    assert_int_equal(bad, 0);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"", "x", "\177ELF", "INQM",
                                        "\x50\x2a\x4d\x18\x04\0\0\0none"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        AUTO_FD int fd = empty_file();
        AUTO_RECORD struct record *record = NULL;
        struct error error = {0};
        assert_int_equal(io_pwrite(fd, files[i], strlen(files[i]), 0), 0);
        assert_int_equal(record_open(fd, &record, &error), -EBADMSG);
        assert_true(error.text[0] != '\0');
    }
}

static void an_import_refuses_what_is_no_core(void **state)
{
    (void)state;
    AUTO_FD int in = empty_file(), out = empty_file();
    AUTO_METADATA struct metadata *facts = facts_of_a_crash(), *outcome = metadata_new();

    assert_int_equal(io_pwrite(in, "#!/bin/sh\n", 10, 0), 0);
    assert_int_equal(salvage_import(in, out, facts, UINT64_MAX, outcome, NULL), -EBADMSG);
}

/* A core of `size` bytes, zeros but for its headers, compressed. */
static int compressed_core(size_t size)
{
    const struct {
        Elf64_Ehdr header;
        Elf64_Phdr segment;
    } start = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_CORE,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1},
        .segment = {.p_type = PT_LOAD, .p_filesz = MIB, .p_memsz = MIB},
    };
    AUTO_FREE char *core = calloc(1, size), *packed = malloc(ZSTD_compressBound(size));
    int fd = empty_file();
    if (!core || !packed) {
        fail_msg("no memory");
        return -1;
    }
    memcpy(core, &start, sizeof start);
    size_t n = ZSTD_compress(packed, ZSTD_compressBound(size), core, size, 1);
    assert_false(ZSTD_isError(n));
    assert_int_equal(io_pwrite(fd, packed, n, 0), 0);
    return fd;
}

static void an_import_takes_no_more_than_max_core(void **state)
{
    (void)state;
    const struct {
        uint64_t size, max_core;
        const char *state;
        uint64_t core_size;
    } cases[] = {
        {MIB, MIB, "full", MIB},
        {MIB, MIB - 1, "truncated", MIB},
        {MIB, 1000, "truncated", MIB},
        {64 * MIB, 64 * MIB, "full", 64 * MIB},
        {64 * MIB, 8 * MIB + 5, "truncated", 8 * MIB + 5}, /* longer than its headers say */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FD int in = compressed_core(cases[i].size), out = empty_file();
        AUTO_METADATA struct metadata *facts = facts_of_a_crash(), *outcome = metadata_new();
        AUTO_RECORD struct record *record = NULL;
        uint64_t core_size, all = cases[i].size, most = cases[i].max_core;
        assert_int_equal(salvage_import(in, out, facts, most, outcome, NULL), 0);
        assert_string_equal(metadata_text(outcome, KEY_STATE), cases[i].state);
        assert_int_equal(metadata_u64(outcome, KEY_CORE_SIZE, &core_size), 0);
        assert_int_equal(core_size, cases[i].core_size);
        assert_int_equal(record_open(out, &record, NULL), 0);
        assert_int_equal(record_content_size(record), all < most ? all : most);
        const char *reason = metadata_text(outcome, KEY_REASON);
        assert_true((reason && strstr(reason, "max_core")) == (all > most));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_was_written),
        cmocka_unit_test(any_byte_can_be_read_alone),
        cmocka_unit_test(zeros_cost_nearly_nothing),
        cmocka_unit_test(frames_may_be_compressed_elsewhere),
        cmocka_unit_test(a_cut_record_is_salvaged_at_every_length),
        cmocka_unit_test(a_finished_record_is_left_as_it_is),
        cmocka_unit_test(a_live_part_can_be_read),
        cmocka_unit_test(pruning_keeps_facts_and_rescue_core),
        cmocka_unit_test(a_flipped_bit_is_found),
        cmocka_unit_test(what_was_removed_is_not_corrupt),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(an_import_refuses_what_is_no_core),
        cmocka_unit_test(an_import_takes_no_more_than_max_core),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
