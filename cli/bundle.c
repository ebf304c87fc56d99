/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bundle.c - one crash with all that it takes to look at it elsewhere. */
#include "cli/bundle.h"

#include <config.h>
#include <errno.h>
#include <string.h>

#include "cli/core_file.h"
#include "cli/module_file.h"
#include "cli/tar.h"
#include "cli/temporary.h"
#include "store/base/bytes.h"

enum { NAME_SIZE = 256, MEMBER_SIZE = NAME_SIZE + LAYOUT_ID_SIZE };

/* An archive in the making. */
struct bundle {
    const struct subject *subject;
    struct tar *tar;
    struct bytes missing;               /* paths of modules that are not in it, a line each */
    char executable[MODULE_PLACE_SIZE]; /* in it; "": is not */
};

static void member_name(char ret[static MEMBER_SIZE], const struct bundle *bundle, const char *name)
{
    snprintf(ret, MEMBER_SIZE, "%s/%s", bundle->subject->id, name);
}

static int add_text(struct bundle *bundle, const char *name, unsigned mode, const char *text,
                    size_t size, struct error *error)
{
    char member[MEMBER_SIZE];
    member_name(member, bundle, name);
    return tar_add(bundle->tar, member, mode, text, size, error);
}

static int add_record(struct bundle *bundle, struct error *error)
{
    char name[NAME_SIZE], member[MEMBER_SIZE];
    snprintf(name, sizeof name, "%s" LAYOUT_RECORD_SUFFIX, bundle->subject->id);
    member_name(member, bundle, name);
    return tar_add_file(bundle->tar, member, 0600, bundle->subject->record.fd, error);
}

/* What `zstd -d` of the record would not give: a core put together from what was kept. */
static int add_core(struct bundle *bundle, struct error *error)
{
    struct record *record = bundle->subject->record.record;
    char member[MEMBER_SIZE];

    if (record_state(record) == RECORD_FULL)
        return 0;
    AUTO_FD int fd = temporary_file(error);
    if (fd < 0)
        return fd;
    int r = core_file_extract(record, fd, NULL, error);
    if (r == -ENODATA)
        return 0; /* facts only: there is none */
    member_name(member, bundle, "core");
    return r < 0 ? r : tar_add_file(bundle->tar, member, 0600, fd, error);
}

static int add_report_text(struct bundle *bundle, struct error *error)
{
    static const struct render_options options;
    const struct render_input input = subject_input(bundle->subject);
    AUTO_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    int r = out ? render_text(out, &input, &options) : -ENOMEM;
    if (out && fclose(out) != 0)
        r = -ENOMEM;
    return r < 0 ? error_set(error, -r, "out of memory")
                 : add_text(bundle, "report.txt", 0644, text, size, error);
}

static int add_report_json(struct bundle *bundle, struct error *error)
{
    static const struct render_options options;
    const struct render_input input = subject_input(bundle->subject);
    AUTO_FREE char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct json_stream json = json_stream_to(out, JSON_PRETTY);

    int r = out ? render_json(&json, &input, &options) : -ENOMEM;
    if (out && fclose(out) != 0)
        r = -ENOMEM;
    return r < 0 ? error_set(error, -r, "out of memory")
                 : add_text(bundle, "report.json", 0644, text, size, error);
}

/* As it lies in the store, for `inquest import`; a report made on the spot is made there again. */
static int add_report(struct bundle *bundle, struct error *error)
{
    AUTO_BYTES struct bytes json = {0};
    char name[LAYOUT_NAME_SIZE];

    if (store_read_report(bundle->subject->store, bundle->subject->row, &json, NULL) < 0)
        return 0;
    layout_name(name, bundle->subject->id, LAYOUT_REPORT_SUFFIX);
    return add_text(bundle, name, 0644, json.data ? json.data : "", json.size, error);
}

static bool is_earlier_path(const struct report *report, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(report->modules[i].path, report->modules[index].path) == 0)
            return true;
    return false;
}

/* libs/NAME, a link to the module; one whose target is too long is done without. */
static int add_link(struct bundle *bundle, const char *name, const char *place, struct error *error)
{
    char link[NAME_SIZE], member[MEMBER_SIZE], target[NAME_SIZE];
    snprintf(link, sizeof link, "libs/%s", name);
    member_name(member, bundle, link);
    snprintf(target, sizeof target, "../root%s", place);
    int r = tar_add_link(bundle->tar, member, target, error);
    return r == -ENAMETOOLONG ? 0 : r;
}

