/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.c - JSON written a piece at a time. */
#include "cli/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/text.h"
#include "store/when.h"

/* ---- pieces ---- */

/* Errors are the FILE's: ferror() tells at exit. */
static void let_go(struct json_stream *json)
{
    (void)fwrite(json->held, 1, json->n_held, json->out);
    json->n_held = 0;
}

static void put(struct json_stream *json, const char *data, size_t size)
{
    if (size > sizeof json->held - json->n_held)
        let_go(json);
    if (size > sizeof json->held) {
        (void)fwrite(data, 1, size, json->out);
        return;
    }
    memcpy(json->held + json->n_held, data, size);
    json->n_held += size;
}

static void put_char(struct json_stream *json, char c)
{
    if (json->n_held == sizeof json->held)
        let_go(json);
    json->held[json->n_held++] = c;
}

static void indent(struct json_stream *json, unsigned depth)
{
    put_char(json, '\n');
    while (depth-- > 0)
        put(json, "  ", 2);
}

static int put_chunk(const char *data, size_t size, void *json)
{
    put(json, data, size);
    return 0;
}

/* C1 controls and changes of writing direction are plain characters to JSON, but not to a terminal.
 */
static size_t flags_for(bool terminal)
{
    return JSON_ENCODE_ANY | (terminal ? JSON_ENSURE_ASCII : 0);
}

/* A bit where a byte is 0, in the first such byte at least. */
static uint64_t zero_bytes(uint64_t eight)
{
    return (eight - TEXT_EACH_BYTE(1)) & ~eight & TEXT_EACH_BYTE(0x80);
}

/* True for eight characters of which none is a control character, '"', '\\' or not ASCII. */
static bool are_plain(uint64_t eight)
{
    return (text_unusual(eight) | zero_bytes(eight ^ TEXT_EACH_BYTE('"')) |
            zero_bytes(eight ^ TEXT_EACH_BYTE('\\'))) == 0;
}

/* True for a text that stands in JSON as it is. */
static bool is_plain(const char *text, size_t size)
{
    uint64_t eight;

    for (; size >= sizeof eight; size -= sizeof eight, text += sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        if (!are_plain(eight))
            return false;
    }
    eight = TEXT_EACH_BYTE(' ');
    memcpy(&eight, text, size);
    return are_plain(eight);
}

static void put_scalar(struct json_stream *json, const json_t *value)
{
    (void)json_dump_callback(value, put_chunk, json, flags_for(json->terminal)); /* put() cannot */
}

/* Room for `size` bytes in one piece, which the caller adds to n_held; NULL where it is too much.
 */
static char *room_for(struct json_stream *json, size_t size)
{
    if (size > sizeof json->held - json->n_held)
        let_go(json);
    return size > sizeof json->held ? NULL : json->held + json->n_held;
}

static void put_quoted(struct json_stream *json, const char *text, size_t size)
{
    char *to = room_for(json, size + 2);

    if (!to) {
        put_char(json, '"');
        put(json, text, size);
        put_char(json, '"');
        return;
    }
    *to = '"';
    memcpy(to + 1, text, size);
    to[size + 1] = '"';
    json->n_held += size + 2;
}

/* ---- the stream ---- */

struct json_stream json_stream_to(FILE *out, enum json_mode mode)
{
    return (struct json_stream){
        .out = out, .pretty = mode == JSON_PRETTY, .terminal = isatty(fileno(out))};
}

/* What stands before the next value or key: a comma, and where it starts. */
static void separate(struct json_stream *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    bool first = json->counts[json->depth - 1]++ == 0;
    if (!first)
        put_char(json, ',');
    if (json->pretty)
        indent(json, json->depth);
    else if (!first && json->depth == 1 && json->closers[0] == ']')
        put_char(json, '\n');
}

void json_stream_open(struct json_stream *json, char bracket)
{
    if (json->depth == JSON_STREAM_DEPTH)
        abort(); /* the shapes are ours, not the input's */
    separate(json);
    put_char(json, bracket);
    json->closers[json->depth] = bracket == '[' ? ']' : '}';
    json->counts[json->depth++] = 0;
}

void json_stream_close(struct json_stream *json)
{
    json->depth--;
    if (json->pretty && json->counts[json->depth] > 0)
        indent(json, json->depth);
    put_char(json, json->closers[json->depth]);
    if (json->depth == 0)
        put_char(json, '\n');
    if (json->depth <= 1)
        let_go(json);
}

void json_stream_key(struct json_stream *json, const char *key)
{
    size_t size = strlen(key);

    separate(json);
    if (is_plain(key, size)) {
        put_quoted(json, key, size);
    } else {
        json_t *name = json_stringn(key, size);
        put_scalar(json, name);
        json_decref(name);
    }
    put(json, ": ", json->pretty ? 2 : 1);
    json->after_key = true;
}

