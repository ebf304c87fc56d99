/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal.c - what stdout is, and how a victim's bytes get there safely. */
#include "cli/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/base/text.h"

/* Asked once: a pager takes stdout's place later. */
struct terminal {
    bool known, is_one, colour;
    unsigned width;
};

static unsigned width_of_stdout(void)
{
    struct winsize size;
    uint64_t columns;
    const char *text = getenv("COLUMNS");

    if (text && parse_u64(text, 10, 10000, &columns) == 0 && columns > 0)
        return (unsigned)columns;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static const struct terminal *terminal(void)
{
    static struct terminal terminal;

    if (!terminal.known) {
        const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
        terminal.known = true;
        terminal.is_one = isatty(STDOUT_FILENO);
        terminal.colour =
            terminal.is_one && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
        terminal.width = terminal.is_one ? width_of_stdout() : 0;
    }
    return &terminal;
}

bool terminal_is_one(void)
{
    return terminal()->is_one;
}

bool terminal_has_colour(void)
{
    return terminal()->colour;
}

unsigned terminal_width(void)
{
    return terminal()->width;
}

static const char *const sequences[STYLE_COUNT_] = {
    [STYLE_PLAIN] = "",        [STYLE_HEADING] = "\033[1m", [STYLE_STRONG] = "\033[1;36m",
    [STYLE_DIM] = "\033[2m",   [STYLE_BAD] = "\033[1;31m",  [STYLE_WARN] = "\033[33m",
    [STYLE_GOOD] = "\033[32m", [STYLE_PLACE] = "\033[34m",
};

const char *style_on(enum style style)
{
    return terminal_has_colour() ? sequences[style] : "";
}

const char *style_off(enum style style)
{
    return terminal_has_colour() && style != STYLE_PLAIN ? "\033[0m" : "";
}

void print_bytes(FILE *out, const void *data, size_t size)
{
    if (!data)
        return;
    AUTO_FREE char *printable = text_printable(data, size);
    fputs(printable ?: "?", out);
}

void print_text(FILE *out, const char *text)
{
    print_bytes(out, text, text ? strlen(text) : 0);
}

void print_styled(FILE *out, enum style style, const char *text)
{
    fputs(style_on(style), out);
    print_text(out, text);
    fputs(style_off(style), out);
}

char *human_size(char ret[static 16], uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1023.5 && units[unit + 1]) {
        value /= 1024;
        unit++;
    }
    snprintf(ret, 16, unit > 0 && value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
    return ret;
}

char *human_time(char ret[static WHEN_LOCAL_SIZE], int64_t time_us)
{
    when_local_short(ret, time_us);
    return ret;
}

static const struct {
    uint64_t us;
    const char *name;
} spans[] = {
    {31557600000000, "y"}, {2629800000000, "month"}, {86400000000, "d"}, {3600000000, "h"},
    {60000000, "min"},     {1000000, "s"},           {1000, "ms"},       {1, "us"},
};

char *human_span(char ret[static 32], uint64_t us)
{
    size_t i = 0;

    while (i + 1 < ARRAY_SIZE(spans) && us < spans[i].us)
        i++;
    double value = (double)us / (double)spans[i].us;
    snprintf(ret, 32, value < 10 && spans[i].us > 1 ? "%.1f %s" : "%.0f %s", value, spans[i].name);
    return ret;
}

/* Whole units only: "59 s ago" is exact enough for an age. */
char *human_age(char ret[static 32], int64_t time_us)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - time_us;
    uint64_t span = age < 0 ? -(uint64_t)age : (uint64_t)age;
    size_t i = 0;

    while (i < 5 && span < spans[i].us)
        i++;
    uint64_t count = span / spans[i].us;
    if (count == 0)
        snprintf(ret, 32, "now");
    else
        snprintf(ret, 32, age < 0 ? "in %" PRIu64 " %s" : "%" PRIu64 " %s ago", count,
                 spans[i].name);
    return ret;
}
