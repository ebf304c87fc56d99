/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-report.c - a report becomes the model, and whatever breaks a rule is refused as a whole. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/bytes.h"
#include "store/report.h"

#define REPORTS TOP_SRCDIR "/tests/data/reports/"

static struct report *read_fixture(const char *path)
{
    struct report *report = NULL;
    struct error error = {0};
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    if (report_read(fd, &report, &error) < 0)
        fail_msg("%s", error.text);
    return report;
}

static void a_report_becomes_the_model(void **state)
{
    (void)state;
    AUTO_REPORT struct report *report = read_fixture(REPORTS "teapot.json");

    assert_true(report->complete);
    assert_int_equal(report->signal, 11);
    assert_true(report->has_si_code);
    assert_int_equal(report->si_code, 1);
    assert_int_equal(report->fault_address, 0x18);
    assert_string_equal(report->signature, "6f1d2c3b4a596877");
    assert_int_equal(report->signature_frames.n, 4);
    assert_int_equal(report->n_threads, 15);
    assert_int_equal(report->n_stacks, 4);
    assert_int_equal(report->n_modules, 4);
    assert_string_equal(report->instruction_bytes, "488b4718");

    const struct report_thread *thread = report_crashing_thread(report);
    assert_int_equal(thread->tid, 4243);
    assert_string_equal(thread->name, "brewer");
    assert_int_equal(thread->n_registers, 6);
    assert_string_equal(thread->registers[0].name, "rip");
    assert_int_equal(thread->registers[0].value, 0x55d0c0a01a2c);
    assert_int_equal(thread->stack->n_frames, 8);

    const struct report_frame *frame = &thread->stack->frames[0];
    assert_string_equal(frame->function, "Kettle::temperature() const");
    assert_true(frame->inlined);
    assert_int_equal(frame->line, 41);
    assert_int_equal(frame->column, 16);
    assert_ptr_equal(frame->module, &report->modules[0]);
    assert_true(frame->has_module_offset);
    assert_int_equal(frame->trust, REPORT_TRUST_REGISTERS);
    assert_true(report_frame_is_guess(&thread->stack->frames[4]));
    assert_null(thread->stack->frames[4].function);
    assert_ptr_equal(report->threads[2].stack, report->threads[13].stack);
    assert_false(report->modules[2].verified);
    assert_null(report->modules[2].build_id);
}

static void bytes_come_back_from_base64(void **state)
{
    (void)state;
    AUTO_REPORT struct report *report = read_fixture(REPORTS "hostile.json");
    assert_string_equal(report->stacks[0].frames[2].function, "caf\xe9\xff\x1b[2J");
}

static void frames_left_out_have_their_place(void **state)
{
    (void)state;
    AUTO_REPORT struct report *report = read_fixture(REPORTS "deep.json");
    assert_int_equal(report->threads[0].omitted, 999997);
    assert_int_equal(report->threads[0].omitted_at, 4);
    assert_false(report->complete);
}

static void what_is_unknown_is_null(void **state)
{
    (void)state;
    AUTO_REPORT struct report *report = read_fixture(REPORTS "bare.json");
    assert_false(report->has_si_code);
    assert_false(report->has_fault_address);
    assert_null(report->signal_name);
    assert_null(report->signature);
    assert_null(report->function);
    assert_null(report->stacks[0].frames[0].module);
    assert_int_equal(report->threads[1].stack->n_frames, 0);
    assert_int_equal(report->threads[1].stop, REPORT_STOP_NO_REGISTERS);
}

static int parse(const char *text)
{
    struct report *report = NULL;
    struct error error = {0};
    int r = report_parse(text, strlen(text), &report, &error);
    if (r < 0) {
        assert_null(report);
        assert_true(error.text[0] != '\0');
    }
    report_free(report);
    return r;
}

/* The fixture with one value put in the place of another. */
static int parse_changed(const char *from, const char *to)
{
    json_error_t where;
    AUTO_BYTES struct bytes text = {0};
    json_t *root = json_load_file(REPORTS "teapot.json", 0, &where);
    AUTO_FREE char *whole = json_dumps(root, JSON_COMPACT);
    json_decref(root);

    char *at = strstr(whole, from);
    if (!at)
        fail_msg("the fixture lacks %s", from);
    assert_int_equal(bytes_append(&text, whole, (size_t)(at - whole)), 0);
    assert_int_equal(bytes_append_text(&text, to), 0);
    assert_int_equal(bytes_append_text(&text, at + strlen(from)), 0);
    return parse(text.data);
}

