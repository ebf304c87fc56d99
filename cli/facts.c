/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts.c - the facts of a record as a person reads them, and as JSON. */
#include "cli/facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/base/text.h"
#include "store/keys.h"
#include "store/when.h"

const struct fact_kind_of fact_kinds[] = {
    {KEY_ID, FACT_TEXT, NULL},
    {KEY_TIME, FACT_TIME, NULL},
    {KEY_PID, FACT_NUMBER, NULL},
    {KEY_COMM, FACT_TEXT, NULL},
    {KEY_TID, FACT_NUMBER, NULL},
    {KEY_THREAD_COMM, FACT_TEXT, NULL},
    {KEY_NS_PID, FACT_NUMBER, NULL},
    {KEY_NS_TID, FACT_NUMBER, NULL},
    {KEY_UID, FACT_NUMBER, NULL},
    {KEY_USER, FACT_TEXT, NULL},
    {KEY_GID, FACT_NUMBER, NULL},
    {KEY_SIGNAL, FACT_NUMBER, NULL},
    {KEY_SI_CODE, FACT_NUMBER, NULL},
    {KEY_FAULT_ADDRESS, FACT_ADDRESS, NULL},
    {KEY_SENDER_PID, FACT_NUMBER, NULL},
    {KEY_SENDER_UID, FACT_NUMBER, NULL},
    {KEY_CMDLINE, FACT_WORDS, "Command Line"},
    {KEY_EXE, FACT_TEXT, "Executable"},
    {KEY_EXE_NAME, FACT_TEXT, "Executable (unread)"},
    {KEY_EXE_DELETED, FACT_TEXT, NULL},
    {KEY_EXE_DEV, FACT_NUMBER, NULL},
    {KEY_EXE_INODE, FACT_NUMBER, NULL},
    {KEY_PACKAGE, FACT_TEXT, "Package"},
    {KEY_CWD, FACT_TEXT, "Directory"},
    {KEY_ROOT, FACT_TEXT, "Root"},
    {KEY_UNIT, FACT_TEXT, "Unit"},
    {KEY_USER_UNIT, FACT_TEXT, "User Unit"},
    {KEY_SLICE, FACT_TEXT, "Slice"},
    {KEY_SESSION, FACT_TEXT, "Session"},
    {KEY_OWNER_UID, FACT_NUMBER, "Owner UID"},
    {KEY_CONTAINER, FACT_TEXT, "Container"},
    {KEY_CONTAINER_RUNTIME, FACT_TEXT, "Runtime"},
    {KEY_CONTAINER_NAME, FACT_TEXT, "Container Name"},
    {KEY_POD, FACT_TEXT, "Pod"},
    {KEY_NAMESPACES, FACT_TEXT, "Namespaces"},
    {KEY_HOSTNAME, FACT_TEXT, "Hostname"},
    {KEY_BOOT_ID, FACT_TEXT, "Boot ID"},
    {KEY_MACHINE_ID, FACT_TEXT, "Machine ID"},
    {KEY_OS, FACT_TEXT, "System"},
    {KEY_KERNEL, FACT_TEXT, "Kernel"},
    {KEY_ARCH, FACT_TEXT, "Architecture"},
    {KEY_DUMPABLE, FACT_NUMBER, NULL},
    {KEY_RLIMIT_CORE, FACT_NUMBER, NULL},
    {KEY_ACCESS_UID, FACT_NUMBER, NULL},
    {KEY_PRIVATE, FACT_TEXT, NULL},
    {KEY_STORE, FACT_TEXT, NULL},
    {KEY_VERSION, FACT_TEXT, NULL},
    {KEY_RULE, FACT_TEXT, "Rule"},
    {KEY_STATE, FACT_TEXT, NULL},
    {KEY_REASON, FACT_TEXT, NULL},
    {KEY_LAYOUT, FACT_TEXT, NULL},
    {KEY_SOURCE, FACT_TEXT, NULL},
    {KEY_CORE_SIZE, FACT_SIZE, NULL},
    {KEY_LEFT_OUT, FACT_SIZE, NULL},
    {KEY_COUNT, FACT_NUMBER, NULL},
    {KEY_HELD_US, FACT_SPAN, NULL},
    {KEY_TAKEN_US, FACT_SPAN, NULL},
    {KEY_PROC_MAPS, FACT_FILE, NULL},
    {KEY_PROC_STATUS, FACT_FILE, NULL},
    {KEY_PROC_STAT, FACT_FILE, NULL},
    {KEY_PROC_LIMITS, FACT_FILE, NULL},
    {KEY_PROC_CGROUP, FACT_FILE, NULL},
    {KEY_PROC_MOUNTINFO, FACT_FILE, NULL},
    {KEY_PROC_AUXV, FACT_FILE, NULL},
    {KEY_PROC_ENVIRON, FACT_LINES, NULL},
    {KEY_PROC_UID_MAP, FACT_FILE, NULL},
    {KEY_PROC_GID_MAP, FACT_FILE, NULL},
    {KEY_PROC_OOM_SCORE, FACT_FILE, NULL},
    {KEY_PROC_FDS, FACT_FILE, NULL},
    {KEY_PROC_IO, FACT_FILE, NULL},
    {NULL, FACT_TEXT, NULL},
};

