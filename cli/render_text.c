/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render_text.c - an explained crash as text: the reason, the crashing thread, the others. */
#include <inttypes.h>
#include <string.h>

#include "cli/render.h"
#include "cli/terminal.h"
#include "store/base/bytes.h"
#include "store/base/text.h"
#include "store/keys.h"

enum {
    NAME_WIDTH = 36, /* what follows names up to this width is aligned */
    LABEL_WIDTH = 12,
    TIDS_SHOWN = 8, /* of the threads of a group */
};

static void styled(FILE *out, const struct render_options *options, enum style style,
                   const char *printable)
{
    if (options->colour && *printable)
        fprintf(out, "%s%s%s", style_on(style), printable, style_off(style));
    else
        fputs(printable, out);
}

/* Columns that a UTF-8 text takes, near enough: wide and combining characters are rare in names. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

/* "demangled", "symbol+0x12" where there is no line to tell the place, or the address. */
static char *frame_name(const struct report_frame *frame)
{
    struct bytes name = {0};
    AUTO_FREE char *known = render_function(frame);
    int r;

    if (!known)
        r = bytes_printf(&name, "0x%016" PRIx64, frame->pc);
    else if (frame->has_offset && !frame->file && !frame->inlined)
        r = bytes_printf(&name, "%s+0x%" PRIx64, known, frame->offset);
    else
        return steal_pointer(&known);
    if (r < 0)
        bytes_free(&name);
    return name.data;
}

/* "file:line:column", or the module, with the offset in it where there is no better name. */
static char *frame_place(const struct report_frame *frame)
{
    struct bytes place = {0};
    int r = 0;

    if (frame->file) {
        r = bytes_append_text(&place, frame->file);
        if (r == 0 && frame->line > 0)
            r = bytes_printf(&place, ":%u", frame->line);
        if (r == 0 && frame->line > 0 && frame->column > 0)
            r = bytes_printf(&place, ":%u", frame->column);
    } else if (frame->module) {
        r = bytes_append_text(&place, render_base_name(frame->module->path));
        if (r == 0 && frame->has_module_offset && !frame->function && !frame->symbol)
            r = bytes_printf(&place, "+0x%" PRIx64, frame->module_offset);
    } else if (!frame->function && !frame->symbol) {
        r = bytes_append_text(&place, "in no module");
    }
    char *printable = r < 0 || !place.data ? NULL : text_printable(place.data, place.size);
    bytes_free(&place);
    return printable;
}

/* The widths of the columns of one thread's frames. */
struct columns {
    int number, name;
};

static void frame_line(FILE *out, const struct report_frame *frame, uint64_t number,
                       const struct render_options *options, const struct columns *columns)
{
    AUTO_FREE char *name = frame_name(frame), *place = frame_place(frame);
    const char *mark = frame->inlined ? " (inlined)" : "";
    bool guess = report_frame_is_guess(frame);
    char label[32];

    if (!name)
        return;
    snprintf(label, sizeof label, "%c #%-*" PRIu64 "  ", guess ? '?' : ' ', columns->number,
             number);
    styled(out, options, guess ? STYLE_WARN : STYLE_DIM, label);
    styled(out, options, guess ? STYLE_WARN : STYLE_STRONG, name);
    styled(out, options, STYLE_DIM, mark);
    if (place) {
        int used = (int)(text_width(name) + strlen(mark));
        fprintf(out, "%*s  ", used < columns->name ? columns->name - used : 0, "");
        styled(out, options, STYLE_PLACE, place);
    }
    fputc('\n', out);
}

/* The column of names is as wide as the widest one that is not beyond NAME_WIDTH. */
static struct columns measure_columns(const struct report_thread *thread, size_t n)
{
    size_t widest = 0;
    int digits = n > 0 ? snprintf(NULL, 0, "%" PRIu64, render_frame_number(thread, n - 1)) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct report_frame *frame = &thread->stack->frames[i];
        AUTO_FREE char *name = frame_name(frame);
        size_t width = name ? text_width(name) + (frame->inlined ? strlen(" (inlined)") : 0) : 0;
        if (width > widest && width <= NAME_WIDTH)
            widest = width;
    }
    return (struct columns){.number = digits > 2 ? digits : 2, .name = (int)widest};
}

