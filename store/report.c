/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.c - reads the analyzer's JSON, as hostile, into the report model. */
#include "store/report.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "store/base/bytes.h"
#include "store/base/io.h"
#include "store/base/parse.h"

enum { MAX_DEPTH = 8, MAX_HEX = 256 };

/* A report and what its pointers point into. Texts lie in the JSON tree, which is kept for that. */
struct parsed {
    struct report report; /* first: report_free() gets its address */
    json_t *root;
    char **decoded; /* texts that came as KEY_b64 */
    size_t n_decoded;
    struct report_frame *frames; /* of all stacks */
    struct report_stack *stacks;
    struct report_module *modules;
    struct report_thread *threads;
    size_t n_threads_made;
};

/* The first failure stands; after it every getter returns nothing, so that callers need not look.
 */
struct parser {
    struct parsed *parsed;
    struct error *error;
    int code; /* 0 or a negative errno */
};

static void fail(struct parser *p, int code, const char *what, const char *key)
{
    if (p->code == 0)
        p->code = error_set(p->error, code, "report: %s '%s'", what, key);
}

static void *allocate(struct parser *p, size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);
    if (!memory)
        fail(p, ENOMEM, "no memory for", "its parts");
    return memory;
}

/* Names. */

static const char *const trust_names[] = {
    [REPORT_TRUST_REGISTERS] = "registers", [REPORT_TRUST_CFI] = "cfi",
    [REPORT_TRUST_SIGNAL] = "signal",       [REPORT_TRUST_CALL_POP] = "call-pop",
    [REPORT_TRUST_SCAN] = "scan",           [REPORT_TRUST_FRAME_POINTER] = "frame-pointer",
};

static const char *const stop_names[] = {
    [REPORT_STOP_END] = "end",
    [REPORT_STOP_NO_CFI] = "no-cfi",
    [REPORT_STOP_NO_MEMORY] = "no-memory",
    [REPORT_STOP_BAD_PC] = "bad-pc",
    [REPORT_STOP_REPEAT] = "repeat",
    [REPORT_STOP_CAP] = "cap",
    [REPORT_STOP_DEADLINE] = "deadline",
    [REPORT_STOP_NO_REGISTERS] = "no-registers",
};

static const char *const symbols_names[] = {
    [REPORT_SYMBOLS_NONE] = "none",
    [REPORT_SYMBOLS_DYNSYM] = "dynsym",
    [REPORT_SYMBOLS_SYMTAB] = "symtab",
    [REPORT_SYMBOLS_DWARF] = "dwarf",
};

const char *report_trust_name(enum report_trust trust)
{
    return trust_names[trust];
}

const char *report_stop_name(enum report_stop stop)
{
    return stop_names[stop];
}

const char *report_symbols_name(enum report_symbols symbols)
{
    return symbols_names[symbols];
}

/* Values of an object by key. */

/* The value, or NULL where it is null or absent. */
static json_t *get(struct parser *p, const json_t *object, const char *key)
{
    json_t *value = p->code == 0 ? json_object_get(object, key) : NULL;
    return json_is_null(value) ? NULL : value;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Decodes base64 (RFC 4648, with its padding) to a C string; NULL where it is none or holds a NUL.
 */
static char *base64_decode(const char *text, size_t size)
{
    if (size % 4 != 0)
        return NULL;
    size_t padding = size == 0 ? 0 : (text[size - 1] == '=') + (size_t)(text[size - 2] == '=');
    AUTO_FREE char *out = malloc(size / 4 * 3 + 1);
    size_t used = 0;

    for (size_t i = 0; out && i < size; i += 4) {
        uint32_t word = 0;
        for (size_t k = i; k < i + 4; k++) {
            int digit = k >= size - padding ? 0 : base64_digit(text[k]);
            if (digit < 0)
                return NULL;
            word = word << 6 | (uint32_t)digit;
        }
        for (int shift = 16; shift >= 0; shift -= 8)
            out[used++] = (char)(word >> shift);
    }
    if (!out || memchr(out, '\0', used - padding))
        return NULL;
    out[used - padding] = '\0';
    return steal_pointer(&out);
}

/* Keeps a decoded text for the life of the report. */
static const char *keep_decoded(struct parser *p, char *text)
{
    struct parsed *parsed = p->parsed;
    /* A power of two is full: the array doubles there. */
    if ((parsed->n_decoded & (parsed->n_decoded - 1)) == 0) {
        size_t n = parsed->n_decoded ? parsed->n_decoded * 2 : 1;
        char **more = reallocarray(parsed->decoded, n, sizeof(*more));
        if (!more) {
            free(text);
            fail(p, ENOMEM, "no memory for", "its texts");
            return NULL;
        }
        parsed->decoded = more;
    }
    return parsed->decoded[parsed->n_decoded++] = text;
}

/* The bytes behind `text`, where KEY_b64 has them. */
static const char *get_bytes(struct parser *p, const json_t *object, const char *key,
                             const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "%s_b64", key);
    json_t *value = get(p, object, name);
    if (!value)
        return text;
    char *bytes = json_is_string(value)
                      ? base64_decode(json_string_value(value), json_string_length(value))
                      : NULL;
    if (!bytes) {
        fail(p, EBADMSG, "no base64 of a text in", name);
        return NULL;
    }
    return keep_decoded(p, bytes);
}

