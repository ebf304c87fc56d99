/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-config.c - inquest.conf: values, defaults, rules, and files that make no sense. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/base/io.h"
#include "store/config.h"
#include "store/config_keys.h"

#define MIB    (1024ull * 1024)
#define GIB    (1024 * MIB)
#define SECOND 1000000ull

struct warnings {
    unsigned count;
    unsigned line; /* of the last */
    char text[1024];
};

static void note(void *data, const char *file, unsigned line, const char *message)
{
    struct warnings *warnings = data;
    warnings->count++;
    warnings->line = line;
    snprintf(warnings->text, sizeof warnings->text, "%s: %s", file, message);
}

static struct config *parse_size_of(const char *text, size_t size, struct warnings *warnings)
{
    struct config *config = NULL;
    *warnings = (struct warnings){0};
    assert_int_equal(config_parse("test.conf", text, size, note, warnings, &config), 0);
    assert_non_null(config);
    return config;
}

static struct config *parse(const char *text, struct warnings *warnings)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a file that is read has text */
    return parse_size_of(text, strlen(text), warnings);
}

static void defaults_are_those_of_the_design(void **state)
{
    (void)state;
    struct warnings w;
    AUTO_CONFIG struct config *config = parse("", &w);
    const struct config_settings *s = config_settings(config);

    assert_int_equal(w.count, 0);
    assert_int_equal(s->capture.mode, CONFIG_MODE_FULL);
    assert_int_equal(s->capture.max_core, 32 * GIB);
    assert_int_equal(config_budget_of(s->capture.hold_buffer, 8 * GIB), 2 * GIB);
    assert_int_equal(s->capture.deadline, 300 * SECOND);
    assert_int_equal(s->capture.compression, 1);
    assert_string_equal(s->capture.environ[0], "PATH");
    assert_int_equal(s->storm.window, 600 * SECOND);
    assert_int_equal(s->storm.full, 20);
    assert_int_equal(s->storm.stacks, 100);
    assert_int_equal(s->storm.facts, 1000);
    assert_null(s->store.path);
    assert_int_equal(config_budget_of(s->store.max_use, 10 * GIB), GIB);
    assert_int_equal(config_budget_of(s->store.max_use, 1000 * GIB), 4 * GIB);
    assert_int_equal(config_budget_of(s->store.keep_free, 1000 * GIB), 4 * GIB);
    assert_int_equal(s->store.core_age, 14 * 86400 * SECOND);
    assert_int_equal(s->store.keep_per_signature, 5);
    assert_true(s->analyze.automatic);
    assert_null(s->analyze.debuginfod[0]);
    assert_int_equal(s->analyze.max_frames, 4096);
    assert_int_equal(s->analyze.memory, 2 * GIB);
    assert_null(s->notify.program);
}

static void every_default_parses_and_no_key_comes_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        struct config_pool pool = {0};
        struct config_settings settings = {0};
        assert_int_equal(
            config_key_set(&config_keys[i], config_keys[i].default_text, false, &pool, &settings),
            0);
        config_pool_free(&pool);
        assert_ptr_equal(config_key_find(config_keys[i].section, config_keys[i].name),
                         &config_keys[i]);
        if (config_keys[i].in_rules)
            assert_ptr_equal(config_key_find(NULL, config_keys[i].name), &config_keys[i]);
    }
}

