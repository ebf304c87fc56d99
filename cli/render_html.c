/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_html.c - an explained crash as one HTML page that needs nothing else.
 *
 * Every text goes through put_text() or put_lines(), which write out control characters and escape
 * what HTML would take for its own; the page's own policy forbids scripts and requests on top.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/render.h"
#include "cli/render_html_style.h"
#include "store/base/bytes.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/keys.h"

enum { FACT_LINE_MAX = 160, FACT_SHOWN_MAX = 256 * 1024 };

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void put_bytes(FILE *out, const char *data, size_t size)
{
    AUTO_FREE char *printable = text_printable(data, size);
    if (printable)
        put_escaped(out, printable);
}

static void put_text(FILE *out, const char *text)
{
    if (text)
        put_bytes(out, text, strlen(text));
}

/* As put_text(), but lines stay lines, and tabs tabs. */
static void put_lines(FILE *out, const char *data, size_t size)
{
    while (size > 0) {
        size_t n = 0;
        while (n < size && data[n] != '\n' && data[n] != '\t')
            n++;
        put_bytes(out, data, n);
        if (n < size)
            fputc(data[n++], out);
        data += n;
        size -= n;
    }
}

/* <ELEMENT class="CLASS">TEXT</ELEMENT>, nothing for NULL. */
static void put_element(FILE *out, const char *element, const char *class, const char *text)
{
    if (!text)
        return;
    fprintf(out, "<%s class=\"%s\">", element, class);
    put_text(out, text);
    fprintf(out, "</%s>", element);
}

static const char *fact(const struct render_input *input, const char *key)
{
    return input->facts ? metadata_text(input->facts, key) : NULL;
}

/* Head and reason. */

static void put_title(FILE *out, const struct render_input *input)
{
    const char *comm = fact(input, KEY_COMM);
    AUTO_FREE char *signal = render_signal(input->report);

    put_text(out, comm ? comm : "crash");
    fputs(": ", out);
    put_escaped(out, signal ? signal : "");
    if (input->report->function) {
        fputs(" in ", out);
        put_text(out, input->report->function);
    }
}

static void put_time(FILE *out, const struct render_input *input)
{
    int64_t time_us;
    struct tm tm;
    char text[64];

    if (!input->facts || metadata_i64(input->facts, KEY_TIME, &time_us) < 0)
        return;
    time_t seconds = (time_t)(time_us / 1000000);
    if (!gmtime_r(&seconds, &tm))
        return;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(out, "<time datetime=\"%s\">", text);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    fprintf(out, "%s</time>", text);
}

static void put_kicker(FILE *out, const struct render_input *input)
{
    AUTO_FREE char *signal = render_signal(input->report);
    fputs("<p class=\"kicker\"><span class=\"pill\">", out);
    put_escaped(out, signal ? signal : "");
    fputs("</span> ", out);
    put_element(out, "strong", "program", fact(input, KEY_COMM));
    fputc(' ', out);
    if (fact(input, KEY_PID)) {
        fputs("<span>pid ", out);
        put_text(out, fact(input, KEY_PID));
        fputs("</span> ", out);
    }
    put_time(out, input);
    fputs("</p>\n", out);
}

static void put_reason(FILE *out, const struct report *report)
{
    put_element(out, "h1", "reason", report->reason);
    fputc('\n', out);
    if (report->function) {
        fputs("<p class=\"where\">in ", out);
        put_element(out, "code", "", report->function);
        fputs("</p>\n", out);
    }
    if (report->abort_message)
        put_element(out, "pre", "message", report->abort_message);
    if (report->details.n == 0)
        return;
    fputs("<ul class=\"details\">\n", out);
    for (size_t i = 0; i < report->details.n; i++) {
        put_element(out, "li", "", report->details.at[i]);
        fputc('\n', out);
    }
    fputs("</ul>\n", out);
}

static void put_card(FILE *out, const char *label, const char *value)
{
    if (!value || !value[0])
        return;
    fprintf(out, "<div><dt>%s</dt><dd>", label);
    put_text(out, value);
    fputs("</dd></div>\n", out);
}

static void put_instruction_card(FILE *out, const struct report *report)
{
    if (!report->instruction_bytes)
        return;
    fputs("<div><dt>Instruction</dt><dd>", out);
    put_text(out, report->instruction_text);
    fputs(" <span class=\"dim\">", out);
    put_text(out, report->instruction_bytes);
    fputs("</span></dd></div>\n", out);
}