static void write_value(struct json_stream *json, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_array(value)) {
        json_stream_open(json, '[');
        json_array_foreach(value, i, item) write_value(json, item);
        json_stream_close(json);
    } else if (json_is_object(value)) {
        json_stream_open(json, '{');
        json_object_foreach(value, key, item)
        {
            json_stream_key(json, key);
            write_value(json, item);
        }
        json_stream_close(json);
    } else {
        separate(json);
        put_scalar(json, value);
        if (json->depth == 0)
            let_go(json);
    }
}

void json_stream_value(struct json_stream *json, json_t *value)
{
    if (!value)
        value = json_null();
    write_value(json, value);
    json_decref(value);
}

void json_stream_member(struct json_stream *json, const char *key, json_t *value)
{
    json_stream_key(json, key);
    json_stream_value(json, value);
}

/* ---- members without a json_t ---- */

/* The key is one of ours: plain, and short. */
static void begin_member(struct json_stream *json, const char *key)
{
    size_t size = strlen(key);
    char *to;

    if (json->pretty || json->counts[json->depth - 1] == 0) {
        separate(json);
        put_quoted(json, key, size);
        put(json, ": ", json->pretty ? 2 : 1);
    } else if ((to = room_for(json, size + 4))) {
        json->counts[json->depth - 1]++;
        *to++ = ',';
        *to++ = '"';
        to = mempcpy(to, key, size);
        *to++ = '"';
        *to++ = ':';
        json->n_held += size + 4;
    }
}

void json_stream_member_null(struct json_stream *json, const char *key)
{
    begin_member(json, key);
    put(json, "null", 4);
}

void json_stream_member_integer(struct json_stream *json, const char *key, int64_t value)
{
    begin_member(json, key);
    json->n_held += text_number(room_for(json, TEXT_NUMBER_SIZE), value);
}

void json_stream_member_boolean(struct json_stream *json, const char *key, bool value)
{
    begin_member(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void json_stream_member_time(struct json_stream *json, const char *key, int64_t time_us)
{
    char text[WHEN_UTC_SIZE];

    when_utc(text, time_us);
    json_stream_member_text(json, key, text[0] == '?' ? NULL : text);
}

/* What is not plain goes the long way, and may have a KEY_b64. */
static void member_bytes(struct json_stream *json, const char *key, const char *text, size_t size)
{
    json_t *object = json_object(), *value;
    const char *name;

    json_set_bytes(object, key, text, size);
    json_object_foreach(object, name, value) json_stream_member(json, name, json_incref(value));
    json_decref(object);
}

void json_stream_member_text(struct json_stream *json, const char *key, const char *text)
{
    size_t size = text ? strlen(text) : 0;

    if (!text) {
        json_stream_member_null(json, key);
    } else if (is_plain(text, size)) {
        begin_member(json, key);
        put_quoted(json, text, size);
    } else {
        member_bytes(json, key, text, size);
    }
}

/* ---- values ---- */

static char *base64(const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;
    char *text = malloc((size + 2) / 3 * 4 + 1), *out = text;

    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        unsigned triple = (unsigned)p[i] << 16 | (n > 1 ? (unsigned)p[i + 1] << 8 : 0U) |
                          (n > 2 ? (unsigned)p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            *out++ = (char)(k <= n ? digits[triple >> (18 - 6 * k) & 63] : '=');
    }
    *out = '\0';
    return text;
}

void json_set_text_of_bytes(json_t *object, const char *key, const char *text, const void *data,
                            size_t size)
{
    json_object_set_new(object, key, text ? json_string(text) : json_null());
    if (text && strlen(text) == size && memcmp(text, data, size) == 0)
        return;

    char name[128];
    AUTO_FREE char *encoded = base64(data, size);
    snprintf(name, sizeof name, "%s_b64", key);
    json_object_set_new(object, name, encoded ? json_string(encoded) : json_null());
}

void json_set_bytes(json_t *object, const char *key, const void *data, size_t size)
{
    if (!data) {
        json_set_null(object, key);
        return;
    }
    AUTO_FREE char *text = text_to_utf8(data, size);
    json_set_text_of_bytes(object, key, text, data, size);
}

void json_set_text(json_t *object, const char *key, const char *text)
{
    json_set_bytes(object, key, text, text ? strlen(text) : 0);
}

void json_set_integer(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

void json_set_address(json_t *object, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "0x%" PRIx64, value);
    json_object_set_new(object, key, json_string(text));
}

void json_set_time(json_t *object, const char *key, int64_t time_us)
{
    char text[WHEN_UTC_SIZE];

    when_utc(text, time_us);
    if (text[0] == '?')
        json_set_null(object, key);
    else
        json_object_set_new(object, key, json_string(text));
}

void json_set_null(json_t *object, const char *key)
{
    json_object_set_new(object, key, json_null());
}