static void values_are_taken_with_their_origin(void **state)
{
    (void)state;
    struct warnings w;
    AUTO_CONFIG struct config *config = parse("\xef\xbb\xbf[capture]\r\n"
                                              "  mode = stacks ; a remark\r\n"
                                              "  max_core=unlimited\n"
                                              "compression: auto\n"
                                              "environ = A B\n"
                                              "environ = C*\n"
                                              "[store]\n"
                                              "path = /srv/crash store\n"
                                              "max_use = 20%, at most 7G\n"
                                              "keep_free = 512M\n"
                                              "core_age = never\n"
                                              "[analyze]\n"
                                              "auto = off\n"
                                              "debuginfod = https://a.example https://b.example\n",
                                              &w);
    const struct config_settings *s = config_settings(config);

    assert_int_equal(w.count, 0);
    assert_int_equal(s->capture.mode, CONFIG_MODE_STACKS);
    assert_int_equal(s->capture.max_core, CONFIG_UNLIMITED);
    assert_int_equal(s->capture.compression, CONFIG_COMPRESSION_AUTO);
    assert_string_equal(s->capture.environ[0], "A");
    assert_string_equal(s->capture.environ[1], "B");
    assert_string_equal(s->capture.environ[2], "C*");
    assert_null(s->capture.environ[3]);
    assert_string_equal(s->store.path, "/srv/crash store");
    assert_int_equal(config_budget_of(s->store.max_use, 10 * GIB), 2 * GIB);
    assert_int_equal(config_budget_of(s->store.max_use, 100 * GIB), 7 * GIB);
    assert_int_equal(config_budget_of(s->store.keep_free, 100 * GIB), 512 * MIB);
    assert_int_equal(config_budget_of(s->store.keep_free, 100 * MIB), 100 * MIB);
    assert_int_equal(s->store.core_age, CONFIG_UNLIMITED);
    assert_false(s->analyze.automatic);
    assert_string_equal(s->analyze.debuginfod[1], "https://b.example");

    const struct config_key *key = config_key_find("store", "path");
    struct config_origin origin = config_origin(config, (size_t)(key - config_keys));
    assert_string_equal(origin.file, "test.conf");
    assert_int_equal(origin.line, 8);
    assert_string_equal(origin.text, "/srv/crash store");
    key = config_key_find("storm", "full");
    origin = config_origin(config, (size_t)(key - config_keys));
    assert_null(origin.file);
    assert_string_equal(origin.text, "20");
}

static void what_makes_no_sense_is_told_and_the_default_stays(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        const char *told;
    } cases[] = {
        {"[capture]\nmode = everything\n", 2, "expected full, stacks, facts or ignore"},
        {"[capture]\nmax_core = lots\n", 2, "expected a size"},
        {"[capture]\nmax_core = 99999999999999999999\n", 2, "expected a size"},
        {"[capture]\nhold_buffer = 101%\n", 2, "expected 10%, 4G"},
        {"[capture]\ndeadline = soon\n", 2, "expected a time"},
        {"[capture]\ncompression = 20\n", 2, "expected a level"},
        {"[capture]\nfast = yes\n", 2, "[capture] has no key \"fast\""},
        {"[captrue]\nmode = facts\n", 2, "no section that is known"},
        {"mode = facts\n", 1, "no section that is known"},
        {"[capture\nmode = facts\n", 2, "no section that is known"},
        {"[capture]\nmode\n", 2, "not \"key = value\""},
        {"[capture]\nmode ;= facts\n", 2, "not \"key = value\""},
        {"[capture]\n= facts\n", 2, "no key before the ="},
        {"[storm]\nfull = -1\n", 2, "expected a number"},
        {"[store]\npath = relative\n", 2, "expected an absolute path"},
        {"[analyze]\nauto = maybe\n", 2, "expected yes or no"},
        {"[rule x]\nexe = a\npath = /tmp\n", 3, "a rule has no key \"path\""},
        {"[rule x]\nexe = a\nmode = never\n", 3, "expected full"},
        {"[rule x]\nmode = facts\n", 2, "it never applies"},
        {"[rule x]\nexe = a\ncomm =\n", 3, "empty comm"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct warnings w, none;
        AUTO_CONFIG struct config *config = parse(cases[i].text, &w);
        AUTO_CONFIG struct config *defaults = parse("", &none);
        assert_true(w.count >= 1);
        assert_int_equal(w.line, cases[i].line);
        if (!strstr(w.text, cases[i].told))
            fail_msg("case %zu: \"%s\" doesn't say \"%s\"", i, w.text, cases[i].told);
        assert_int_equal(config_settings(config)->capture.mode, CONFIG_MODE_FULL);
        assert_int_equal(config_settings(config)->capture.max_core, 32 * GIB);
        for (size_t k = 0; k < config_key_count; k++)
            assert_null(config_origin(config, k).file);
    }
}