static void omitted_line(FILE *out, const struct report_thread *thread,
                         const struct render_options *options)
{
    char text[64];
    snprintf(text, sizeof text, "       … %" PRIu64 " more frames, left out …", thread->omitted);
    styled(out, options, STYLE_DIM, text);
    fputc('\n', out);
}

static void repeats_line(FILE *out, const struct report_thread *thread, size_t index, size_t hidden,
                         size_t period, const struct render_options *options)
{
    AUTO_FREE char *text = render_repeats_text(thread, index, hidden, period);
    fputs("       … ", out);
    styled(out, options, STYLE_DIM, text ? text : "");
    fputs(" …\n", out);
}

void render_text_frames(FILE *out, const struct report_thread *thread,
                        const struct render_options *options)
{
    size_t n = render_frame_count(options, thread);
    const struct columns columns = measure_columns(thread, n);

    for (size_t i = 0; i < n;) {
        size_t period = 1, hidden = render_repeats(options, thread, i, n, &period);
        if (thread->omitted > 0 && i == thread->omitted_at)
            omitted_line(out, thread, options);
        for (size_t end = i + period; i < end; i++)
            frame_line(out, &thread->stack->frames[i], render_frame_number(thread, i), options,
                       &columns);
        if (hidden > 0)
            repeats_line(out, thread, i, hidden, period, options);
        i += hidden;
    }
    const char *stop = render_stop_text(thread->stop);
    char more[64];
    if (n < thread->stack->n_frames) {
        snprintf(more, sizeof more, "%zu more frames, not shown", thread->stack->n_frames - n);
        stop = more;
    }
    if (stop) {
        fputs("       ", out);
        styled(out, options, STYLE_DIM, stop);
        fputc('\n', out);
    }
}

static void registers_lines(FILE *out, const struct report_thread *thread,
                            const struct render_options *options)
{
    enum { PER_LINE = 3 };
    for (size_t i = 0; i < thread->n_registers; i++) {
        AUTO_FREE char *name =
            text_printable(thread->registers[i].name, strlen(thread->registers[i].name));
        char value[32];
        snprintf(value, sizeof value, "0x%016" PRIx64, thread->registers[i].value);
        fputs(i % PER_LINE == 0 ? "       " : "   ", out);
        fprintf(out, "%-7s ", name ? name : "?");
        styled(out, options, STYLE_PLACE, value);
        if (i % PER_LINE == PER_LINE - 1 || i + 1 == thread->n_registers)
            fputc('\n', out);
    }
}

static void group_heading(FILE *out, const struct render_group *group, bool crashed,
                          const struct render_options *options)
{
    struct bytes text = {0};
    const char *name = render_group_name(group);

    if (group->n_threads == 1)
        (void)bytes_printf(&text, "Thread %u", group->first->tid);
    else
        (void)bytes_printf(&text, "%zu threads", group->n_threads);
    if (name)
        (void)bytes_printf(&text, " \"%s\"", name);
    if (crashed)
        (void)bytes_append_text(&text, group->first->crashed ? " crashed" : "");
    AUTO_FREE char *heading = text.data ? text_printable(text.data, text.size) : NULL;
    styled(out, options, STYLE_HEADING, heading ? heading : "Thread");
    fputc(':', out);
    for (size_t i = 0; group->n_threads > 1 && i < group->n_threads; i++) {
        if (i == TIDS_SHOWN && group->n_threads > TIDS_SHOWN + 1) {
            fprintf(out, " … %u", group->threads[group->n_threads - 1]->tid);
            break;
        }
        fprintf(out, " %u", group->threads[i]->tid);
    }
    fputc('\n', out);
    bytes_free(&text);
}

