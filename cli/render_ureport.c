/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_ureport.c - an explained crash as ABRT's uReport, version 2, problem type "core".
 *
 * The keys and patterns are those that ABRT's server (faf) checks and satyr writes. A uReport is
 * public, so nothing of the user is in it: no arguments, no host, no names below /home. Inlined
 * frames are left out, because the server finds them itself from the offset in the module.
 */
#include <config.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "cli/render.h"
#include "store/base/bytes.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/keys.h"

enum { COMPONENT_SIZE = 128 };

static const char *fact(const struct render_input *input, const char *key)
{
    return input->facts ? metadata_text(input->facts, key) : NULL;
}

/* "/home/alice/bin/x" becomes "/home/anonymized/bin/x", as satyr has it. */
static void set_path(json_t *object, const char *key, const char *path)
{
    AUTO_BYTES struct bytes text = {0};
    const char *rest = strncmp(path, "/home/", 6) == 0 ? strchr(path + 6, '/') : NULL;
    int r = rest ? bytes_printf(&text, "/home/anonymized%s", rest) : bytes_append_text(&text, path);
    AUTO_FREE char *utf8 = r < 0 ? NULL : text_to_utf8(text.data, text.size);
    json_object_set_new(object, key, utf8 ? json_string(utf8) : json_null());
}

/* "Fedora Linux 40 (Server Edition)": name "fedora", version "40". */
static json_t *os_json(const struct render_input *input)
{
    const char *os = fact(input, KEY_OS), *arch = fact(input, KEY_ARCH);
    char name[32] = "unknown", version[32] = "unknown";
    size_t n = 0;

    for (const char *p = os ? os : ""; isalnum((unsigned char)*p) && n < sizeof name - 1; p++)
        name[n++] = (char)tolower((unsigned char)*p);
    if (n > 0)
        name[n] = '\0';
    const char *digit = os ? strpbrk(os, "0123456789") : NULL;
    size_t size = digit ? strspn(digit, "0123456789.") : 0;
    if (size > 0 && size < sizeof version)
        snprintf(version, sizeof version, "%.*s", (int)size, digit);

    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "version", json_string(version));
    json_set_text(object, "architecture", arch ? arch : "unknown");
    return object;
}

/* The package's name without its version, else the program's: of letters, digits and "-._". */
static void component_name(const struct render_input *input, char ret[static COMPONENT_SIZE])
{
    const char *exe = fact(input, KEY_EXE), *comm = fact(input, KEY_COMM);
    const char *known = fact(input, KEY_PACKAGE);
    const char *package = known ? known : input->report->package;
    const char *from = package ? package : exe ? render_base_name(exe) : comm ? comm : "unknown";
    size_t n = 0;

    for (; *from && !isspace((unsigned char)*from) && n < COMPONENT_SIZE - 1; from++)
        if (isalnum((unsigned char)*from) || strchr("-._", *from))
            ret[n++] = *from;
    ret[n] = '\0';
    if (n == 0)
        strncpy(ret, "unknown", COMPONENT_SIZE);
}

/* The server takes no negative numbers, which addresses in the upper half would be. */
static json_t *number_json(uint64_t value)
{
    return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

/*
 * Where nothing is known of a frame, the server's own words for generated code are used: it refuses
 * a frame without file and offset.
 */
static json_t *frame_json(const struct report_frame *frame)
{
    json_t *object = json_object();
    const char *name = frame->symbol ? frame->symbol : frame->function;
    AUTO_FREE char *utf8 = name ? text_to_utf8(name, strlen(name)) : NULL;

    json_object_set_new(object, "address", number_json(frame->pc));
    if (frame->module && frame->module->build_id)
        json_object_set_new(object, "build_id", json_string(frame->module->build_id));
    json_object_set_new(object, "build_id_offset",
                        number_json(frame->has_module_offset ? frame->module_offset : frame->pc));
    set_path(object, "file_name", frame->module ? frame->module->path : "unknown filename");
    if (utf8)
        json_object_set_new(object, "function_name", json_string(utf8));
    else if (!frame->module)
        json_object_set_new(object, "function_name", json_string("anonymous function"));
    return object;
}

/*
 * "bash 1:5.2-3.fc40", as reports have it: name, epoch, version, release. NULL for what has no
 * release, which the server refuses.
 */
static json_t *package_json(const char *package, const char *arch)
{
    const char *version = strchr(package, ' '), *release = version ? strrchr(version, '-') : NULL;
    uint64_t epoch = 0;

    if (!version || version == package || !release || !release[1])
        return NULL;
    AUTO_FREE char *name = text_to_utf8(package, (size_t)(version - package));
    AUTO_FREE char *number = strndup(version + 1, strcspn(version + 1, ":"));
    version++;
    if (number && strchr(version, ':') && parse_u64(number, 10, INT32_MAX, &epoch) == 0)
        version += strlen(number) + 1;
    AUTO_FREE char *upstream =
        version < release ? text_to_utf8(version, (size_t)(release - version)) : NULL;
    if (!name || !upstream)
        return NULL;

    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "epoch", json_integer((json_int_t)epoch));
    json_object_set_new(object, "version", json_string(upstream));
    json_set_text(object, "release", release + 1);
    json_set_text(object, "architecture", arch ? arch : "unknown");
    return object;
}