static void put_cards(FILE *out, const struct render_input *input)
{
    const struct report *report = input->report;
    char address[32], code[RENDER_CODE_SIZE];
    snprintf(address, sizeof address, "0x%" PRIx64, report->fault_address);
    render_code(report, code);

    fputs("<dl class=\"cards\">\n", out);
    put_card(out, "Program", fact(input, KEY_EXE));
    put_card(out, "Package", report->package ? report->package : fact(input, KEY_PACKAGE));
    put_card(out, "Fault address", report->has_fault_address ? address : NULL);
    put_card(out, "Signal code", code[0] ? code : NULL);
    put_instruction_card(out, report);
    put_card(out, "Signature", report->signature);
    put_card(out, "System", fact(input, KEY_OS));
    put_card(out, "Crash", input->id);
    fputs("</dl>\n", out);
}

/* Threads. */

static void put_place(FILE *out, const struct report_frame *frame)
{
    const char *module = frame->module ? frame->module->path : NULL;
    if (frame->file) {
        fputs("<span class=\"file\" title=\"", out);
        put_text(out, frame->file);
        fputs("\">", out);
        put_text(out, render_base_name(frame->file));
        if (frame->line > 0)
            fprintf(out, "<b>:%u</b>", frame->line);
        if (frame->line > 0 && frame->column > 0)
            fprintf(out, "<i>:%u</i>", frame->column);
        fputs("</span>", out);
    }
    if (module) {
        fputs("<span class=\"module\" title=\"", out);
        put_text(out, module);
        fputs("\">", out);
        put_text(out, render_base_name(module));
        if (frame->has_module_offset && !frame->file)
            fprintf(out, "+0x%" PRIx64, frame->module_offset);
        fputs("</span>", out);
    }
}

static void put_frame(FILE *out, const struct report_frame *frame, uint64_t number, bool marked)
{
    AUTO_FREE char *name = render_function(frame);
    bool guess = report_frame_is_guess(frame);

    fprintf(out, "<tr class=\"%s%s%s\"><td>%" PRIu64 "</td><td title=\"0x%" PRIx64 ", by %s\">",
            marked ? "marked " : "", guess ? "guess " : "", frame->inlined ? "inlined" : "", number,
            frame->pc, render_trust_text(frame->trust));
    if (name)
        put_element(out, "code", "", name);
    else
        fprintf(out, "<code class=\"dim\">0x%" PRIx64 "</code>", frame->pc);
    fputs(frame->inlined ? " <em>inlined</em>" : "", out);
    fputs(guess ? " <em class=\"warn\">guess</em>" : "", out);
    fputs("</td><td>", out);
    put_place(out, frame);
    fputs("</td></tr>\n", out);
}

/* A function without what stands in its template arguments: "f<int>(g<int>)" is "f<>(g<>)". */
static int without_arguments(const char *function, struct bytes *ret)
{
    unsigned depth = 0;
    for (const char *p = function; *p; p++) {
        depth -= *p == '>' && depth > 0;
        if (depth == 0 && bytes_append(ret, p, 1) < 0)
            return -ENOMEM;
        depth += *p == '<';
    }
    return 0;
}

/* The name that a report gives its function has neither these nor the function's arguments: "f<>"
 * names "f<int>(int)", "f" does "f(int)" and not "f2". */
static bool is_named(const char *function, const char *name)
{
    AUTO_BYTES struct bytes plain = {0}, wanted = {0};
    if (without_arguments(function, &plain) < 0 || without_arguments(name, &wanted) < 0 ||
        wanted.size == 0 || plain.size < wanted.size)
        return false;
    return memcmp(plain.data, wanted.data, wanted.size) == 0 &&
           (plain.size == wanted.size || strchr("(<[ ", plain.data[wanted.size]));
}

/* The frame to point at: the first whose function is the one the crash is named after. */
static size_t marked_frame(const struct report *report, const struct report_thread *thread)
{
    for (size_t i = 0; report->function && i < thread->stack->n_frames; i++) {
        const char *function = thread->stack->frames[i].function;
        if (function && is_named(function, report->function))
            return i;
    }
    return SIZE_MAX;
}

