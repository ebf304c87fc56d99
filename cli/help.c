/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help.c - `inquest help`: what the command can do, printed from the tables of its verbs. */
#include "cli/help.h"

#include <string.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/nearest.h"
#include "store/base/cleanup.h"

static const struct {
    enum command_group group;
    const char *title;
} groups[] = {
    {COMMAND_LOOK, "Look at crashes"},
    {COMMAND_KEEP, "Keep and delete them"},
    {COMMAND_SYSTEM, "This machine"},
};

/* Bytes that a character of UTF-8 has beyond its first: padding counts bytes. */
static int further_bytes(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) == 0x80;
    return n;
}

static void print_options(FILE *out, const struct option_spec *options)
{
    for (; options->name || options->letter; options++) {
        char left[80];
        if (!options->help)
            continue;
        const char *argument = options->argument ?: "";
        bool optional = argument[0] == '[';
        int n = options->letter ? snprintf(left, sizeof left, "-%c", options->letter)
                                : snprintf(left, sizeof left, "   ");
        if (options->name)
            n += snprintf(left + n, sizeof left - (size_t)n, "%s--%s", options->letter ? ", " : " ",
                          options->name);
        if (optional)
            snprintf(left + n, sizeof left - (size_t)n, "[=%s", argument + 1);
        else if (options->argument)
            snprintf(left + n, sizeof left - (size_t)n, options->name ? "=%s" : " %s", argument);
        fprintf(out, "  %-*s %s\n", 30 + further_bytes(left), left, options->help);
    }
}

void help_overview(FILE *out)
{
    fputs("Usage: inquest [OPTION…] [VERB] [ARGUMENT…]\n\n"
          "Collects the crashes of this machine and says why each happened.\n",
          out);
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        fprintf(out, "\n%s:\n", groups[i].title);
        for (const struct command *const *command = command_list_all; *command; command++)
            if ((*command)->group == groups[i].group)
                fprintf(out, "  %-10s %s%s\n", (*command)->name, (*command)->summary,
                        command == command_list_all ? " (the default)" : "");
    }
    fputs("\nOptions of every verb:\n", out);
    print_options(out, global_options);
    fputs("\n`inquest help VERB` tells a verb's own options; inquest(1) tells everything.\n", out);
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: inquest %s [OPTION…]%s%s\n\n%c%s.\n", command->name,
            *command->usage ? " " : "", command->usage,
            command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 32
                                                                     : command->summary[0],
            command->summary + 1);
    if (command->aliases[0]) {
        fputs("Also called", out);
        for (size_t i = 0; i < ARRAY_SIZE(command->aliases) && command->aliases[i]; i++)
            fprintf(out, "%s %s", i ? "," : "", command->aliases[i]);
        fputs(".\n", out);
    }
    if (command->description)
        fprintf(out, "\n%s", command->description);
    if (command->options) {
        fputs("\nOptions:\n", out);
        print_options(out, command->options);
    }
    fputs("\nOptions of every verb:\n", out);
    print_options(out, global_options);
}

static int run_help(struct call *call, struct error *error)
{
    if (call->word_count == 0) {
        help_overview(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(call->words[0]);
    if (!command) {
        (void)nearest_verb_instead(call->words[0], error); /* which says so */
        return command_usage_error(call, "%s", error->text);
    }
    help_command(stdout, command);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .group = COMMAND_SYSTEM,
    .summary = "say what inquest or one of its verbs does",
    .usage = "[VERB]",
    .max_words = 1,
    .run = run_help,
};