static const char *get_text(struct parser *p, const json_t *object, const char *key)
{
    json_t *value = get(p, object, key);
    if (!value)
        return NULL;
    if (!json_is_string(value)) {
        fail(p, EBADMSG, "no text in", key);
        return NULL;
    }
    const char *text = json_string_value(value);
    return strstr(text, "\xef\xbf\xbd") ? get_bytes(p, object, key, text) : text;
}

/* Text of lower-case hex digits, whole bytes of them. */
static const char *get_hex(struct parser *p, const json_t *object, const char *key)
{
    const char *text = get_text(p, object, key);
    if (!text)
        return NULL;
    size_t size = strlen(text);
    if (size == 0 || size % 2 != 0 || size > MAX_HEX || strspn(text, "0123456789abcdef") != size)
        fail(p, EBADMSG, "no hex digits in", key);
    return text;
}

static bool parse_address(const json_t *value, uint64_t *ret)
{
    const char *text = json_string_value(value);
    return text && text[0] == '0' && text[1] == 'x' && text[2] != '\0' &&
           strspn(text + 2, "0123456789abcdef") == strlen(text + 2) &&
           parse_u64(text, 16, UINT64_MAX, ret) == 0;
}

static uint64_t get_address(struct parser *p, const json_t *object, const char *key, bool *ret_has)
{
    uint64_t address = 0;
    json_t *value = get(p, object, key);
    if (value && !parse_address(value, &address))
        fail(p, EBADMSG, "no address in", key);
    *ret_has = value != NULL;
    return address;
}

static uint64_t need_address(struct parser *p, const json_t *object, const char *key)
{
    bool has;
    uint64_t address = get_address(p, object, key, &has);
    if (!has)
        fail(p, EBADMSG, "no address in", key);
    return address;
}

static int64_t get_integer(struct parser *p, const json_t *object, const char *key, int64_t min,
                           int64_t max, bool *ret_has)
{
    json_t *value = get(p, object, key);
    int64_t number = json_integer_value(value);
    if (value && (!json_is_integer(value) || number < min || number > max)) {
        fail(p, EBADMSG, "no such number in", key);
        number = min;
    }
    *ret_has = value != NULL;
    return value ? number : 0;
}

static int64_t need_integer(struct parser *p, const json_t *object, const char *key, int64_t min,
                            int64_t max)
{
    bool has;
    int64_t number = get_integer(p, object, key, min, max, &has);
    if (!has)
        fail(p, EBADMSG, "no number in", key);
    return number;
}

static bool get_bool(struct parser *p, const json_t *object, const char *key)
{
    json_t *value = get(p, object, key);
    if (value && !json_is_boolean(value))
        fail(p, EBADMSG, "neither true nor false in", key);
    return json_is_true(value);
}

static unsigned need_name(struct parser *p, const json_t *object, const char *key,
                          const char *const *names, size_t n_names)
{
    const char *text = get_text(p, object, key);
    for (size_t i = 0; text && i < n_names; i++)
        if (strcmp(names[i], text) == 0)
            return (unsigned)i;
    fail(p, EBADMSG, "no known name in", key);
    return 0;
}

/* An array of at most `max` elements; NULL where it is null or absent. */
static const json_t *get_array(struct parser *p, const json_t *object, const char *key, size_t max)
{
    json_t *value = get(p, object, key);
    if (value && !json_is_array(value))
        fail(p, EBADMSG, "no list in", key);
    else if (json_array_size(value) > max)
        fail(p, EFBIG, "too many elements in", key);
    return p->code == 0 ? value : NULL;
}