static void put_repeats(FILE *out, const struct report_thread *thread, size_t index, size_t hidden,
                        size_t period)
{
    AUTO_FREE char *text = render_repeats_text(thread, index, hidden, period);
    fputs("<tr class=\"gap\"><td></td><td colspan=\"2\">", out);
    put_text(out, text);
    fputs("</td></tr>\n", out);
}

static void put_stack(FILE *out, const struct report_thread *thread,
                      const struct render_options *options, size_t marked)
{
    size_t n = render_frame_count(options, thread);
    const char *stop = render_stop_text(thread->stop);

    fputs("<table class=\"stack\"><tbody>\n", out);
    for (size_t i = 0; i < n;) {
        size_t period = 1, hidden = render_repeats(options, thread, i, n, &period);
        if (thread->omitted > 0 && i == thread->omitted_at)
            fprintf(out,
                    "<tr class=\"gap\"><td></td><td colspan=\"2\">%" PRIu64
                    " more frames, left out</td></tr>\n",
                    thread->omitted);
        for (size_t end = i + period; i < end; i++)
            put_frame(out, &thread->stack->frames[i], render_frame_number(thread, i), i == marked);
        if (hidden > 0)
            put_repeats(out, thread, i, hidden, period);
        i += hidden;
    }
    if (n < thread->stack->n_frames)
        fprintf(out,
                "<tr class=\"gap\"><td></td><td colspan=\"2\">%zu more frames, not shown</td></tr>",
                thread->stack->n_frames - n);
    else if (stop)
        fprintf(out, "<tr class=\"gap\"><td></td><td colspan=\"2\">%s</td></tr>\n", stop);
    fputs("</tbody></table>\n", out);
}

static void put_registers(FILE *out, const struct report_thread *thread)
{
    if (thread->n_registers == 0)
        return;
    fputs("<details><summary>Registers</summary>\n<dl class=\"registers\">\n", out);
    for (size_t i = 0; i < thread->n_registers; i++) {
        fputs("<div><dt>", out);
        put_text(out, thread->registers[i].name);
        fprintf(out, "</dt><dd>0x%" PRIx64 "</dd></div>\n", thread->registers[i].value);
    }
    fputs("</dl></details>\n", out);
}

static void put_crashing_thread(FILE *out, const struct report *report,
                                const struct render_group *group,
                                const struct render_options *options)
{
    fprintf(out, "<section>\n<h2>Crashing thread <small>%u ", group->first->tid);
    put_text(out, group->first->name);
    fputs("</small></h2>\n", out);
    put_stack(out, group->first, options, marked_frame(report, group->first));
    put_registers(out, group->first);
    fputs("</section>\n", out);
}

static void put_group(FILE *out, const struct render_group *group,
                      const struct render_options *options)
{
    const struct report_thread *first = group->first;
    AUTO_FREE char *name =
        first->stack->n_frames > 0 ? render_function(first->stack->frames) : NULL;

    fputs("<details><summary>", out);
    if (group->n_threads > 1)
        fprintf(out, "<b>%zu threads</b> ", group->n_threads);
    else
        fprintf(out, "<b>Thread %u</b> ", first->tid);
    put_element(out, "span", "name", render_group_name(group));
    put_element(out, "code", "dim", name);
    fputs("</summary>\n", out);
    if (group->n_threads > 1) {
        fputs("<p class=\"tids\">", out);
        for (size_t i = 0; i < group->n_threads; i++)
            fprintf(out, "%u ", group->threads[i]->tid);
        fputs("</p>\n", out);
    }
    put_stack(out, first, options, SIZE_MAX);
    fputs("</details>\n", out);
}

static int put_threads(FILE *out, const struct report *report, const struct render_options *options)
{
    struct render_group *groups;
    size_t n, next = 0;
    int r = render_groups(report, options, &groups, &n);
    if (r < 0)
        return r;
    if (n > 0 && groups[0].first == report_crashing_thread(report))
        put_crashing_thread(out, report, &groups[next++], options);
    if (next < n)
        fputs("<section>\n<h2>Other threads</h2>\n", out);
    for (size_t i = next; i < n; i++)
        put_group(out, &groups[i], options);
    if (next < n)
        fputs("</section>\n", out);
    render_groups_free(groups, n);
    return 0;
}

/* The rest: notes, modules, facts. */

static void put_notes(FILE *out, const struct report *report)
{
    if (report->problems.n == 0)
        return;
    fputs("<section class=\"notes\">\n<h2>Notes</h2>\n<ul>\n", out);
    for (size_t i = 0; i < report->problems.n; i++) {
        put_element(out, "li", "", report->problems.at[i]);
        fputc('\n', out);
    }
    fputs("</ul>\n</section>\n", out);
}