static void what_breaks_a_rule_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"version\":1", "\"version\":2"},
        {"\"version\":1,", ""},
        {"\"signal\":11", "\"signal\":\"11\""},
        {"\"signal\":11", "\"signal\":-1"},
        {"\"signal\":11", "\"signal\":11.5"},
        {"\"si_code\":1", "\"si_code\":99999999999"},
        {"\"complete\":true", "\"complete\":1"},
        {"\"reason\":\"", "\"reason\":null,\"x\":\""},
        {"\"6f1d2c3b4a596877\"", "\"6f1d2c3b4a59687\""},
        {"\"6f1d2c3b4a596877\"", "\"6F1D2C3B4A596877\""},
        {"\"6f1d2c3b4a596877\"", "\"../../../../etc/\""},
        {"\"6f1d2c3b4a596877\"", "\"6f1d2c3b4a59687700\""},
        {"\"0x18\"", "\"18\""},
        {"\"0x18\"", "\"0x\""},
        {"\"0x18\"", "\"0x18 \""},
        {"\"0x18\"", "\"0x11111111111111111\""},
        {"\"0x18\"", "24"},
        {"\"stack\":0", "\"stack\":4"},
        {"\"stack\":0", "\"stack\":-1"},
        {"\"stack\":0", "\"stack\":null"},
        {"\"module\":0", "\"module\":4"},
        {"\"module\":0", "\"module\":-1"},
        {"\"module\":0", "\"module\":\"libc\""},
        {"\"trust\":\"cfi\"", "\"trust\":\"sure\""},
        {"\"trust\":\"cfi\"", "\"trust\":null"},
        {"\"stop\":\"end\"", "\"stop\":\"never\""},
        {"\"symbols\":\"dwarf\"", "\"symbols\":\"stabs\""},
        {"\"line\":41", "\"line\":-41"},
        {"\"line\":41", "\"line\":4294967296"},
        {"\"omitted\":0", "\"omitted\":-1"},
        {"\"omitted\":0", "\"omitted\":0,\"omitted_at\":9"},
        {"\"inlined\":true", "\"inlined\":\"yes\""},
        {"\"pc\":\"", "\"pd\":\""},
        {"\"function\":\"", "\"function\":7,\"x\":\""},
        {"\"details\":[", "\"details\":[1,"},
        {"\"registers\":{", "\"registers\":{\"r0\":0,"},
        {"\"instruction\":{", "\"instruction\":[],\"x\":{"},
        {"\"threads\":[", "\"threads\":[[],"},
        {"\"stacks\":[", "\"stacks\":[{},"},
        {"\"stacks\":[[", "\"stacks\":[[1,"},
        {"\"modules\":[", "\"modules\":[null,"},
        {"\"path\":\"/usr", "\"path\":null,\"x\":\"/usr"},
        {"\"tid\":4243", "\"tid\":4243,\"tid\":1"},
        {"brewer", "\\u0000"},
        {"\"name\":\"brewer\"", "\"name\":\"\xef\xbf\xbd\",\"name_b64\":\"!!!!\""},
        {"\"name\":\"brewer\"", "\"name\":\"\xef\xbf\xbd\",\"name_b64\":\"AAAA\""},
        {"\"name\":\"brewer\"", "\"name\":\"\xef\xbf\xbd\",\"name_b64\":\"abc\""},
        {"\"name\":\"brewer\"", "\"name\":\"\xef\xbf\xbd\",\"name_b64\":\"ab==cd==\""},
        {"\"name\":\"brewer\"", "\"name\":\"\xef\xbf\xbd\",\"name_b64\":7"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        int r = parse_changed(changes[i].from, changes[i].to);
        if (r != -EBADMSG)
            fail_msg("%s for %s gives %d", changes[i].to, changes[i].from, r);
    }
}

static void what_may_be_missing_may(void **state)
{
    (void)state;
    assert_int_equal(parse_changed("\"si_code\":1,", ""), 0);
    assert_int_equal(parse_changed("\"name\":\"brewer\",", ""), 0);
    assert_int_equal(parse_changed("\"complete\":true", "\"later_key\":{},\"complete\":true"), 0);
    assert_int_equal(parse("{\"version\":1,\"signal\":0,\"reason\":\"\"}"), 0);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "", "{", "[]", "null", "{}", "\177ELF", "{\"version\":1}"};
    for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
        assert_int_equal(parse(garbage[i]), -EBADMSG);
}

