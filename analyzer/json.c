/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.c - writes JSON as it goes. */
#include "analyzer/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"

static void flush(struct json *json)
{
    if (json->result == 0 && json->used > 0)
        json->result = io_write(json->fd, json->buffer, json->used);
    json->used = 0;
}

static void put(struct json *json, const char *data, size_t size)
{
    while (size > 0) {
        if (json->used == sizeof(json->buffer))
            flush(json);
        size_t part = sizeof(json->buffer) - json->used;
        if (part > size)
            part = size;
        memcpy(json->buffer + json->used, data, part);
        json->used += part;
        data += part;
        size -= part;
    }
}

static void put_quoted(struct json *json, const char *text, size_t size)
{
    put(json, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[8];
        if (c == '"' || c == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)c;
            put(json, escaped, 2);
        } else if (c < 0x20 || c == 0x7f) {
            put(json, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", c));
        } else {
            put(json, text + i, 1);
        }
    }
    put(json, "\"", 1);
}

/* What stands before any value. */
static void begin(struct json *json, const char *key)
{
    if (json->needs_comma)
        put(json, ",", 1);
    json->needs_comma = true;
    if (key) {
        put_quoted(json, key, strlen(key));
        put(json, ":", 1);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    begin(json, key);
    put(json, &bracket, 1);
    json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
    put(json, &bracket, 1);
    json->needs_comma = true;
}

void json_bytes(struct json *json, const char *key, const char *text, size_t size)
{
    begin(json, key);
    if (text_is_utf8(text, size)) {
        put_quoted(json, text, size);
        return;
    }
    AUTO_FREE char *clean = text_to_utf8(text, size);
    if (clean)
        put_quoted(json, clean, strlen(clean));
    else
        put(json, "null", 4);
}

void json_text(struct json *json, const char *key, const char *text)
{
    if (text)
        json_bytes(json, key, text, strlen(text));
    else
        json_nothing(json, key);
}

void json_decimal(struct json *json, const char *key, int64_t value)
{
    char text[32];
    begin(json, key);
    put(json, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

void json_hex(struct json *json, const char *key, uint64_t value)
{
    char text[32];
    begin(json, key);
    put(json, text, (size_t)snprintf(text, sizeof(text), "\"0x%llx\"", (unsigned long long)value));
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void json_nothing(struct json *json, const char *key)
{
    begin(json, key);
    put(json, "null", 4);
}

int json_finish(struct json *json)
{
    put(json, "\n", 1);
    flush(json);
    return json->result;
}