static void put_module(FILE *out, const struct report_module *module)
{
    fputs("<tr><td>", out);
    put_text(out, module->path);
    if (!module->verified)
        fputs(" <em class=\"warn\" title=\"nothing proves that the file that was read is the one "
              "that ran\">unverified</em>",
              out);
    fputs("</td><td>", out);
    put_text(out, module->package);
    fprintf(out, "</td><td>%s</td><td class=\"dim\">", report_symbols_name(module->symbols));
    put_text(out, module->build_id);
    fprintf(out, "</td><td class=\"dim\">0x%" PRIx64 "</td></tr>\n", module->start);
}

static void put_modules(FILE *out, const struct report *report)
{
    if (report->n_modules == 0)
        return;
    fprintf(out,
            "<details><summary><b>Modules</b> <span class=\"name\">%zu</span></summary>\n"
            "<div class=\"wide\"><table class=\"modules\"><thead><tr><th>File</th><th>Package</th>"
            "<th>Symbols</th><th>Build-id</th><th>Start</th></tr></thead><tbody>\n",
            report->n_modules);
    for (size_t i = 0; i < report->n_modules; i++)
        put_module(out, &report->modules[i]);
    fputs("</tbody></table></div></details>\n", out);
}

static void put_hex(FILE *out, const char *data, size_t size)
{
    enum { PER_LINE = 16 };
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x%s", (unsigned char)data[i], i % PER_LINE == PER_LINE - 1 ? "\n" : " ");
}

/* NULs part the values of /proc's lists: they are shown as spaces, or as lines where there are many
 * values. */
static void put_fact_value(FILE *out, const struct fact *one, size_t size, char separator)
{
    AUTO_BYTES struct bytes value = {0};
    if (strcmp(one->key, KEY_PROC_AUXV) == 0) { /* the one that is no text */
        put_hex(out, one->value, size);
        return;
    }
    if (bytes_append(&value, one->value, size) < 0)
        return;
    while (value.size > 0 && value.data[value.size - 1] == '\0')
        value.size--;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] == '\0')
            value.data[i] = separator;
    put_lines(out, value.data, value.size);
}

static void put_fact(FILE *out, const struct fact *one)
{
    bool is_long = one->size > FACT_LINE_MAX || memchr(one->value, '\n', one->size);
    size_t size = one->size < FACT_SHOWN_MAX ? one->size : FACT_SHOWN_MAX;

    fputs("<tr><th>", out);
    put_text(out, one->key);
    fputs("</th><td>", out);
    if (is_long)
        fprintf(out, "<details><summary>%zu bytes</summary><pre>", one->size);
    put_fact_value(out, one, size, is_long ? '\n' : ' ');
    if (size < one->size)
        fprintf(out, "\n… %zu bytes more, left out", one->size - size);
    if (is_long)
        fputs("</pre></details>", out);
    fputs("</td></tr>\n", out);
}

static void put_facts(FILE *out, const struct metadata *facts)
{
    if (!facts)
        return;
    fputs("<details><summary><b>Facts</b> <span class=\"name\">about the process and its "
          "system</span></summary>\n<table class=\"facts\"><tbody>\n",
          out);
    for (size_t i = 0; i < metadata_count(facts); i++)
        put_fact(out, metadata_at(facts, i));
    fputs("</tbody></table></details>\n", out);
}

int render_html(FILE *out, const struct render_input *input, const struct render_options *options)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" "
          "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    put_title(out, input);
    fputs("</title>\n<style>\n" RENDER_HTML_STYLE "</style>\n</head>\n<body>\n<main>\n<header>\n",
          out);
    put_kicker(out, input);
    put_reason(out, input->report);
    put_cards(out, input);
    fputs("</header>\n", out);
    int r = put_threads(out, input->report, options);
    if (r < 0)
        return r;
    put_notes(out, input->report);
    fputs("<section>\n<h2>More</h2>\n", out);
    put_modules(out, input->report);
    put_facts(out, input->facts);
    fputs("</section>\n</main>\n<footer>Made by inquest, analyzer ", out);
    put_text(out, input->report->analyzer ? input->report->analyzer : "unknown");
    fputs("</footer>\n</body>\n</html>\n", out);
    return 0;
}
