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

struct json_stream json_stream_to(FILE *out, enum json_mode mode)
{
    return (struct json_stream){
        .out = out, .pretty = mode == JSON_PRETTY, .terminal = isatty(fileno(out))};
}

static void indent(const struct json_stream *json, unsigned depth)
{
    fprintf(json->out, "\n%*s", (int)depth * 2, "");
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
        fputc(',', json->out);
    if (json->pretty)
        indent(json, json->depth);
    else if (!first && json->depth == 1 && json->closers[0] == ']')
        fputc('\n', json->out);
}

void json_stream_open(struct json_stream *json, char bracket)
{
    if (json->depth == JSON_STREAM_DEPTH)
        abort(); /* the shapes are ours, not the input's */
    separate(json);
    fputc(bracket, json->out);
    json->closers[json->depth] = bracket == '[' ? ']' : '}';
    json->counts[json->depth++] = 0;
}

void json_stream_close(struct json_stream *json)
{
    json->depth--;
    if (json->pretty && json->counts[json->depth] > 0)
        indent(json, json->depth);
    fputc(json->closers[json->depth], json->out);
    if (json->depth == 0)
        fputc('\n', json->out);
}

static int write_chunk(const char *data, size_t size, void *out)
{
    return fwrite(data, 1, size, out) == size ? 0 : -1;
}

/* C1 controls and changes of writing direction are plain characters to JSON, but not to a terminal.
 */
static size_t flags_for(bool terminal)
{
    return JSON_ENCODE_ANY | (terminal ? JSON_ENSURE_ASCII : 0);
}

static void write_scalar(const struct json_stream *json, const json_t *value)
{
    /* ferror() tells at exit */
    (void)json_dump_callback(value, write_chunk, json->out, flags_for(json->terminal));
}

void json_stream_key(struct json_stream *json, const char *key)
{
    separate(json);
    json_t *name = json_string(key);
    write_scalar(json, name);
    json_decref(name);
    fputs(json->pretty ? ": " : ":", json->out);
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
        write_scalar(json, value);
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

void json_line(FILE *out, json_t *value)
{
    size_t flags = JSON_COMPACT | flags_for(isatty(fileno(out)));
    (void)json_dump_callback(value, write_chunk, out, flags);
    fputc('\n', out);
    json_decref(value);
}

static char *base64(const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;
    char *text = malloc((size + 2) / 3 * 4 + 1), *out = text;

    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        unsigned triple = (unsigned)p[i] << 16 | (n > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                          (n > 2 ? (unsigned)p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= n ? digits[triple >> (18 - 6 * k) & 63] : '=';
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