static bool is_package_of_earlier(const struct report *report, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (report->modules[i].package &&
            strcmp(report->modules[i].package, report->modules[index].package) == 0)
            return true;
    return false;
}

/* The one that the program is of, as affected, and those of the libraries. */
static json_t *packages_json(const struct render_input *input)
{
    const struct report *report = input->report;
    const char *arch = fact(input, KEY_ARCH), *own = fact(input, KEY_PACKAGE);
    json_t *array = json_array(), *package = NULL;

    own = own ? own : report->package;
    if (own && (package = package_json(own, arch))) {
        json_object_set_new(package, "package_role", json_string("affected"));
        json_array_append_new(array, package);
    }
    for (size_t i = 0; i < report->n_modules; i++) {
        const char *of_module = report->modules[i].package;
        if (of_module && (!own || strcmp(of_module, own) != 0) &&
            !is_package_of_earlier(report, i) && (package = package_json(of_module, arch)))
            json_array_append_new(array, package);
    }
    return array;
}

static void thread_json(struct json_stream *json, const struct report_thread *thread, bool crashing)
{
    json_stream_open(json, '{');
    if (crashing)
        json_stream_member(json, "crash_thread", json_true());
    json_stream_key(json, "frames");
    json_stream_open(json, '[');
    for (size_t i = 0; i < thread->stack->n_frames; i++)
        if (!thread->stack->frames[i].inlined)
            json_stream_value(json, frame_json(&thread->stack->frames[i]));
    json_stream_close(json);
    json_stream_close(json);
}

static void problem_json(struct json_stream *json, const struct render_input *input)
{
    const struct report *report = input->report;
    const struct report_thread *crashing = report_crashing_thread(report);
    const char *exe = fact(input, KEY_EXE), *uid = fact(input, KEY_UID);
    char component[COMPONENT_SIZE];
    json_t *user = json_object(), *head = json_object();
    const char *key;
    json_t *value;

    component_name(input, component);
    json_object_set_new(user, "root", json_boolean(uid && strcmp(uid, "0") == 0));
    json_object_set_new(user, "local", json_true());
    json_object_set_new(head, "type", json_string("core"));
    json_object_set_new(head, "component", json_string(component));
    json_object_set_new(head, "user", user);
    json_object_set_new(head, "signal", json_integer(report->signal));
    set_path(head, "executable", exe ? exe : "unknown filename");

    json_stream_open(json, '{');
    json_object_foreach(head, key, value) json_stream_member(json, key, json_incref(value));
    json_decref(head);
    json_stream_key(json, "stacktrace");
    json_stream_open(json, '[');
    for (size_t i = 0; i < report->n_threads; i++)
        if (report->threads[i].stack->n_frames > 0)
            thread_json(json, &report->threads[i], &report->threads[i] == crashing);
    json_stream_close(json);
    json_stream_close(json);
}

int render_ureport(struct json_stream *json, const struct render_input *input)
{
    AUTO_BYTES struct bytes reason = {0};
    char component[COMPONENT_SIZE];
    json_t *reporter = json_object();

    component_name(input, component);
    if (bytes_printf(&reason, "Program %s was terminated by signal %d", component,
                     input->report->signal) < 0)
        return -ENOMEM;
    json_object_set_new(reporter, "name", json_string(PACKAGE_NAME));
    json_object_set_new(reporter, "version", json_string(PACKAGE_VERSION));

    json_stream_open(json, '{');
    json_stream_member(json, "ureport_version", json_integer(2));
    json_stream_member(json, "reason", json_string(reason.data));
    json_stream_member(json, "reporter", reporter);
    json_stream_member(json, "os", os_json(input));
    json_stream_key(json, "problem");
    problem_json(json, input);
    json_stream_member(json, "packages", packages_json(input));
    json_stream_close(json);
    return 0;
}