/* The object at `index` of an array. */
static const json_t *need_object(struct parser *p, const json_t *array, size_t index,
                                 const char *key)
{
    const json_t *value = json_array_get(array, index);
    if (!json_is_object(value))
        fail(p, EBADMSG, "no object in", key);
    return value;
}

static struct report_texts get_texts(struct parser *p, const json_t *object, const char *key)
{
    const json_t *array = get_array(p, object, key, REPORT_MAX_TEXTS);
    size_t n = json_array_size(array);
    if (n == 0)
        return (struct report_texts){0};

    const char **texts = allocate(p, n, sizeof(*texts));
    for (size_t i = 0; texts && i < n; i++) {
        texts[i] = json_string_value(json_array_get(array, i));
        if (!texts[i])
            fail(p, EBADMSG, "something else than texts in", key);
    }
    return (struct report_texts){.at = texts, .n = texts ? n : 0};
}

/* The parts of a report. */

static void parse_modules(struct parser *p, const json_t *root)
{
    const json_t *array = get_array(p, root, "modules", REPORT_MAX_MODULES);
    size_t n = json_array_size(array);
    struct report_module *modules = p->parsed->modules = allocate(p, n, sizeof(*modules));

    for (size_t i = 0; i < n && p->code == 0; i++) {
        const json_t *object = need_object(p, array, i, "modules");
        modules[i] = (struct report_module){
            .path = get_text(p, object, "path"),
            .build_id = get_hex(p, object, "build_id"),
            .start = need_address(p, object, "start"),
            .end = need_address(p, object, "end"),
            .verified = get_bool(p, object, "verified"),
            .symbols = need_name(p, object, "symbols", symbols_names, ARRAY_SIZE(symbols_names)),
            .package = get_text(p, object, "package"),
        };
        if (!modules[i].path)
            fail(p, EBADMSG, "no text in", "path");
    }
    p->parsed->report.modules = modules;
    p->parsed->report.n_modules = n;
}

static const struct report_module *get_module(struct parser *p, const json_t *object)
{
    bool has;
    int64_t max = (int64_t)p->parsed->report.n_modules - 1;
    int64_t index = get_integer(p, object, "module", 0, max, &has);
    return has && p->code == 0 ? &p->parsed->modules[index] : NULL;
}

static void parse_frame(struct parser *p, const json_t *object, struct report_frame *ret)
{
    bool has;
    ret->pc = need_address(p, object, "pc");
    ret->function = get_text(p, object, "function");
    ret->symbol = get_text(p, object, "symbol");
    ret->module = get_module(p, object);
    ret->offset = get_address(p, object, "offset", &ret->has_offset);
    ret->module_offset = get_address(p, object, "module_offset", &ret->has_module_offset);
    ret->file = get_text(p, object, "file");
    ret->line = (uint32_t)get_integer(p, object, "line", 0, INT_MAX, &has);
    ret->column = (uint32_t)get_integer(p, object, "column", 0, INT_MAX, &has);
    ret->inlined = get_bool(p, object, "inlined");
    ret->trust = need_name(p, object, "trust", trust_names, ARRAY_SIZE(trust_names));
}

static size_t count_frames(struct parser *p, const json_t *stacks)
{
    size_t total = 0, n = json_array_size(stacks);
    for (size_t i = 0; i < n; i++) {
        const json_t *stack = json_array_get(stacks, i);
        if (!json_is_array(stack))
            fail(p, EBADMSG, "something else than lists in", "stacks");
        total += json_array_size(stack);
    }
    if (total > REPORT_MAX_FRAMES)
        fail(p, EFBIG, "too many frames in", "stacks");
    return p->code == 0 ? total : 0;
}

static void parse_stacks(struct parser *p, const json_t *root)
{
    struct parsed *parsed = p->parsed;
    const json_t *array = get_array(p, root, "stacks", REPORT_MAX_THREADS);
    size_t n = json_array_size(array);

    parsed->frames = allocate(p, count_frames(p, array), sizeof(*parsed->frames));
    parsed->stacks = allocate(p, n, sizeof(*parsed->stacks));
    struct report_frame *next = parsed->frames;
    for (size_t i = 0; i < n && p->code == 0; i++) {
        const json_t *frames = json_array_get(array, i);
        size_t n_frames = json_array_size(frames);
        parsed->stacks[i] = (struct report_stack){.frames = next, .n_frames = n_frames};
        for (size_t k = 0; k < n_frames && p->code == 0; k++)
            parse_frame(p, need_object(p, frames, k, "stacks"), next++);
    }
    parsed->report.stacks = parsed->stacks;
    parsed->report.n_stacks = n;
}