static int threads_text(FILE *out, const struct report *report,
                        const struct render_options *options)
{
    const struct report_thread *crashing = report_crashing_thread(report);
    struct render_group *groups;
    size_t n;

    int r = render_groups(report, options, &groups, &n);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const struct report_thread *first = groups[i].first;
        fputc('\n', out);
        group_heading(out, &groups[i], first == crashing, options);
        render_text_frames(out, first, options);
        if (options->registers && (first == crashing || options->all || options->thread))
            registers_lines(out, first, options);
    }
    render_groups_free(groups, n);
    return 0;
}

__attribute__((format(printf, 4, 5))) static void labelled(FILE *out,
                                                           const struct render_options *options,
                                                           const char *label, const char *format,
                                                           ...)
{
    AUTO_FREE char *text = NULL;
    char padded[32];
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0) {
        text = NULL;
        return;
    }
    snprintf(padded, sizeof padded, "%*s  ", LABEL_WIDTH, label);
    styled(out, options, STYLE_DIM, padded);
    print_text(out, text);
    fputc('\n', out);
}

static void program_line(FILE *out, const struct render_input *input,
                         const struct render_options *options)
{
    const char *exe = metadata_text(input->facts, KEY_EXE);
    const char *comm = metadata_text(input->facts, KEY_COMM);
    const char *pid = metadata_text(input->facts, KEY_PID);

    if (!exe && !comm)
        return;
    labelled(out, options, "Program", "%s%s%s%s", exe ? exe : comm, pid ? " (pid " : "",
             pid ? pid : "", pid ? ")" : "");
}

static void signal_line(FILE *out, const struct report *report,
                        const struct render_options *options)
{
    AUTO_FREE char *name = render_signal(report);
    char code[RENDER_CODE_SIZE], address[64] = "";

    render_code(report, code);
    if (report->has_fault_address)
        snprintf(address, sizeof address, ", fault address 0x%" PRIx64, report->fault_address);
    labelled(out, options, "Signal", "%s%s%s%s", name ? name : "?", code[0] ? ", code " : "", code,
             address);
}

/* What is known of the crash besides its threads. */
static void summary(FILE *out, const struct render_input *input,
                    const struct render_options *options)
{
    const struct report *report = input->report;
    AUTO_FREE char *reason = text_printable(report->reason, strlen(report->reason));

    styled(out, options, STYLE_BAD, reason ? reason : "");
    fputc('\n', out);
    for (size_t i = 0; i < report->details.n; i++)
        labelled(out, options, "", "%s", report->details.at[i]);
    if (report->abort_message)
        labelled(out, options, "Message", "%s", report->abort_message);
    if (!options->signal_told)
        signal_line(out, report, options);
    if (report->instruction_bytes)
        labelled(out, options, "Instruction", "%s%s%s", report->instruction_bytes,
                 report->instruction_text ? "  " : "",
                 report->instruction_text ? report->instruction_text : "");
    if (input->facts)
        program_line(out, input, options);
    if (report->package)
        labelled(out, options, "Package", "%s", report->package);
    if (report->signature)
        labelled(out, options, "Signature", "%s", report->signature);
    if (input->facts && input->id)
        labelled(out, options, "Crash", "%s", input->id);
}

static void notes(FILE *out, const struct report *report, const struct render_options *options)
{
    bool any_guess = render_has_guess(report);

    if (any_guess || report->problems.n > 0)
        fputc('\n', out);
    if (any_guess)
        labelled(out, options, "?", "this frame is a guess: its address was found on the stack");
    for (size_t i = 0; i < report->problems.n; i++)
        labelled(out, options, "Note", "%s", report->problems.at[i]);
}

int render_text(FILE *out, const struct render_input *input, const struct render_options *options)
{
    summary(out, input, options);
    int r = threads_text(out, input->report, options);
    if (r < 0)
        return r;
    notes(out, input->report, options);
    return 0;
}
