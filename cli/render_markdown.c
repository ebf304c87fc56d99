/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_markdown.c - an explained crash as GitHub-flavoured markdown.
 *
 * Everything of the victim's stands in code spans or fenced blocks, where markdown, HTML, mentions
 * and links mean nothing; a span's fence is longer than any run of backticks inside.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/render.h"
#include "store/base/bytes.h"
#include "store/base/text.h"
#include "store/keys.h"

static size_t longest_run_of_backticks(const char *text)
{
    size_t longest = 0, run = 0;
    for (; *text; text++) {
        run = *text == '`' ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return longest;
}

static void put_fence(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc('`', out);
}

/* A code span. In a table a bar ends the cell even there, unless a backslash stands before it. */
static void code(FILE *out, const char *text, bool in_table)
{
    AUTO_FREE char *printable = text ? text_printable(text, strlen(text)) : NULL;
    if (!printable || !printable[0])
        return;

    size_t n = longest_run_of_backticks(printable) + 1;
    const char *pad = n > 1 || printable[0] == ' ' ? " " : "";
    put_fence(out, n);
    fputs(pad, out);
    for (const char *p = printable; *p; p++) {
        if (*p == '|' && in_table)
            fputc('\\', out);
        fputc(*p, out);
    }
    fputs(pad, out);
    put_fence(out, n);
}

static void row(FILE *out, const char *label, const char *value)
{
    if (!value || !value[0])
        return;
    fprintf(out, "| %s | ", label);
    code(out, value, true);
    fputs(" |\n", out);
}

static const char *fact(const struct render_input *input, const char *key)
{
    return input->facts ? metadata_text(input->facts, key) : NULL;
}

/*
 * The report's own sentences, with the characters escaped that markdown or HTML would take for
 * theirs. Mentions and numbers of issues are found behind the escapes, so that a zero width space
 * has to part them.
 */
static void prose(FILE *out, const char *text)
{
    AUTO_FREE char *printable = text ? text_printable(text, strlen(text)) : NULL;
    for (const char *p = printable ? printable : ""; *p; p++) {
        if (strchr("\\`*_[]<>#|&~", *p) || (*p == ':' && p[1] == '/'))
            fputc('\\', out);
        fputc(*p, out);
        if (*p == '@' || *p == '#')
            fputs("\xe2\x80\x8b", out);
    }
}

static void heading(FILE *out, const struct render_input *input)
{
    AUTO_FREE char *signal = render_signal(input->report);
    const char *comm = fact(input, KEY_COMM);

    fputs("### ", out);
    if (comm)
        code(out, comm, false);
    fputs(comm ? " crashed: " : "Crash: ", out);
    code(out, signal, false);
    if (input->report->function) {
        fputs(" in ", out);
        code(out, input->report->function, false);
    }
    fputs("\n\n", out);
}

static void reason(FILE *out, const struct report *report)
{
    prose(out, report->reason);
    fputs("\n\n", out);
    for (size_t i = 0; i < report->details.n; i++) {
        fputs("- ", out);
        prose(out, report->details.at[i]);
        fputc('\n', out);
    }
    if (report->details.n > 0)
        fputc('\n', out);
    if (report->abort_message) {
        fputs("> ", out);
        code(out, report->abort_message, false);
        fputs("\n\n", out);
    }
}

static void address_row(FILE *out, const struct report *report)
{
    char text[32];
    snprintf(text, sizeof text, "0x%" PRIx64, report->fault_address);
    row(out, "Fault address", report->has_fault_address ? text : NULL);
}

static void facts_table(FILE *out, const struct render_input *input)
{
    const struct report *report = input->report;
    const char *exe = fact(input, KEY_EXE), *package = report->package;

    fputs("| | |\n|---|---|\n", out);
    row(out, "Program", exe ? render_base_name(exe) : NULL);
    row(out, "Package", package ? package : fact(input, KEY_PACKAGE));
    address_row(out, report);
    row(out, "Instruction",
        report->instruction_text ? report->instruction_text : report->instruction_bytes);
    row(out, "System", fact(input, KEY_OS));
    row(out, "Kernel", fact(input, KEY_KERNEL));
    row(out, "Architecture", fact(input, KEY_ARCH));
    row(out, "Signature", report->signature);
    fputc('\n', out);
}

/* No line inside can close the fence: each begins with two spaces or a question mark and a '#'. */
static void group_block(FILE *out, const struct render_group *group,
                        const struct render_options *options, bool crashing)
{
    const char *name = render_group_name(group);
    struct render_options plain = *options;
    plain.colour = false;

    fprintf(out, "<details%s>\n<summary>", crashing ? " open" : "");
    if (group->n_threads > 1)
        fprintf(out, "%zu threads", group->n_threads);
    else
        fprintf(out, "%s %u", crashing ? "Crashing thread" : "Thread", group->first->tid);
    fputs("</summary>\n\n", out);
    if (name) {
        fputs("Named ", out);
        code(out, name, false);
        fputs("\n\n", out);
    }
    fputs("```text\n", out);
    render_text_frames(out, group->first, &plain);
    fputs("```\n</details>\n\n", out);
}

static void notes(FILE *out, const struct report *report)
{
    if (render_has_guess(report))
        fputs("A `?` marks a frame that is a guess.\n", out);
    if (!report->complete)
        fputs("The report is not complete.\n", out);
    for (size_t i = 0; i < report->problems.n; i++) {
        fputs("\n- ", out);
        prose(out, report->problems.at[i]);
    }
    if (report->problems.n > 0)
        fputc('\n', out);
}

int render_markdown(FILE *out, const struct render_input *input,
                    const struct render_options *options)
{
    struct render_group *groups;
    size_t n;
    int r = render_groups(input->report, options, &groups, &n);
    if (r < 0)
        return r;

    heading(out, input);
    reason(out, input->report);
    facts_table(out, input);
    for (size_t i = 0; i < n; i++)
        group_block(out, &groups[i], options,
                    groups[i].first == report_crashing_thread(input->report));
    notes(out, input->report);
    render_groups_free(groups, n);
    return 0;
}