static void parse_registers(struct parser *p, const json_t *thread, struct report_thread *ret)
{
    json_t *object = get(p, thread, "registers");
    size_t n = json_object_size(object), i = 0;
    const char *name;
    json_t *value;

    if (object && !json_is_object(object))
        fail(p, EBADMSG, "no object in", "registers");
    if (n > REPORT_MAX_REGISTERS)
        fail(p, EFBIG, "too many elements in", "registers");
    if (n == 0 || p->code < 0)
        return;

    struct report_register *registers = allocate(p, n, sizeof(*registers));
    ret->registers = registers;
    if (!registers)
        return;
    json_object_foreach(object, name, value)
    {
        registers[i].name = name;
        if (!parse_address(value, &registers[i++].value))
            fail(p, EBADMSG, "no address in", "registers");
    }
    ret->n_registers = n;
}

static void parse_thread(struct parser *p, const json_t *object, struct report_thread *ret)
{
    const struct report *report = &p->parsed->report;
    bool has;

    ret->tid = (uint32_t)need_integer(p, object, "tid", 0, INT_MAX);
    ret->crashed = get_bool(p, object, "crashed");
    ret->name = get_text(p, object, "name");
    ret->stop = need_name(p, object, "stop", stop_names, ARRAY_SIZE(stop_names));
    int64_t stack = need_integer(p, object, "stack", 0, (int64_t)report->n_stacks - 1);
    if (p->code < 0)
        return;
    ret->stack = &report->stacks[stack];
    ret->omitted = (uint64_t)get_integer(p, object, "omitted", 0, INT64_MAX, &has);
    ret->omitted_at =
        (size_t)get_integer(p, object, "omitted_at", 0, (int64_t)ret->stack->n_frames, &has);
    if (!has)
        ret->omitted_at = ret->stack->n_frames / 2;
    parse_registers(p, object, ret);
}

static void parse_threads(struct parser *p, const json_t *root)
{
    struct parsed *parsed = p->parsed;
    const json_t *array = get_array(p, root, "threads", REPORT_MAX_THREADS);
    size_t n = json_array_size(array);

    parsed->threads = allocate(p, n, sizeof(*parsed->threads));
    for (size_t i = 0; i < n && p->code == 0; i++) {
        parse_thread(p, need_object(p, array, i, "threads"), &parsed->threads[i]);
        parsed->n_threads_made = i + 1;
    }
    parsed->report.threads = parsed->threads;
    parsed->report.n_threads = parsed->n_threads_made;
}

static void parse_instruction(struct parser *p, const json_t *root)
{
    json_t *object = get(p, root, "instruction");
    if (object && !json_is_object(object))
        fail(p, EBADMSG, "no object in", "instruction");
    p->parsed->report.instruction_bytes = get_hex(p, object, "bytes");
    p->parsed->report.instruction_text = get_text(p, object, "text");
}

static void parse_facts(struct parser *p, const json_t *root)
{
    struct report *report = &p->parsed->report;

    need_integer(p, root, "version", REPORT_VERSION, REPORT_VERSION);
    report->analyzer = get_text(p, root, "analyzer");
    report->complete = get_bool(p, root, "complete");
    report->problems = get_texts(p, root, "problems");
    report->signal = (int)need_integer(p, root, "signal", 0, INT_MAX);
    report->signal_name = get_text(p, root, "signal_name");
    report->si_code = (int)get_integer(p, root, "si_code", INT_MIN, INT_MAX, &report->has_si_code);
    report->fault_address = get_address(p, root, "fault_address", &report->has_fault_address);
    report->reason = get_text(p, root, "reason");
    report->details = get_texts(p, root, "details");
    report->abort_message = get_text(p, root, "abort_message");
    report->signature = get_hex(p, root, "signature");
    report->signature_frames = get_texts(p, root, "signature_frames");
    report->signature_is_wordless = get_bool(p, root, "signature_wordless");
    report->stack_id = get_hex(p, root, "stack_id");
    report->function = get_text(p, root, "function");
    report->package = get_text(p, root, "package");
    if (!report->reason)
        fail(p, EBADMSG, "no text in", "reason");
    if (report->signature && strlen(report->signature) != 16)
        fail(p, EBADMSG, "not 16 digits in", "signature");
}

/*
 * jansson's tree takes many times the bytes of its text, of {} alone a hundred times: what it will
 * take, and its depth, are bounded before it is built. The sizes are those of its structs, as
 * malloc rounds them, with a number in each.
 */
