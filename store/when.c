/* SPDX-License-Identifier: GPL-2.0-or-later */
/* when.c - points in time as people write them. */
#include "store/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"

#define SECOND_US INT64_C(1000000)

enum {
    TEXT_MAX = 128,         /* bytes of an expression */
    DAY_AND_TIME_SIZE = 20, /* "2026-11-22 13:00:05" and a NUL */
};

int64_t when_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* ---- pieces ---- */

/* A point in time as it is put together from what was written. */
struct point {
    struct tm tm;
    int64_t fraction_us;
    bool has_date, has_time;
    bool has_zone;
    int zone_seconds; /* east of UTC */
    int weekday;      /* -1: none was written */
};

static bool take_digits(const char **at, int count, int *ret)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *ret = value;
    return true;
}

static bool take_char(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

/* A word of letters, in any case, that ends there. */
static bool take_word(const char **at, const char *word)
{
    size_t size = strlen(word);
    if (strncasecmp(*at, word, size) != 0 || isalpha((unsigned char)(*at)[size]))
        return false;
    *at += size;
    return true;
}

static void skip_blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* Up to six digits behind a point; more are accepted and dropped. */
static bool take_fraction(const char **at, int64_t *ret_us)
{
    int64_t scale = SECOND_US / 10, value = 0;
    if (!isdigit((unsigned char)**at))
        return false;
    for (; isdigit((unsigned char)**at); (*at)++, scale /= 10)
        value += (**at - '0') * scale;
    *ret_us = value;
    return true;
}

/* YYYY-MM-DD */
static bool take_date(const char **at, struct point *point)
{
    const char *p = *at;
    int year, month, day;
    if (!take_digits(&p, 4, &year) || !take_char(&p, '-') || !take_digits(&p, 2, &month) ||
        !take_char(&p, '-') || !take_digits(&p, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    point->tm.tm_year = year - 1900;
    point->tm.tm_mon = month - 1;
    point->tm.tm_mday = day;
    point->has_date = true;
    *at = p;
    return true;
}

/* HH:MM[:SS[.fraction]] */
static bool take_time(const char **at, struct point *point)
{
    const char *p = *at;
    int hour, minute, second = 0;
    int64_t fraction = 0;
    if (!take_digits(&p, 2, &hour)) {
        p = *at;
        if (!take_digits(&p, 1, &hour))
            return false;
    }
    if (!take_char(&p, ':') || !take_digits(&p, 2, &minute))
        return false;
    if (take_char(&p, ':')) {
        if (!take_digits(&p, 2, &second) || (take_char(&p, '.') && !take_fraction(&p, &fraction)))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    point->tm.tm_hour = hour;
    point->tm.tm_min = minute;
    point->tm.tm_sec = second;
    point->fraction_us = fraction;
    point->has_time = true;
    *at = p;
    return true;
}

/* Z, UTC, GMT, +HH, +HHMM, +HH:MM, or the name of the local zone. */
static bool take_zone(const char **at, struct point *point)
{
    const char *p = *at;
    int hours, minutes = 0;
    if (take_word(&p, "UTC") || take_word(&p, "GMT") || take_word(&p, "Z")) {
        point->has_zone = true;
        *at = p;
        return true;
    }
    for (int i = 0; i < 2; i++)
        if (tzname[i] && *tzname[i] && take_word(&p, tzname[i])) {
            *at = p; /* local time, as without it */
            return true;
        }
    bool west = *p == '-';
    if (!take_char(&p, '+') && !take_char(&p, '-'))
        return false;
    if (!take_digits(&p, 2, &hours))
        return false;
    if (take_char(&p, ':') || isdigit((unsigned char)*p))
        if (!take_digits(&p, 2, &minutes))
            return false;
    if (hours > 14 || minutes > 59)
        return false;
    point->zone_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    point->has_zone = true;
    *at = p;
    return true;
}

static bool take_weekday(const char **at, struct point *point)
{
    static const char *const days[][2] = {
        {"sunday", "sun"},   {"monday", "mon"}, {"tuesday", "tue"},  {"wednesday", "wed"},
        {"thursday", "thu"}, {"friday", "fri"}, {"saturday", "sat"},
    };
    for (int i = 0; i < 7; i++)
        if (take_word(at, days[i][0]) || take_word(at, days[i][1])) {
            (void)take_char(at, ',');
            skip_blanks(at);
            point->weekday = i;
            return true;
        }
    return false;
}

/* today, yesterday, tomorrow: a date. */
static bool take_day(const char **at, const struct tm *now, struct point *point)
{
    static const struct {
        const char *word;
        int days;
    } days[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    for (size_t i = 0; i < ARRAY_SIZE(days); i++)
        if (take_word(at, days[i].word)) {
            point->tm.tm_year = now->tm_year;
            point->tm.tm_mon = now->tm_mon;
            point->tm.tm_mday = now->tm_mday + days[i].days;
            point->has_date = true;
            return true;
        }
    return false;
}

/* ---- from pieces to microseconds ---- */

static bool is_same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday;
}

/* `written`: a date that was written in full must exist: there is no 30th of February. */
static int point_resolve(struct point *point, bool written, int64_t *ret_us)
{
    struct tm tm = point->tm;
    tm.tm_isdst = -1;
    errno = 0;
    time_t seconds = point->has_zone ? timegm(&tm) : mktime(&tm);
    if (seconds == (time_t)-1 && errno == EOVERFLOW)
        return -ERANGE;
    if (written && point->tm.tm_sec < 60 && !is_same_day(&tm, &point->tm))
        return -EINVAL;
    if (point->weekday >= 0 && tm.tm_wday != point->weekday)
        return -EINVAL;
    *ret_us = (seconds - point->zone_seconds) * SECOND_US + point->fraction_us;
    return 0;
}

static int parse_calendar(const char *text, int64_t now_us, int64_t *ret_us)
{
    struct point point = {.weekday = -1};
    time_t now = (time_t)(now_us / SECOND_US);
    struct tm today;
    const char *at = text;
    if (!localtime_r(&now, &today))
        return -ERANGE;

    bool has_weekday = take_weekday(&at, &point);
    bool written = take_date(&at, &point);
    if (!written)
        (void)take_day(&at, &today, &point);
    if (point.has_date && (*at == 'T' || *at == 't') && isdigit((unsigned char)at[1]))
        at++;
    else
        skip_blanks(&at);
    (void)take_time(&at, &point);
    if (!point.has_date && !point.has_time)
        return -EINVAL;
    if (has_weekday && !written)
        return -EINVAL;
    if (!point.has_date) {
        point.tm.tm_year = today.tm_year;
        point.tm.tm_mon = today.tm_mon;
        point.tm.tm_mday = today.tm_mday;
    }
    skip_blanks(&at);
    if (*at && !take_zone(&at, &point))
        return -EINVAL;
    skip_blanks(&at);
    return *at ? -EINVAL : point_resolve(&point, written, ret_us);
}

/* ---- relative to now, or to the epoch ---- */

static int shift(int64_t now_us, const char *span, int sign, int64_t *ret_us)
{
    uint64_t us;
    int r = parse_span(span, &us);
    if (r < 0)
        return r;
    if (us > INT64_MAX / 4)
        return -ERANGE;
    *ret_us = now_us + sign * (int64_t)us;
    return 0;
}

/* "2 hours ago", "3 days left": cuts the word off. */
static bool ends_in_word(char *text, const char *word)
{
    size_t size = strlen(text), n = strlen(word);
    if (size <= n || strcasecmp(text + size - n, word) != 0 ||
        !isspace((unsigned char)text[size - n - 1]))
        return false;
    text[size - n - 1] = '\0';
    return true;
}

static int parse_epoch(const char *text, int64_t *ret_us)
{
    char seconds[TEXT_MAX];
    uint64_t value;
    int64_t fraction = 0;
    snprintf(seconds, sizeof seconds, "%s", text);
    char *point = strchr(seconds, '.');
    if (point) {
        const char *at = point + 1;
        if (!take_fraction(&at, &fraction) || *at)
            return -EINVAL;
        *point = '\0';
    }
    int r = parse_u64(seconds, 10, (uint64_t)(INT64_MAX / SECOND_US - 1), &value);
    if (r == 0)
        *ret_us = (int64_t)value * SECOND_US + fraction;
    return r;
}

int when_parse(const char *text, int64_t now_us, int64_t *ret_us)
{
    char copy[TEXT_MAX];
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size == 0 || size >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    tzset();

    if (strcasecmp(copy, "now") == 0) {
        *ret_us = now_us;
        return 0;
    }
    if (copy[0] == '@')
        return parse_epoch(copy + 1, ret_us);
    if (copy[0] == '-' || copy[0] == '+')
        return shift(now_us, copy + 1, copy[0] == '-' ? -1 : 1, ret_us);
    if (ends_in_word(copy, "ago"))
        return shift(now_us, copy, -1, ret_us);
    if (ends_in_word(copy, "left"))
        return shift(now_us, copy, 1, ret_us);
    return parse_calendar(copy, now_us, ret_us);
}

/* ---- shown ---- */

/* Floor division: times before 1970 have their microseconds counted upwards, too. */
static void split(int64_t time_us, time_t *ret_seconds, int *ret_us)
{
    int64_t seconds = time_us / SECOND_US, rest = time_us % SECOND_US;
    if (rest < 0) {
        rest += SECOND_US;
        seconds--;
    }
    *ret_seconds = (time_t)seconds;
    *ret_us = (int)rest;
}

static char *put_digits(char *to, int value, int count, char behind)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    to[count] = behind;
    return to + count + 1;
}

/* Years always with four digits: what is shown can be read back. strftime(3) has no such format,
 * and printf(3) is slow in a list of thousands. */
static int format_day_and_time(char ret[static DAY_AND_TIME_SIZE], const struct tm *tm,
                               char between)
{
    if (tm->tm_year < -1900 || tm->tm_year > 9999 - 1900)
        return -ERANGE;
    ret = put_digits(ret, tm->tm_year + 1900, 4, '-');
    ret = put_digits(ret, tm->tm_mon + 1, 2, '-');
    ret = put_digits(ret, tm->tm_mday, 2, between);
    ret = put_digits(ret, tm->tm_hour, 2, ':');
    ret = put_digits(ret, tm->tm_min, 2, ':');
    (void)put_digits(ret, tm->tm_sec, 2, '\0');
    return 0;
}

void when_local(char ret[static WHEN_LOCAL_SIZE], int64_t time_us)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm tm;
    time_t seconds;
    int us;
    char text[DAY_AND_TIME_SIZE], zone[16];
    split(time_us, &seconds, &us);
    if (!localtime_r(&seconds, &tm) || format_day_and_time(text, &tm, ' ') < 0 ||
        !strftime(zone, sizeof zone, "%Z", &tm))
        snprintf(ret, WHEN_LOCAL_SIZE, "?");
    else /* the day in English whatever the locale, so that it can be read back */
        snprintf(ret, WHEN_LOCAL_SIZE, "%s %s.%06d %s", days[tm.tm_wday], text, us, zone);
}

/* As when_local(), to the second and without day and zone. The zone is asked once for a quarter of
 * an hour: it is where zones change their distance from UTC; one that is no number of quarters from
 * it is asked each time. */
void when_local_short(char ret[static WHEN_LOCAL_SIZE], int64_t time_us)
{
    static __thread struct {
        bool known;
        time_t start;
        struct tm tm;
    } quarter;
    enum { QUARTER = 15 * 60 };
    time_t seconds;
    int us;
    split(time_us, &seconds, &us);
    int behind = (int)((seconds % QUARTER + QUARTER) % QUARTER);
    struct tm tm;

    if (!quarter.known || quarter.start != seconds - behind) {
        quarter.start = seconds - behind;
        quarter.known = localtime_r(&quarter.start, &quarter.tm) && quarter.tm.tm_min % 15 == 0 &&
                        quarter.tm.tm_sec == 0;
    }
    tm = quarter.tm;
    tm.tm_min += behind / 60;
    tm.tm_sec = behind % 60;
    if ((!quarter.known && !localtime_r(&seconds, &tm)) || format_day_and_time(ret, &tm, ' ') < 0)
        snprintf(ret, WHEN_LOCAL_SIZE, "-");
}

void when_utc(char ret[static WHEN_UTC_SIZE], int64_t time_us)
{
    struct tm tm;
    time_t seconds;
    int us;
    split(time_us, &seconds, &us);
    if (!gmtime_r(&seconds, &tm) || format_day_and_time(ret, &tm, 'T') < 0) {
        snprintf(ret, WHEN_UTC_SIZE, "?");
        return;
    }
    ret[DAY_AND_TIME_SIZE - 1] = '.';
    *put_digits(ret + DAY_AND_TIME_SIZE, us, 6, 'Z') = '\0';
}
