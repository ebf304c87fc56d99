/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render_json.c - an explained crash as the object of `inquest bt --json`: see inquest(1). */
#include "cli/render.h"
#include "store/base/signals.h"

static json_t *signed_or_null(bool known, int64_t value)
{
    return known ? json_integer(value) : json_null();
}

static void set_address_or_null(json_t *object, const char *key, bool known, uint64_t value)
{
    if (known)
        json_set_address(object, key, value);
    else
        json_set_null(object, key);
}

static json_t *texts_json(const struct report_texts *texts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < texts->n; i++)
        json_array_append_new(array, json_string(texts->at[i]));
    return array;
}

/* Writes the members of a small object into the one that is open, and frees it. */
static void members(struct json_stream *json, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) json_stream_member(json, key, json_incref(value));
    json_decref(object);
}

static json_t *frame_json(const struct report_frame *frame, uint64_t number)
{
    const struct report_module *module = frame->module;
    json_t *object = json_object();

    json_set_integer(object, "index", (int64_t)number);
    json_set_address(object, "pc", frame->pc);
    json_set_text(object, "function", frame->function);
    json_set_text(object, "symbol", frame->symbol);
    set_address_or_null(object, "offset", frame->has_offset, frame->offset);
    json_set_text(object, "module", module ? module->path : NULL);
    json_set_text(object, "build_id", module ? module->build_id : NULL);
    set_address_or_null(object, "module_offset", frame->has_module_offset, frame->module_offset);
    json_set_text(object, "file", frame->file);
    json_object_set_new(object, "line", signed_or_null(frame->line > 0, frame->line));
    json_object_set_new(object, "column", signed_or_null(frame->column > 0, frame->column));
    json_object_set_new(object, "inlined", json_boolean(frame->inlined));
    json_set_text(object, "trust", report_trust_name(frame->trust));
    return object;
}

static json_t *registers_json(const struct report_thread *thread)
{
    json_t *object = json_object();
    for (size_t i = 0; i < thread->n_registers; i++)
        json_set_address(object, thread->registers[i].name, thread->registers[i].value);
    return object;
}

static void thread_json(struct json_stream *json, const struct report_thread *thread,
                        const struct render_options *options)
{
    json_t *head = json_object();
    json_set_integer(head, "tid", thread->tid);
    json_set_text(head, "name", thread->name);
    json_object_set_new(head, "crashed", json_boolean(thread->crashed));
    json_set_text(head, "stop", report_stop_name(thread->stop));
    json_set_integer(head, "omitted", (int64_t)thread->omitted);

    json_stream_open(json, '{');
    members(json, head);
    json_stream_member(json, "registers", registers_json(thread));
    json_stream_key(json, "frames");
    json_stream_open(json, '[');
    for (size_t i = 0; i < render_frame_count(options, thread); i++)
        json_stream_value(json,
                          frame_json(&thread->stack->frames[i], render_frame_number(thread, i)));
    json_stream_close(json);
    json_stream_close(json);
}

static json_t *module_json(const struct report_module *module)
{
    json_t *object = json_object();
    json_set_text(object, "path", module->path);
    json_set_text(object, "build_id", module->build_id);
    json_set_address(object, "start", module->start);
    json_set_address(object, "end", module->end);
    json_object_set_new(object, "verified", json_boolean(module->verified));
    json_set_text(object, "symbols", report_symbols_name(module->symbols));
    json_set_text(object, "package", module->package);
    return object;
}

static json_t *instruction_json(const struct report *report)
{
    if (!report->instruction_bytes)
        return json_null();
    json_t *object = json_object();
    json_set_text(object, "bytes", report->instruction_bytes);
    json_set_text(object, "text", report->instruction_text);
    return object;
}

static json_t *head_json(const struct render_input *input)
{
    const struct report *report = input->report;
    json_t *object = json_object();

    json_set_text(object, "id", input->id);
    json_set_integer(object, "signal", report->signal);
    json_set_text(object, "signal_name", report->signal_name);
    json_object_set_new(object, "si_code", signed_or_null(report->has_si_code, report->si_code));
    json_set_text(object, "si_code_name",
                  report->has_si_code ? signal_code_name(report->signal, report->si_code) : NULL);
    set_address_or_null(object, "fault_address", report->has_fault_address, report->fault_address);
    json_set_text(object, "reason", report->reason);
    json_object_set_new(object, "details", texts_json(&report->details));
    json_set_text(object, "abort_message", report->abort_message);
    json_set_text(object, "signature", report->signature);
    json_object_set_new(object, "signature_frames", texts_json(&report->signature_frames));
    json_set_text(object, "stack_id", report->stack_id);
    json_set_text(object, "function", report->function);
    json_set_text(object, "package", report->package);
    json_object_set_new(object, "instruction", instruction_json(report));
    json_object_set_new(object, "complete", json_boolean(report->complete));
    json_object_set_new(object, "problems", texts_json(&report->problems));
    json_set_text(object, "analyzer", report->analyzer);
    return object;
}

int render_json(struct json_stream *json, const struct render_input *input,
                const struct render_options *options)
{
    const struct report *report = input->report;

    json_stream_open(json, '{');
    members(json, head_json(input));
    json_stream_key(json, "threads");
    json_stream_open(json, '[');
    for (size_t i = 0; i < report->n_threads; i++)
        if (render_wants_thread(options, &report->threads[i]))
            thread_json(json, &report->threads[i], options);
    json_stream_close(json);
    json_stream_key(json, "modules");
    json_stream_open(json, '[');
    for (size_t i = 0; i < report->n_modules; i++)
        json_stream_value(json, module_json(&report->modules[i]));
    json_stream_close(json);
    json_stream_close(json);
    return 0;
}