static int check_bounds(const char *data, size_t size, struct error *error)
{
    enum { OBJECT = 256, ARRAY = 160, TEXT = 80, ELEMENT = 48 };
    size_t memory = 0, depth = 0;
    bool in_string = false;

    if (size > REPORT_MAX_SIZE)
        return error_set(error, EFBIG, "report: larger than %d MiB", REPORT_MAX_SIZE >> 20);
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (c == '"')
            in_string = !in_string, memory += in_string ? TEXT : 0;
        else if (in_string)
            i += c == '\\', memory++;
        else if (c == ',')
            memory += ELEMENT;
        else if (c == '{' || c == '[')
            memory += c == '{' ? OBJECT : ARRAY, depth++;
        else if (c == '}' || c == ']')
            depth -= depth > 0;
        if (memory > REPORT_MAX_MEMORY || depth > MAX_DEPTH)
            return error_set(error, EFBIG, "report: too many values, or too deep");
    }
    return 0;
}

int report_parse(const void *data, size_t size, struct report **ret, struct error *error)
{
    json_error_t where;
    int r = check_bounds(data, size, error);
    if (r < 0)
        return r;

    struct parsed *parsed = calloc(1, sizeof(*parsed));
    if (!parsed)
        return error_set(error, ENOMEM, "report: no memory");
    AUTO_REPORT struct report *report = &parsed->report;
    parsed->root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(parsed->root))
        return error_set(error, EBADMSG, "report: no JSON object, or broken at byte %d",
                         where.position);

    struct parser p = {.parsed = parsed, .error = error};
    parse_facts(&p, parsed->root);
    parse_instruction(&p, parsed->root);
    parse_modules(&p, parsed->root);
    parse_stacks(&p, parsed->root);
    parse_threads(&p, parsed->root);
    if (p.code < 0)
        return p.code;
    *ret = steal_pointer(&report);
    return 0;
}

int report_read(int fd, struct report **ret, struct error *error)
{
    AUTO_BYTES struct bytes data = {0};
    int r = io_read_all(fd, REPORT_MAX_SIZE, &data);
    if (r < 0)
        return error_errno(error, -r, "report");
    return report_parse(data.data ? data.data : "", data.size, ret, error);
}

void report_free(struct report *report)
{
    struct parsed *parsed = (struct parsed *)report;
    if (!parsed)
        return;
    for (size_t i = 0; i < parsed->n_threads_made; i++)
        free((void *)parsed->threads[i].registers);
    for (size_t i = 0; i < parsed->n_decoded; i++)
        free(parsed->decoded[i]);
    free((void *)report->problems.at);
    free((void *)report->details.at);
    free((void *)report->signature_frames.at);
    free(parsed->decoded);
    free(parsed->threads);
    free(parsed->stacks);
    free(parsed->frames);
    free(parsed->modules);
    json_decref(parsed->root);
    free(parsed);
}

int report_adopt(struct bytes *json, struct error *error)
{
    static const char origin[] =
        "this report was made elsewhere and came with the bundle; `inquest "
        "analyze` makes it anew";
    AUTO_REPORT struct report *report = NULL;

    int r = report_parse(json->data ? json->data : "", json->size, &report, error);
    if (r < 0)
        return r;
    json_t *root = ((struct parsed *)report)->root;
    json_t *problems = json_object_get(root, "problems");
    bool changed = json_object_set_new(root, "stack_id", json_null()) == 0;
    if (!json_is_array(problems))
        changed = changed && json_object_set_new(root, "problems", json_pack("[s]", origin)) == 0;
    else if (json_array_size(problems) < REPORT_MAX_TEXTS)
        changed = changed && json_array_append_new(problems, json_string(origin)) == 0;
    AUTO_FREE char *text = changed ? json_dumps(root, JSON_COMPACT) : NULL;
    json->size = 0;
    if (!text || bytes_append_text(json, text) < 0)
        return error_set(error, ENOMEM, "report: no memory");
    return 0;
}

void report_rename(struct report *report, const char *signature)
{
    size_t size = strlen(signature);
    if (size == 0 || size >= sizeof report->renamed)
        return;
    memcpy(report->renamed, signature, size + 1);
    report->signature = report->renamed;
}

const struct report_thread *report_crashing_thread(const struct report *report)
{
    for (size_t i = 0; i < report->n_threads; i++)
        if (report->threads[i].crashed)
            return &report->threads[i];
    return report->n_threads > 0 ? report->threads : NULL;
}

bool report_frame_is_guess(const struct report_frame *frame)
{
    return frame->trust == REPORT_TRUST_SCAN;
}
