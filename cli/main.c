/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquest(1) - lists the crashes of this machine and says why each happened. */
#include <config.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/pager.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"

#define COMMAND_ADDRESS(name) &command_##name,
const struct command *const command_list_all[] = {COMMANDS(COMMAND_ADDRESS) NULL};
#undef COMMAND_ADDRESS

const struct command *command_find(const char *name)
{
    for (const struct command *const *command = command_list_all; *command; command++) {
        if (strcmp((*command)->name, name) == 0)
            return *command;
        for (size_t i = 0; i < ARRAY_SIZE((*command)->aliases) && (*command)->aliases[i]; i++)
            if (strcmp((*command)->aliases[i], name) == 0)
                return *command;
    }
    return NULL;
}

/* Messages may quote what a victim chose, so they go out printable. */
static void print_message(const char *format, va_list arguments)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, arguments);
    AUTO_FREE char *printable = text_printable(text, strlen(text));
    fprintf(stderr, "inquest: %s\n", printable ?: "out of memory");
}

void command_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
}

void command_note(const struct call *call, const char *format, ...)
{
    if (call->globals.quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
}

int command_usage_error(const struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    fprintf(stderr, "inquest: `inquest help%s%s` tells how it is used\n",
            call->verb_given ? " " : "", call->verb_given ? call->command->name : "");
    return EXIT_USAGE;
}

static int run(struct call *call)
{
    struct error error = {0};

    if (call->globals.version) {
        puts(PACKAGE_STRING);
        return EXIT_DONE;
    }
    if (call->globals.help) {
        if (call->verb_given)
            help_command(stdout, call->command);
        else
            help_overview(stdout);
        return EXIT_DONE;
    }
    int r = call->command->run(call, &error);
    if (r >= 0)
        return r;
    if (error.text[0])
        command_warn("%s", error.text);
    else
        command_warn("%s: %s", call->command->name, strerror(-r));
    return EXIT_FAILED;
}

/* A full disk under stdout is an error of ours: whoever reads the output must learn of it. A reader
 * that left early is none. */
static int close_stdout(int code)
{
    if (pager_finish())
        return code;
    errno = 0;
    bool failed = ferror(stdout);
    if (fclose(stdout) != 0 && errno != EBADF)
        failed = true;
    if (!failed || errno == EPIPE)
        return code;
    command_warn("cannot write the output: %s", errno ? strerror(errno) : "write error");
    return EXIT_FAILED;
}

/* Names are UTF-8 whatever the locale, and so is what we print. The rest of a locale would only
 * make the output differ from machine to machine, and cost a dozen files at each start. */
static void use_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* without it only widths are off */
}

/* A pipe gets what it holds, not a page at a time: long lists take a tenth of the writes. */
static void use_large_buffer(void)
{
    static char buffer[64 * 1024];
    if (!isatty(STDOUT_FILENO))
        (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer); /* else it has a smaller one */
}

int main(int argc, char **argv)
{
    static struct call call; /* what it points to lasts as long as the program */
    struct error error = {0};

    (void)io_hold_standard(); /* without /dev/null there is nothing better than to go on */
    use_utf8();
    use_large_buffer();
    int code = arguments_parse(argc, argv, &call, &error) < 0
                   ? command_usage_error(&call, "%s", error.text)
                   : close_stdout(run(&call));
    arguments_free(&call);
    return code;
}