static void a_line_too_long_or_with_a_nul_harms_no_other(void **state)
{
    (void)state;
    struct warnings w;
    char text[1200];

    int n = snprintf(text, sizeof text,
                     "[storm]\nfull = %0500d\nstacks = 7\n[rule %0100d]\nfacts = 1\n", 5, 7);
    AUTO_CONFIG struct config *config = parse(text, &w);
    assert_int_equal(w.count, 3);
    assert_int_equal(config_settings(config)->storm.full, 20);
    assert_int_equal(config_settings(config)->storm.stacks, 7);
    assert_int_equal(config_settings(config)->storm.facts, 1000);
    (void)n;

    static const char nul[] = "[storm]\nfull = 5\0 6\nstacks = 8\n";
    AUTO_CONFIG struct config *second = parse_size_of(nul, sizeof nul - 1, &w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.line, 2);
    assert_int_equal(config_settings(second)->storm.full, 20);
    assert_int_equal(config_settings(second)->storm.stacks, 8);
}

static void warnings_are_bounded(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes text = {0};
    struct warnings w;

    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(bytes_append_text(&text, "[rule a]\nenviron = X\nnonsense\n"), 0);
    AUTO_CONFIG struct config *config = parse_size_of(text.data, text.size, &w);
    assert_int_equal(w.count, CONFIG_MAX_WARNINGS + 1);
}

static const char rules[] = "[rule quiet]\n"
                            "  comm = stress-*\n"
                            "  comm = fuzz\n"
                            "  user = nobody\n"
                            "  user = 4*\n"
                            "  mode = ignore\n"
                            "[rule database]\n"
                            "  unit = postgresql@*.service\n"
                            "  mode = stacks\n"
                            "  full = 3\n"
                            "  core_age = 2d\n"
                            "[rule signals]\n"
                            "  signal = SIGQ*\n"
                            "  signal = 5\n"
                            "  environ = X\n"
                            "[rule late]\n"
                            "  exe = /opt/*\n"
                            "  container = *\n"
                            "  mode = facts\n"
                            "[storm]\n"
                            "stacks = 9\n";

static const char *rule_for(const struct config *config, struct config_subject subject,
                            const struct config_settings **ret)
{
    const char *name;
    config_for(config, &subject, ret, &name);
    return name ?: "";
}

static void the_first_rule_that_matches_holds(void **state)
{
    (void)state;
    struct warnings w;
    AUTO_CONFIG struct config *config = parse(rules, &w);
    const struct config_settings *s;

    assert_int_equal(w.count, 0);
    struct config_subject plain = {
        .exe = "/usr/bin/x", .comm = "x", .uid = 1000, .signal = SIGSEGV};
    assert_string_equal(rule_for(config, plain, &s), "");
    assert_ptr_equal(s, config_settings(config));

    struct config_subject quiet = {.comm = "stress-ng", .user = "nobody", .uid = 65534};
    assert_string_equal(rule_for(config, quiet, &s), "quiet");
    assert_int_equal(s->capture.mode, CONFIG_MODE_IGNORE);
    quiet.user = NULL;
    assert_string_equal(rule_for(config, quiet, &s), "");
    quiet.uid = 42;
    assert_string_equal(rule_for(config, quiet, &s), "quiet");
    quiet.comm = "fuzzy";
    assert_string_equal(rule_for(config, quiet, &s), "");

    struct config_subject base = {.unit = "postgresql@15-main.service", .comm = "postgres"};
    assert_string_equal(rule_for(config, base, &s), "database");
    assert_int_equal(s->capture.mode, CONFIG_MODE_STACKS);
    assert_int_equal(s->storm.full, 3);
    assert_int_equal(s->storm.stacks, 9); /* set after the rule, and under it all the same */
    assert_int_equal(s->store.core_age, 2 * 86400 * SECOND);
    assert_int_equal(s->capture.max_core, 32 * GIB);
    assert_ptr_equal(config_under_rule(config, "database"), s);
    assert_ptr_equal(config_under_rule(config, "gone"), config_settings(config));
    assert_ptr_equal(config_under_rule(config, NULL), config_settings(config));

    plain.signal = SIGQUIT;
    assert_string_equal(rule_for(config, plain, &s), "signals");
    assert_string_equal(s->capture.environ[0], "X");
    assert_null(s->capture.environ[1]);
    plain.signal = SIGTRAP;
    assert_string_equal(rule_for(config, plain, &s), "signals");
    plain.signal = SIGRTMIN + 3;
    assert_string_equal(rule_for(config, plain, &s), "");

    struct config_subject late = {.exe = "/opt/a/b", .signal = SIGSEGV};
    assert_string_equal(rule_for(config, late, &s), "");
    late.container = "0123";
    assert_string_equal(rule_for(config, late, &s), "late");
}