static int add_links(struct bundle *bundle, const char *place, int fd, struct error *error)
{
    const char *base = render_base_name(place);
    char soname[MODULE_SONAME_SIZE];

    int r = add_link(bundle, base, place, error);
    if (r == 0 && module_file_soname(fd, soname) == 0 && strcmp(soname, base) != 0)
        r = add_link(bundle, soname, place, error);
    return r;
}

static int note_missing(struct bundle *bundle, const struct report_module *module)
{
    int r = bytes_append_text(&bundle->missing, "  ");
    if (r == 0)
        r = bytes_append_text(&bundle->missing, module->path);
    return r < 0 ? r : bytes_append_text(&bundle->missing, "\n");
}

static int add_module(struct bundle *bundle, const struct report_module *module,
                      struct error *error)
{
    char name[NAME_SIZE], member[MEMBER_SIZE], place[MODULE_PLACE_SIZE];
    AUTO_FD int fd = -1;

    if (module_file_place(module, place))
        fd = subject_open_module(bundle->subject, module, NULL);
    if (fd < 0)
        return note_missing(bundle, module);
    if (module == subject_executable(bundle->subject))
        memcpy(bundle->executable, place, sizeof place);
    snprintf(name, sizeof name, "root%s", place);
    member_name(member, bundle, name);
    int r = tar_add_file(bundle->tar, member, 0755, fd, error);
    return r < 0 ? r : add_links(bundle, place, fd, error);
}

static int add_modules(struct bundle *bundle, struct error *error)
{
    const struct report *report = bundle->subject->report;
    int r = 0;
    for (size_t i = 0; i < report->n_modules && r == 0; i++)
        if (report->modules[i].path[0] == '/' && !is_earlier_path(report, i))
            r = add_module(bundle, &report->modules[i], error);
    return r;
}

/* The id and a tame path are the only things in it that come from outside: neither can hold what a
 * shell or gdb would take for its own. */
static int add_script(struct bundle *bundle, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    const char *path = bundle->executable[0] ? bundle->executable : NULL;
    int r = bytes_printf(
        &text,
        "#!/bin/sh\n"
        "# Opens this crash in gdb: ./open-in-gdb [ARGUMENT OF GDB…]\n"
        "# $GDB may name another gdb, as gdb-multiarch for a core of another architecture.\n"
        "set -eu\n"
        "cd \"$(dirname \"$0\")\"\n"
        "[ -e core ] || zstd -q -d %s" LAYOUT_RECORD_SUFFIX " -o core\n"
        "exec \"${GDB:-gdb}\" -iex 'set auto-load off' -iex 'set sysroot root' \\\n"
        "    -iex 'set solib-search-path libs' \"$@\" %s%s%s core\n",
        bundle->subject->id, path ? "'root" : "", path ? path : "-c", path ? "'" : "");
    return r < 0 ? error_set(error, ENOMEM, "out of memory")
                 : add_text(bundle, "open-in-gdb", 0755, text.data, text.size, error);
}

static int add_readme(struct bundle *bundle, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    const char *missing = bundle->missing.size > 0 ? bundle->missing.data : NULL;
    int r = bytes_printf(&text,
                         "A crash, bundled by inquest %s.\n\n"
                         "report.txt    why it crashed, and where; report.json likewise\n"
                         "open-in-gdb   opens it in gdb, with the modules that it had\n"
                         "%s" LAYOUT_RECORD_SUFFIX "   for `inquest import`; "
                         "`zstd -d` gives the core\n\n"
                         "The core is the process's memory: it may hold passwords, keys and "
                         "letters.\n%s%s",
                         PACKAGE_VERSION, bundle->subject->id,
                         missing ? "\nThese modules could not be had as they were:\n" : "",
                         missing ? missing : "");
    return r < 0 ? error_set(error, ENOMEM, "out of memory")
                 : add_text(bundle, "README", 0644, text.data, text.size, error);
}

int bundle_write(const struct subject *subject, int fd, struct error *error)
{
    static int (*const parts[])(struct bundle *, struct error *) = {
        add_record,      add_core,    add_report, add_report_text,
        add_report_json, add_modules, add_script, add_readme,
    };
    AUTO_TAR struct tar *tar = NULL;
    struct bundle bundle = {.subject = subject};

    if (!subject->row || !subject->record.record)
        return error_set(error, EINVAL, "only a crash whose record is in the store can be bundled");
    int r = tar_open(fd, (time_t)(subject->row->time_us / 1000000), &tar, error);
    bundle.tar = tar;
    for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
        r = parts[i](&bundle, error);
    if (r == 0)
        r = tar_finish(tar, error);
    bytes_free(&bundle.missing);
    return r;
}
