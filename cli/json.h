/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - JSON written a piece at a time, so that a list of a million is never held in memory.
 *
 *     struct json_stream json = json_stream_to(stdout, call->globals.json);
 *     json_stream_open(&json, '[');
 *     for each crash
 *         json_stream_value(&json, crash_as_json(crash)); // takes the reference over
 *     json_stream_close(&json);
 *
 * Small values are built with jansson, containers of unbounded length are opened and closed here.
 * The FILE has seen all of it when the outermost value is closed, and each of its elements as a
 * whole; what is not a container is written without building anything.
 * JSON_SHORT has an element of the outermost array on each line, JSON_PRETTY is indented. Errors
 * of the FILE are its own: they are found at exit.
 *
 * How a fact becomes JSON: integers are integers, addresses are "0x…", absent is null. Texts are
 * UTF-8 with U+FFFD where the bytes were not; whenever the text is not exactly the bytes, KEY_b64
 * beside it has them.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"

enum {
    JSON_STREAM_DEPTH = 16,
    JSON_STREAM_HELD = 4096, /* bytes put together before the FILE sees them */
};

struct json_stream {
    FILE *out;
    bool pretty;
    bool terminal; /* only ASCII, then */
    unsigned depth;
    char closers[JSON_STREAM_DEPTH];
    size_t counts[JSON_STREAM_DEPTH]; /* values so far at each depth */
    bool after_key;
    size_t n_held;
    char held[JSON_STREAM_HELD];
};

struct json_stream json_stream_to(FILE *out, enum json_mode mode);

void json_stream_open(struct json_stream *json, char bracket); /* '[' or '{' */
void json_stream_close(struct json_stream *json); /* ends with a newline at the outermost */
void json_stream_key(struct json_stream *json, const char *key);
void json_stream_value(struct json_stream *json,
                       json_t *value); /* takes the reference; NULL: null */
void json_stream_member(struct json_stream *json, const char *key, json_t *value); /* both */

/* Members of the open object, as json_set_…() below; keys are plain ASCII. */
void json_stream_member_null(struct json_stream *json, const char *key);
void json_stream_member_integer(struct json_stream *json, const char *key, int64_t value);
void json_stream_member_boolean(struct json_stream *json, const char *key, bool value);
void json_stream_member_time(struct json_stream *json, const char *key, int64_t time_us);
void json_stream_member_text(struct json_stream *json, const char *key, const char *text);

/* Set KEY of an object. A NULL text is null. json_set_bytes() also sets KEY_b64 where needed. */
void json_set_bytes(json_t *object, const char *key, const void *data, size_t size);
void json_set_text(json_t *object, const char *key, const char *text);
void json_set_integer(json_t *object, const char *key, int64_t value);
void json_set_address(json_t *object, const char *key, uint64_t value);
void json_set_time(json_t *object, const char *key, int64_t time_us); /* RFC 3339, UTC, µs */
void json_set_null(json_t *object, const char *key);

/* Takes over: `text`, which is shown for `data`, is set, and KEY_b64 where the two differ. */
void json_set_text_of_bytes(json_t *object, const char *key, const char *text, const void *data,
                            size_t size);