static void files_that_cannot_be_read_are_warnings(void **state)
{
    (void)state;
    char path[] = "/tmp/inquest-config-XXXXXX";
    assert_non_null(mkdtemp(path));
    struct warnings w = {0};
    struct config *config = NULL;

    static const struct {
        const char *path, *told;
    } cases[] = {{"/nonexistent/inquest.conf", "cannot be read"},
                 {"/", "no regular file"},
                 {"/dev/zero", "no regular file"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(config_load(cases[i].path, note, &w, &config), 0);
        assert_int_equal(w.count, i + 1);
        assert_non_null(strstr(w.text, cases[i].told));
        assert_int_equal(config_settings(config)->storm.full, 20);
        config_free(config);
    }

    char name[64];
    snprintf(name, sizeof name, "%s/pipe", path);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(config_load(name, note, &w, &config), 0); /* and comes back */
    assert_int_equal(w.count, 4);
    config_free(config);
    unlink(name);

    snprintf(name, sizeof name, "%s/large", path);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, CONFIG_MAX_FILE + 1), 0);
    close(fd);
    assert_int_equal(config_load(name, note, &w, &config), 0);
    assert_int_equal(w.count, 5);
    config_free(config);
    unlink(name);
    rmdir(path);
}

static void read_source(const char *name, struct bytes *ret)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", TOP_SRCDIR, name);
    assert_int_equal(io_read_file(AT_FDCWD, path, MIB, ret), 0);
}

/* Uncomments each "#key = value" of the shipped file: all keys must come out, with the defaults. */
static void the_shipped_file_shows_every_key_with_its_default(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes shipped = {0}, text = {0};
    read_source("data/inquest.conf", &shipped);

    bool rule = false;
    for (char *line = strtok(shipped.data, "\n"); line; line = strtok(NULL, "\n")) {
        rule |= strstr(line, "[rule") != NULL;
        bool setting = line[0] == '#' && line[1] != ' ' && line[1] != '\0';
        if (!rule && (setting || line[0] == '['))
            assert_int_equal(bytes_printf(&text, "%s\n", line + setting), 0);
    }
    struct warnings w;
    AUTO_CONFIG struct config *config = parse(text.data, &w);
    if (w.count > 0)
        fail_msg("line %u: %s", w.line, w.text);

    for (size_t i = 0; i < config_key_count; i++) {
        struct config_origin origin = config_origin(config, i);
        if (!origin.file || strcmp(origin.text, config_keys[i].default_text) != 0)
            fail_msg("[%s] %s is not shown with its default %s", config_keys[i].section,
                     config_keys[i].name, config_keys[i].default_text);
    }
}

static void the_manual_has_every_key(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes manual = {0};
    read_source("man/inquest.conf.5", &manual);

    for (size_t i = 0; i < config_key_count; i++) {
        char item[64];
        snprintf(item, sizeof item, "\n.BR %s \" = ", config_keys[i].name);
        if (!strstr(manual.data, item))
            fail_msg("inquest.conf(5) lacks %s", config_keys[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_design),
        cmocka_unit_test(every_default_parses_and_no_key_comes_twice),
        cmocka_unit_test(values_are_taken_with_their_origin),
        cmocka_unit_test(what_makes_no_sense_is_told_and_the_default_stays),
        cmocka_unit_test(a_line_too_long_or_with_a_nul_harms_no_other),
        cmocka_unit_test(warnings_are_bounded),
        cmocka_unit_test(the_first_rule_that_matches_holds),
        cmocka_unit_test(files_that_cannot_be_read_are_warnings),
        cmocka_unit_test(the_shipped_file_shows_every_key_with_its_default),
        cmocka_unit_test(the_manual_has_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
