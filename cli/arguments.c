/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arguments.c - from argv to a verb, its settings and its words. */
#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/nearest.h"
#include "store/base/cleanup.h"
#include "store/base/parse.h"

static int parse_json_mode(const char *value, void *field, struct error *error)
{
    static const struct {
        const char *name;
        enum json_mode mode;
    } modes[] = {{"short", JSON_SHORT}, {"pretty", JSON_PRETTY}, {"off", JSON_OFF}};

    if (!value)
        value = isatty(STDOUT_FILENO) ? "pretty" : "short";
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (strcmp(modes[i].name, value) == 0) {
            *(enum json_mode *)field = modes[i].mode;
            return 0;
        }
    return error_set(error, EINVAL, "'%s' is none of short, pretty, off", value);
}

const struct option_spec global_options[] = {
    OPTION_TEXT('D', "store", "DIR", struct globals, store, "use the store in DIR"),
    OPTION_TEXT(0, "directory", "DIR", struct globals, store, NULL), /* coredumpctl's word for it */
    OPTION_PARSED(0, "json", "[short|pretty|off]", parse_json_mode, struct globals, json,
                  "print JSON (short: an element a line)"),
    OPTION_FLAG(0, "no-pager", struct globals, no_pager, "don't show long output in a pager"),
    OPTION_FLAG('q', "quiet", struct globals, quiet, "no notes, only errors"),
    OPTION_FLAG('h', "help", struct globals, help, "show this help"),
    OPTION_FLAG(0, "version", struct globals, version, "show the version"),
    OPTIONS_END,
};

static bool is_end(const struct option_spec *option)
{
    return !option->name && !option->letter;
}

static const struct option_spec *letter_in(const struct option_spec *options, char letter)
{
    for (; options && !is_end(options); options++)
        if (options->letter == letter)
            return options;
    return NULL;
}

/* The option whose name is, or alone starts with, the first `length` bytes of `name`. */
static const struct option_spec *name_in(const struct option_spec *options, const char *name,
                                         size_t length, bool *ret_ambiguous)
{
    const struct option_spec *found = NULL;

    for (; options && !is_end(options); options++) {
        if (!options->name || strncmp(options->name, name, length) != 0)
            continue;
        if (strlen(options->name) == length) {
            *ret_ambiguous = false;
            return options;
        }
        if (found)
            *ret_ambiguous = true;
        found = options;
    }
    return found;
}

/* An option as it stands in argv. */
struct given {
    const struct option_spec *option;
    bool global;
    bool ambiguous;
    const char *value; /* what is attached to it, or NULL */
    const char *more;  /* further letters behind this one, or NULL */
};

/* `text` points behind the dash of a letter. */
static struct given given_letter(const struct option_spec *options, const char *text)
{
    struct given given = {.option = letter_in(options, text[0])};

    if (!given.option) {
        given.option = letter_in(global_options, text[0]);
        given.global = given.option;
    }
    if (!given.option || !text[1])
        return given;
    if (given.option->argument)
        given.value = text + 1;
    else
        given.more = text + 1;
    return given;
}

/* `text` points behind the two dashes of a name. */
static struct given given_name(const struct option_spec *options, const char *text)
{
    size_t length = strcspn(text, "=");
    bool ambiguous = false, ambiguous_global = false;
    const struct option_spec *own = name_in(options, text, length, &ambiguous);
    const struct option_spec *global = name_in(global_options, text, length, &ambiguous_global);
    bool own_exact = own && strlen(own->name) == length;
    bool global_exact = global && strlen(global->name) == length;
    struct given given = {
        .option = global && (!own || (global_exact && !own_exact)) ? global : own,
        .value = text[length] == '=' ? text + length + 1 : NULL,
    };

    given.global = given.option && given.option == global;
    if (!own_exact && !global_exact)
        given.ambiguous = ambiguous || ambiguous_global || (own && global);
    return given;
}

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1];
}

static bool takes_value(const struct option_spec *option)
{
    return option->argument && option->argument[0] != '[';
}

/* The option that `argument` ends in, for one verb. */
static struct given last_option(const struct command *command, const char *argument)
{
    if (argument[1] == '-')
        return given_name(command->options, argument + 2);
    struct given given = given_letter(command->options, argument + 1);
    while (given.more)
        given = given_letter(command->options, given.more);
    return given;
}

/* Whether `next` is the value of the option in `argument`, whichever verb that is of. Where verbs
 * differ about it, a verb's name is no value. */
static bool is_value(const char *argument, const char *next)
{
    bool takes = false, takes_none = false;

    for (const struct command *const *command = command_list_all; *command; command++) {
        struct given given = last_option(*command, argument);
        if (!given.option || given.ambiguous)
            continue;
        bool wants = takes_value(given.option) && !given.value;
        takes |= wants;
        takes_none |= !wants;
    }
    return takes && next && !(takes_none && command_find(next));
}

/* Takes the verb out of argv: the first word that is no option and no option's value. */
static const char *take_verb(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return NULL;
        if (is_option(argv[i])) {
            if (is_value(argv[i], argv[i + 1]))
                i++;
            continue;
        }
        const char *verb = argv[i];
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
        (*argc)--;
        return verb;
    }
    return NULL;
}

