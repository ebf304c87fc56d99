/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error.c - what went wrong, in words. */
#include "store/base/error.h"

#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void error_format(struct error *error, int code,
                                                               const char *format,
                                                               va_list arguments)
{
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, arguments);
}

int(error_set)(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error_format(error, code, format, arguments);
        va_end(arguments);
    }
    return -code;
}

int(error_errno)(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error_format(error, code, format, arguments);
        va_end(arguments);
        size_t n = strlen(error->text);
        snprintf(error->text + n, sizeof error->text - n, ": %s", strerrordesc_np(code) ?: "error");
    }
    return -code;
}

void error_prefix(struct error *error, const char *format, ...)
{
    if (!error)
        return;

    char context[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n + 2 >= sizeof context)
        return; /* the cause matters more than a context that leaves it no room */

    size_t room = sizeof error->text - (size_t)n - 2;
    error->text[room - 1] = '\0';
    memmove(error->text + n + 2, error->text, room);
    memcpy(error->text, context, (size_t)n);
    memcpy(error->text + n, ": ", 2);
}