/* The bytes with other separators in place of NULs, none at the end. NULL without memory. */
static char *without_nuls(const struct fact *fact, char separator, size_t *ret_size)
{
    char *copy = malloc(fact->size + 1);
    size_t size = fact->size;

    if (!copy)
        return NULL;
    while (size > 0 && fact->value[size - 1] == '\0')
        size--;
    memcpy(copy, fact->value, size);
    for (size_t i = 0; i < size; i++)
        if (copy[i] == '\0')
            copy[i] = separator;
    copy[size] = '\0';
    *ret_size = size;
    return copy;
}

static void set_separated(json_t *object, const char *key, const struct fact *fact, char separator)
{
    size_t size = 0;
    AUTO_FREE char *joined = without_nuls(fact, separator, &size);
    AUTO_FREE char *text = joined ? text_to_utf8(joined, size) : NULL;

    json_set_text_of_bytes(object, key, text, fact->value, fact->size);
}

static void set_number(json_t *object, const char *key, const struct fact *fact, bool address)
{
    bool negative = fact->value[0] == '-';
    uint64_t value;

    if (parse_u64(fact->value + negative, 10, negative ? INT64_MAX : UINT64_MAX, &value) < 0)
        json_set_null(object, key);
    else if (address)
        json_set_address(object, key, value);
    else if (negative)
        json_set_integer(object, key, -(int64_t)value);
    else
        json_set_integer(object, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void set_fact(json_t *object, const char *key, enum fact_kind kind, const struct fact *fact)
{
    switch (kind) {
    case FACT_NUMBER:
    case FACT_SIZE:
    case FACT_SPAN:
    case FACT_TIME:
        set_number(object, key, fact, false);
        return;
    case FACT_ADDRESS:
        set_number(object, key, fact, true);
        return;
    case FACT_WORDS:
        set_separated(object, key, fact, ' ');
        return;
    case FACT_LINES:
        set_separated(object, key, fact, '\n');
        return;
    case FACT_TEXT:
    case FACT_FILE:
        json_set_bytes(object, key, fact->value, fact->size);
        return;
    }
}

json_t *facts_json(const struct metadata *facts)
{
    json_t *object = json_object();

    for (const struct fact_kind_of *known = fact_kinds; known->key; known++) {
        const struct fact *fact = facts ? metadata_get(facts, known->key) : NULL;
        if (fact)
            set_fact(object, known->key, known->kind, fact);
        else
            json_set_null(object, known->key);
    }
    for (size_t i = 0; facts && i < metadata_count(facts); i++) {
        const struct fact *fact = metadata_at(facts, i);
        if (!json_object_get(object, fact->key))
            json_set_bytes(object, fact->key, fact->value, fact->size);
    }
    return object;
}

/* A file or list: each line of it printably, indented. */
static void print_lines(FILE *out, const char *data, size_t size, unsigned indent)
{
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        fprintf(out, "\n%*s", (int)indent, "");
        print_bytes(out, data, length);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

static void print_separated(FILE *out, const struct fact *fact, enum fact_kind kind,
                            unsigned indent)
{
    size_t size = 0;
    AUTO_FREE char *joined = without_nuls(fact, kind == FACT_WORDS ? ' ' : '\n', &size);

    if (!joined)
        return;
    if (kind == FACT_WORDS)
        print_bytes(out, joined, size);
    else
        print_lines(out, joined, size, indent);
}

void fact_print(FILE *out, const struct fact_kind_of *kind, const struct fact *fact,
                unsigned indent)
{
    char text[64];
    uint64_t number = 0;

    (void)parse_u64(fact->value, 10, UINT64_MAX, &number); /* 0 where it is none */
    switch (kind->kind) {
    case FACT_WORDS:
    case FACT_LINES:
        print_separated(out, fact, kind->kind, indent);
        return;
    case FACT_FILE:
        print_lines(out, fact->value, fact->size, indent);
        return;
    case FACT_ADDRESS:
        fprintf(out, "0x%" PRIx64, number);
        return;
    case FACT_SIZE:
        fputs(human_size(text, number), out);
        return;
    case FACT_SPAN:
        fputs(human_span(text, number), out);
        return;
    case FACT_TIME:
        when_local(text, (int64_t)number);
        fputs(text, out);
        return;
    case FACT_TEXT:
    case FACT_NUMBER:
        print_bytes(out, fact->value, fact->size);
        return;
    }
}
