/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export.c - `inquest export`: an explained crash for somebody else, in the form he wants. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bundle.h"
#include "cli/selection.h"
#include "cli/subject.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

enum format {
    FORMAT_UNSET,
    FORMAT_TEXT,
    FORMAT_JSON,
    FORMAT_MARKDOWN,
    FORMAT_HTML,
    FORMAT_UREPORT
};

struct export_settings {
    struct analysis_settings analysis;
    enum format format;
    const char *output, *bundle;
    bool all, registers;
};

static const char *const format_names[] = {
    [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json",       [FORMAT_MARKDOWN] = "markdown",
    [FORMAT_HTML] = "html", [FORMAT_UREPORT] = "ureport",
};

static int parse_format(const char *value, void *field, struct error *error)
{
    for (size_t i = FORMAT_TEXT; i < ARRAY_SIZE(format_names); i++)
        if (strcmp(format_names[i], value) == 0) {
            *(enum format *)field = (enum format)i;
            return 0;
        }
    return error_set(error, EINVAL, "'%s' is none of text, json, markdown, html, ureport", value);
}

static const struct option_spec export_options[] = {
    OPTION_PARSED('f', "format", "FORMAT", parse_format, struct export_settings, format,
                  "text, json, markdown, html or ureport (ABRT's)"),
    OPTION_TEXT('o', "output", "FILE", struct export_settings, output, "write to FILE"),
    OPTION_TEXT(0, "bundle", "FILE", struct export_settings, bundle,
                "write a .tar.zst to FILE: core, modules, report, and a script for gdb"),
    OPTION_FLAG('a', "all", struct export_settings, all,
                "each thread and frame, even where they are equal"),
    OPTION_FLAG(0, "registers", struct export_settings, registers, "show the registers, too"),
    ANALYSIS_OPTIONS(struct export_settings, analysis),
    OPTIONS_END,
};

/* Where the exports go, one behind the other. */
struct exporter {
    const struct export_settings *settings;
    enum format format;
    FILE *out;
    struct json_stream json;
};

static bool is_json(enum format format)
{
    return format == FORMAT_JSON || format == FORMAT_UREPORT;
}

static int render(struct exporter *exporter, const struct render_input *input, bool first)
{
    const struct render_options options = {
        .all = exporter->settings->all,
        .registers = exporter->settings->registers,
    };
    if (!first && !is_json(exporter->format))
        fputc('\n', exporter->out);
    switch (exporter->format) {
    case FORMAT_JSON:
        return render_json(&exporter->json, input, &options);
    case FORMAT_UREPORT:
        return render_ureport(&exporter->json, input);
    case FORMAT_MARKDOWN:
        return render_markdown(exporter->out, input, &options);
    case FORMAT_HTML:
        return render_html(exporter->out, input, &options);
    default:
        return render_text(exporter->out, input, &options);
    }
}

static int export_one(const struct call *call, struct exporter *exporter, const char *word,
                      bool first, struct error *error)
{
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    int r = subject_open(call, word, &exporter->settings->analysis, &subject, error);
    if (r < 0)
        return r;
    const struct render_input input = subject_input(&subject);
    r = render(exporter, &input, first);
    return r < 0 ? error_set(error, -r, "out of memory") : subject_exit_code(&subject);
}

/* Several crashes are an array, in JSON. One that cannot be had does not keep the others. */
static int export_several(const struct call *call, struct exporter *exporter)
{
    int code = EXIT_DONE;
    size_t done = 0;

    if (is_json(exporter->format))
        json_stream_open(&exporter->json, '[');
    for (size_t i = 0; i < call->word_count; i++) {
        struct error error = {0};
        int r = export_one(call, exporter, call->words[i], done == 0, &error);
        done += r >= 0;
        if (r < 0) {
            command_warn("%s: %s", call->words[i], error.text);
            r = r == -ENOENT ? EXIT_NOTHING : EXIT_FAILED;
        }
        if (code == EXIT_DONE)
            code = r;
    }
    if (is_json(exporter->format))
        json_stream_close(&exporter->json);
    return code;
}

/* A failed export leaves no half file behind; devices and the like stay. */
static void remove_half(int fd, const char *path)
{
    struct stat st;
    if (path && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        (void)unlink(path); /* what stays is half, and the error says so */
}

static int finish_output(FILE *file, const char *path, int r, struct error *error)
{
    if (r >= 0 && (fflush(file) != 0 || ferror(file)))
        r = error_errno(error, errno ? errno : EIO, "%s", path);
    if (r < 0)
        remove_half(fileno(file), path);
    if (fclose(file) != 0 && r >= 0)
        r = error_errno(error, errno, "%s", path);
    return r;
}

static int run_formats(const struct call *call, struct exporter *exporter, struct error *error)
{
    const char *path = exporter->settings->output;
    enum json_mode mode = call->globals.json == JSON_SHORT ? JSON_SHORT : JSON_PRETTY;

    exporter->out = path && strcmp(path, "-") != 0 ? fopen(path, "we") : stdout;
    if (!exporter->out)
        return error_errno(error, errno, "%s", path);
    exporter->json = json_stream_to(exporter->out, mode);
    int r = call->word_count > 1 ? export_several(call, exporter)
                                 : export_one(call, exporter, call->words[0], true, error);
    return exporter->out == stdout ? r : finish_output(exporter->out, path, r, error);
}

static int run_bundle(const struct call *call, const struct export_settings *settings,
                      struct error *error)
{
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    bool to_stdout = strcmp(settings->bundle, "-") == 0;

    if (to_stdout && terminal_is_one())
        return error_set(error, EINVAL, "an archive is nothing for a terminal");
    int r = subject_open(call, call->words[0], &settings->analysis, &subject, error);
    if (r < 0)
        return r;
    /* It holds the memory of the process. */
    AUTO_FD int fd = to_stdout
                         ? dup(STDOUT_FILENO)
                         : open(settings->bundle, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(error, errno, "%s", settings->bundle);
    r = bundle_write(&subject, fd, error);
    if (r == 0 && !to_stdout && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
        r = error_errno(error, errno, "%s", settings->bundle);
    if (r < 0 && !to_stdout)
        remove_half(fd, settings->bundle);
    return r < 0 ? r : subject_exit_code(&subject);
}

static int run_export(struct call *call, struct error *error)
{
    const struct export_settings *settings = call->settings;
    struct exporter exporter = {.settings = settings, .format = settings->format};
    int r;

    if (exporter.format == FORMAT_UNSET)
        exporter.format = call->globals.json == JSON_OFF ? FORMAT_TEXT : FORMAT_JSON;
    if (settings->bundle && (settings->format != FORMAT_UNSET || settings->output))
        return command_usage_error(call, "--bundle goes with neither --format nor --output");
    if (call->word_count > 1 && (settings->bundle || exporter.format == FORMAT_HTML))
        return command_usage_error(call, "%s takes one crash",
                                   settings->bundle ? "--bundle" : "--format html");
    r = settings->bundle ? run_bundle(call, settings, error) : run_formats(call, &exporter, error);
    return r < 0 ? selection_end(call, r, error) : r;
}

const struct command command_export = {
    .name = "export",
    .group = COMMAND_LOOK,
    .summary = "write a crash for an issue, a page, another program or another machine",
    .usage = "[CRASH…]",
    .options = export_options,
    .settings_size = sizeof(struct export_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_export,
};
