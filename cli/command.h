/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - what a verb is, and what it gets when it runs.
 *
 * A verb is one file cli/NAME.c that defines `const struct command command_NAME`, one line in
 * cli/commands.h and one in cli/local.mk. Its options are data: the table below feeds the parser,
 * `inquest VERB --help` and the man page. A verb's settings are a struct of its own, zeroed before
 * the options are read into it:
 *
 *     struct top_settings {
 *         struct selection_settings selection;
 *         bool all;
 *     };
 *     static const struct option_spec top_options[] = {
 *         SELECTION_OPTIONS(struct top_settings, selection), // selection.h
 *         OPTION_FLAG('a', "all", struct top_settings, all, "show single crashes too"),
 *         OPTIONS_END,
 *     };
 *
 * run() returns an exit code, or a negative errno with the error filled in: the caller then prints
 * "inquest: ERROR" and exits 1. Output goes to stdout, whose errors are found at exit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "store/base/error.h"

/* Relied on from outside: see inquest(1). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_NOTHING = 2, /* nothing matched */
    EXIT_PARTIAL = 3, /* output given, but the core is not whole or a cap was reached */
    EXIT_USAGE = 64,
};

enum option_kind {
    OPTION_KIND_FLAG,   /* bool */
    OPTION_KIND_TEXT,   /* const char *: the last one given */
    OPTION_KIND_TEXTS,  /* struct texts: each one given */
    OPTION_KIND_NUMBER, /* uint64_t, at least `min` */
    OPTION_KIND_PARSED, /* what `parse` makes of it */
};

/* The values of an option that may come more than once. */
struct texts {
    const char **items;
    size_t count;
};

/* Reads an option's value into its field. `value` is NULL where an optional one was left out. The
 * error is the text shown: "…: not a time". */
typedef int option_parser(const char *value, void *field, struct error *error);

struct option_spec {
    char letter;          /* 0: none */
    const char *name;     /* without dashes; NULL: none */
    const char *argument; /* its name in the help; NULL: takes none; "[X]": only as --name=X */
    const char *help;     /* NULL: not shown */
    enum option_kind kind;
    size_t offset; /* of the field in the settings */
    uint64_t min;
    option_parser *parse;
};

#define OPTION_FLAG(l, n, type, field, h)                                                          \
    {                                                                                              \
        .letter = (l), .name = (n), .help = (h), .kind = OPTION_KIND_FLAG,                         \
        .offset = offsetof(type, field)                                                            \
    }
#define OPTION_TEXT(l, n, a, type, field, h)                                                       \
    {                                                                                              \
        .letter = (l), .name = (n), .argument = (a), .help = (h), .kind = OPTION_KIND_TEXT,        \
        .offset = offsetof(type, field)                                                            \
    }
#define OPTION_TEXTS(l, n, a, type, field, h)                                                      \
    {                                                                                              \
        .letter = (l), .name = (n), .argument = (a), .help = (h), .kind = OPTION_KIND_TEXTS,       \
        .offset = offsetof(type, field)                                                            \
    }
#define OPTION_NUMBER(l, n, a, m, type, field, h)                                                  \
    {                                                                                              \
        .letter = (l), .name = (n), .argument = (a), .help = (h), .kind = OPTION_KIND_NUMBER,      \
        .min = (m), .offset = offsetof(type, field)                                                \
    }
#define OPTION_PARSED(l, n, a, p, type, field, h)                                                  \
    {                                                                                              \
        .letter = (l), .name = (n), .argument = (a), .help = (h), .kind = OPTION_KIND_PARSED,      \
        .parse = (p), .offset = offsetof(type, field)                                              \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        .letter = 0, .name = NULL                                                                  \
    }

enum json_mode {
    JSON_OFF,
    JSON_SHORT,  /* one element a line */
    JSON_PRETTY, /* indented */
};

/* The options that every verb takes. */
struct globals {
    const char *store; /* --store, or NULL; pass it to layout_store_path() */
    enum json_mode json;
    bool no_pager;
    bool quiet;
    bool help;
    bool version;
};

struct command;

struct call {
    const struct command *command;
    bool verb_given; /* false: it is the default */
    struct globals globals;
    void *settings; /* the verb's own struct */
    char **words;   /* the arguments that are no options, NULL behind the last */
    size_t word_count;
    char **rest; /* what followed "--", for commands with takes_rest; NULL behind the last */
    size_t rest_count;
};

enum command_group {
    COMMAND_LOOK,   /* look at crashes */
    COMMAND_KEEP,   /* keep and delete them */
    COMMAND_SYSTEM, /* this machine's crash collection */
};

struct command {
    const char *name;
    const char *aliases[3];
    enum command_group group;
    const char *summary;               /* one line: "show …", lower case, no full stop */
    const char *usage;                 /* behind the options: "[CRASH]" */
    const char *description;           /* more for --help, whole lines; or NULL */
    const struct option_spec *options; /* NULL: none of its own */
    size_t settings_size;
    size_t min_words, max_words; /* how many words it takes; max 0: none */
    bool takes_rest;             /* words behind "--" are kept apart */
    int (*run)(struct call *call, struct error *error);
};

enum { COMMAND_ANY_WORDS = 1 << 20 };

/* All verbs, NULL behind the last; the first is the default. */
extern const struct command *const command_list_all[];

/* The verb of that name or alias, or NULL. */
const struct command *command_find(const char *name);

/* Prints "inquest: TEXT" and where help is to be had to stderr, and returns EXIT_USAGE. */
int command_usage_error(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints "inquest: TEXT" to stderr; a note is left out under --quiet, a warning never. */
void command_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void command_note(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
