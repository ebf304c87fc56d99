/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parse.c - the one checked way from text to numbers. */
#include "store/base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "store/base/cleanup.h"

static const char *skip_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* Reads digits at *text and moves it behind them. */
static int scan_digits(const char **text, unsigned base, uint64_t *ret)
{
    const char *p = *text;
    uint64_t value = 0;

    if ((unsigned)digit_value(*p) >= base)
        return -EINVAL;
    for (; (unsigned)digit_value(*p) < base; p++)
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_value(*p), &value))
            return -ERANGE;
    *text = p;
    *ret = value;
    return 0;
}

int parse_u64(const char *text, unsigned base, uint64_t max, uint64_t *ret)
{
    uint64_t value;

    text = skip_blanks(text);
    if (base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    int r = scan_digits(&text, base, &value);
    if (r < 0)
        return r;
    if (*skip_blanks(text))
        return -EINVAL;
    if (value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* The unit whose name starts at `text` and ends where its letters do; NULL when there is none. */
static const struct unit *unit_at(const struct unit *units, size_t count, const char *text,
                                  size_t *ret_length)
{
    size_t length = 0;
    while (isalpha((unsigned char)text[length]))
        length++;
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == length && strncasecmp(units[i].name, text, length) == 0) {
            *ret_length = length;
            return &units[i];
        }
    return NULL;
}

int parse_size(const char *text, uint64_t *ret)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"K", 1ull << 10},
        {"KB", 1ull << 10},
        {"KiB", 1 << 10},
        {"M", 1ull << 20},
        {"MB", 1ull << 20},
        {"MiB", 1ull << 20},
        {"G", 1ull << 30},
        {"GB", 1ull << 30},
        {"GiB", 1ull << 30},
        {"T", 1ull << 40},
        {"TB", 1ull << 40},
        {"TiB", 1ull << 40},
    };
    uint64_t value;
    size_t length;

    text = skip_blanks(text);
    int r = scan_digits(&text, 10, &value);
    if (r < 0)
        return r;
    text = skip_blanks(text);
    const struct unit *unit = unit_at(units, ARRAY_SIZE(units), text, &length);
    if (!unit || *skip_blanks(text + length))
        return -EINVAL;
    if (__builtin_mul_overflow(value, unit->factor, &value))
        return -ERANGE;
    *ret = value;
    return 0;
}

int parse_span(const char *text, uint64_t *ret_us)
{
    static const uint64_t second = 1000000;
    static const struct unit units[] = {
        {"us", 1},
        {"ms", 1000},
        {"", second},
        {"s", second},
        {"sec", second},
        {"second", second},
        {"seconds", second},
        {"m", 60 * second},
        {"min", 60 * second},
        {"minute", 60 * second},
        {"minutes", 60 * second},
        {"h", 3600 * second},
        {"hour", 3600 * second},
        {"hours", 3600 * second},
        {"d", 86400 * second},
        {"day", 86400 * second},
        {"days", 86400 * second},
        {"w", 7 * 86400 * second},
        {"week", 7 * 86400 * second},
        {"weeks", 7 * 86400 * second},
        {"month", 2629800 * second}, /* a twelfth of 365.25 days, as systemd.time(7) has it */
        {"months", 2629800 * second},
        {"y", 31557600 * second},
        {"year", 31557600 * second},
        {"years", 31557600 * second},
    };
    uint64_t total = 0;

    text = skip_blanks(text);
    if (!*text)
        return -EINVAL;
    while (*text) {
        uint64_t value;
        size_t length;
        int r = scan_digits(&text, 10, &value);
        if (r < 0)
            return r;
        text = skip_blanks(text);
        const struct unit *unit = unit_at(units, ARRAY_SIZE(units), text, &length);
        if (!unit)
            return -EINVAL;
        if (__builtin_mul_overflow(value, unit->factor, &value) ||
            __builtin_add_overflow(total, value, &total))
            return -ERANGE;
        text = skip_blanks(text + length);
    }
    *ret_us = total;
    return 0;
}

int parse_percent(const char *text, unsigned *ret)
{
    uint64_t value;

    text = skip_blanks(text);
    int r = scan_digits(&text, 10, &value);
    if (r < 0)
        return r;
    text = skip_blanks(text);
    if (*text != '%' || *skip_blanks(text + 1))
        return -EINVAL;
    if (value > 100)
        return -ERANGE;
    *ret = (unsigned)value;
    return 0;
}

int parse_bool(const char *text, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"no", false},  {"true", true}, {"false", false},
                 {"on", true},  {"off", false}, {"1", true},    {"0", false}};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *ret = words[i].value;
            return 0;
        }
    return -EINVAL;
}