/* `n` times `unit` between the two ends. */
static int parse_repeated(const char *begin, const char *unit, size_t n, const char *end)
{
    AUTO_BYTES struct bytes text = {0};
    assert_int_equal(bytes_append_text(&text, begin), 0);
    assert_int_equal(bytes_reserve(&text, n * strlen(unit)), 0);
    while (n-- > 0)
        assert_int_equal(bytes_append_text(&text, unit), 0);
    assert_int_equal(bytes_append_text(&text, end), 0);
    return parse(text.data);
}

static void bounds_hold(void **state)
{
    (void)state;
    const char *head = "{\"version\":1,\"signal\":0,\"reason\":\"\",";
    char begin[128];

    assert_int_equal(parse_repeated("", "[", 9, ""), -EFBIG);
    assert_int_equal(parse_repeated("[0", ",0", REPORT_MAX_MEMORY / 40, "]"), -EFBIG);
    assert_int_equal(parse_repeated("[{}", ",{}", REPORT_MAX_MEMORY / 220, "]"), -EFBIG);
    assert_int_equal(parse_repeated("[[]", ",[]", REPORT_MAX_MEMORY / 120, "]"), -EFBIG);
    assert_int_equal(parse_repeated("[\"\"", ",\"\"", REPORT_MAX_MEMORY / 90, "]"), -EFBIG);
    assert_int_equal(parse_repeated("{\"\":0", ",\"\":0", REPORT_MAX_MEMORY / 100, "}"), -EFBIG);
    assert_int_equal(parse_repeated("\"", "x", REPORT_MAX_SIZE, "\""), -EFBIG);
    snprintf(begin, sizeof begin, "%s\"details\":[\"\"", head);
    assert_int_equal(parse_repeated(begin, ",\"\"", REPORT_MAX_TEXTS, "]}"), -EFBIG);
    assert_int_equal(parse_repeated(begin, ",\"\"", REPORT_MAX_TEXTS - 1, "]}"), 0);
    snprintf(begin, sizeof begin, "%s\"stacks\":[[0", head);
    assert_int_equal(parse_repeated(begin, ",0", REPORT_MAX_FRAMES, "]]}"), -EFBIG);
}

/* As many threads as a machine has PIDs, with all that the analyzer says of each. Memcheck takes a
 * quarter of an hour for them, so builds for it and for sanitizers have fewer. */
#ifdef INQUEST_SANITIZED
#define MANY_THREADS 4096
#else
#define MANY_THREADS 65536
#endif

static void many_threads_are_within_them(void **state)
{
    (void)state;
    static const char *const names[] = {"r15",     "r14",      "r13", "r12", "rbp",    "rbx", "r11",
                                        "r10",     "r9",       "r8",  "rax", "rcx",    "rdx", "rsi",
                                        "rdi",     "orig_rax", "rip", "cs",  "eflags", "rsp", "ss",
                                        "fs_base", "gs_base",  "ds",  "es",  "fs",     "gs"};
    AUTO_BYTES struct bytes text = {0};
    char thread[2048];
    size_t used = (size_t)snprintf(thread, sizeof thread,
                                   "{\"tid\":4194304,\"name\":\"worker-of-a-pool\","
                                   "\"crashed\":false,\"stop\":\"end\",\"stack\":0,\"omitted\":0,"
                                   "\"registers\":{");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        used += (size_t)snprintf(thread + used, sizeof thread - used, "%s\"%s\":\"0x7ffff7fc1000\"",
                                 i > 0 ? "," : "", names[i]);
    snprintf(thread + used, sizeof thread - used, "}}");

    assert_int_equal(bytes_append_text(&text, "{\"version\":1,\"signal\":11,\"reason\":\"\","
                                              "\"stacks\":[[{\"pc\":\"0x1\",\"trust\":\"cfi\"}]],"
                                              "\"threads\":["),
                     0);
    for (size_t i = 0; i < MANY_THREADS; i++) {
        assert_int_equal(bytes_append_text(&text, i > 0 ? "," : ""), 0);
        assert_int_equal(bytes_append_text(&text, thread), 0);
    }
    assert_int_equal(bytes_append_text(&text, "]}"), 0);
    assert_int_equal(parse(text.data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_becomes_the_model),
        cmocka_unit_test(bytes_come_back_from_base64),
        cmocka_unit_test(frames_left_out_have_their_place),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
        cmocka_unit_test(what_may_be_missing_may),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(many_threads_are_within_them),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
