/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nearest.c - the verb that somebody may have meant. */
#include "cli/nearest.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/command.h"
#include "store/base/cleanup.h"

enum { LONGEST = 24 }; /* letters of a word that may be a misspelt verb */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, left out, changed or swapped with the next one to make one word
 * of the other (optimal string alignment). cost[i][j] is that of a's first i letters and b's first
 * j. */
static size_t letters_apart(const char *a, const char *b)
{
    size_t cost[LONGEST + 1][LONGEST + 1], a_size = strlen(a), b_size = strlen(b);

    if (a_size > LONGEST || b_size > LONGEST)
        return SIZE_MAX;
    for (size_t i = 0; i <= a_size; i++)
        for (size_t j = 0; j <= b_size; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = least(least(cost[i - 1][j], cost[i][j - 1]) + 1,
                               cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    return cost[a_size][b_size];
}

/* A beginning is as good as one letter wrong. */
static size_t distance(const char *word, const char *verb)
{
    size_t size = strlen(word);
    return size > 1 && strncmp(word, verb, size) == 0 ? 1 : letters_apart(word, verb);
}

static void consider(const char *word, const char *verb, size_t *best, const char **ret)
{
    size_t found = distance(word, verb), allowed = strlen(verb) > 3 ? 2 : 1;
    if (found <= allowed && found < *best) {
        *best = found;
        *ret = verb;
    }
}

int nearest_verb_instead(const char *word, struct error *error)
{
    size_t best = SIZE_MAX;
    const char *nearest = NULL;

    for (const struct command *const *command = command_list_all; *command; command++) {
        consider(word, (*command)->name, &best, &nearest);
        for (size_t i = 0; i < ARRAY_SIZE((*command)->aliases) && (*command)->aliases[i]; i++)
            consider(word, (*command)->aliases[i], &best, &nearest);
    }
    if (!nearest)
        return error_set(error, EINVAL, "there is no verb '%s'", word);
    return error_set(error, EINVAL, "there is no verb '%s'; did you mean '%s'?", word, nearest);
}
