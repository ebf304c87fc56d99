/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - writes JSON as it goes: nothing is held but a buffer.
 *
 * The caller opens and closes what the grammar wants; commas are put by the writer. Text is made
 * valid UTF-8 (U+FFFD for what is not). A failed write makes all further calls do nothing;
 * json_finish() tells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    int fd;
    char buffer[16 * 1024];
    size_t used;
    bool needs_comma;
    int result;
};

/* No name of jansson's is among these: that library would call ours instead of its own. */
void json_open(struct json *json, const char *key, char bracket); /* key NULL: in an array */
void json_close(struct json *json, char bracket);

void json_text(struct json *json, const char *key, const char *text); /* NULL: null */
void json_bytes(struct json *json, const char *key, const char *text, size_t size);
void json_decimal(struct json *json, const char *key, int64_t value);
void json_hex(struct json *json, const char *key, uint64_t value); /* "0x…" */
void json_bool(struct json *json, const char *key, bool value);
void json_nothing(struct json *json, const char *key);

/* Flushes. 0 or the first negative errno. */
int json_finish(struct json *json);