static int texts_add(struct texts *texts, const char *value, struct error *error)
{
    const char **items = reallocarray(texts->items, texts->count + 1, sizeof *items);
    if (!items)
        return error_set(error, ENOMEM, "out of memory");
    items[texts->count++] = value;
    texts->items = items;
    return 0;
}

static int set_number(const struct option_spec *option, const char *value, uint64_t *field,
                      struct error *error)
{
    uint64_t number;

    if (parse_u64(value, 10, UINT64_MAX, &number) < 0)
        return error_set(error, EINVAL, "'%s' is no number", value);
    if (number < option->min)
        return error_set(error, EINVAL, "%s is too few, it is at least %ju", value,
                         (uintmax_t)option->min);
    *field = number;
    return 0;
}

static int set_field(const struct option_spec *option, const char *value, void *settings,
                     struct error *error)
{
    void *field = (char *)settings + option->offset;

    switch (option->kind) {
    case OPTION_KIND_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_KIND_TEXT:
        *(const char **)field = value;
        return 0;
    case OPTION_KIND_TEXTS:
        return texts_add(field, value, error);
    case OPTION_KIND_NUMBER:
        return set_number(option, value, field, error);
    case OPTION_KIND_PARSED:
        return option->parse(value, field, error);
    }
    return -EINVAL;
}

/* "--name", or "-x" where it has only that. */
static const char *display_name(const struct option_spec *option, char ret[static 64])
{
    if (option->name)
        snprintf(ret, 64, "--%s", option->name);
    else
        snprintf(ret, 64, "-%c", option->letter);
    return ret;
}

/* Reads one option and, where it stands apart, its value. Returns how many further arguments that
 * took, or a negative errno. */
static int apply(struct call *call, struct given given, const char *shown, const char *next,
                 struct error *error)
{
    int taken = 0;
    char name[64];

    if (!given.option)
        return error_set(error, EINVAL, "%s has no option %s", call->command->name, shown);
    display_name(given.option, name);
    if (given.ambiguous)
        return error_set(error, EINVAL, "option %s could be several", shown);
    if (given.value && !given.option->argument)
        return error_set(error, EINVAL, "%s takes no value", name);
    if (takes_value(given.option) && !given.value) {
        if (!next)
            return error_set(error, EINVAL, "%s needs a value: %s", name, given.option->argument);
        given.value = next;
        taken = 1;
    }
    int r = set_field(given.option, given.value,
                      given.global ? (void *)&call->globals : call->settings, error);
    if (r < 0) {
        error_prefix(error, "%s", name);
        return r;
    }
    return taken;
}

static int apply_argument(struct call *call, const char *argument, const char *next,
                          struct error *error)
{
    if (argument[1] == '-')
        return apply(call, given_name(call->command->options, argument + 2), argument, next, error);

    int taken = 0;
    for (const char *letters = argument + 1; letters;) {
        struct given given = given_letter(call->command->options, letters);
        char shown[3] = {'-', letters[0]};
        taken = apply(call, given, shown, next, error);
        if (taken < 0)
            return taken;
        letters = given.more;
    }
    return taken;
}

static int check_words(const struct call *call, struct error *error)
{
    const struct command *command = call->command;

    if (call->globals.help || call->globals.version)
        return 0;
    if (call->word_count < command->min_words)
        return error_set(error, EINVAL, "%s needs %s", command->name, command->usage);
    if (call->word_count > command->max_words)
        return error_set(error, EINVAL, "%s: one argument too many: '%s'", command->name,
                         call->words[command->max_words]);
    return 0;
}

static int parse_all(struct call *call, int argc, char **argv, struct error *error)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            char ***list = call->command->takes_rest ? &call->rest : &call->words;
            size_t *count = call->command->takes_rest ? &call->rest_count : &call->word_count;
            while (++i < argc)
                (*list)[(*count)++] = argv[i];
            break;
        }
        if (!is_option(argv[i])) {
            call->words[call->word_count++] = argv[i];
            continue;
        }
        int r = apply_argument(call, argv[i], argv[i + 1], error);
        if (r < 0)
            return r;
        i += r;
    }
    return check_words(call, error);
}

int arguments_parse(int argc, char **argv, struct call *ret, struct error *error)
{
    *ret = (struct call){.command = command_list_all[0]};

    const char *verb = take_verb(&argc, argv);
    if (verb && !command_find(verb))
        return nearest_verb_instead(verb, error);
    if (verb) {
        ret->command = command_find(verb);
        ret->verb_given = true;
    }

    ret->settings = calloc(1, ret->command->settings_size + 1);
    ret->words = calloc((size_t)argc + 1, sizeof *ret->words);
    ret->rest = calloc((size_t)argc + 1, sizeof *ret->rest);
    if (!ret->settings || !ret->words || !ret->rest)
        return error_set(error, ENOMEM, "out of memory");
    return parse_all(ret, argc, argv, error);
}

void arguments_free(struct call *call)
{
    for (const struct option_spec *option = call->command->options;
         call->settings && option && !is_end(option); option++) {
        struct texts *texts = (struct texts *)((char *)call->settings + option->offset);
        if (option->kind != OPTION_KIND_TEXTS)
            continue;
        free(texts->items);
        *texts = (struct texts){0}; /* two options may fill one list */
    }
    free(call->settings);
    free(call->words);
    free(call->rest);
}
