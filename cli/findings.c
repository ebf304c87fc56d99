/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.c - what setup, unsetup and doctor have to say: one line a thing, and what to do. */
#include "cli/findings.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/terminal.h"

void findings_add(struct findings *findings, const char *name, enum verdict verdict,
                  const char *format, ...)
{
    struct finding *items =
        reallocarray(findings->items, findings->count + 1, sizeof *findings->items);
    if (!items)
        return;
    findings->items = items;

    struct finding *finding = &items[findings->count++];
    *finding = (struct finding){.name = name, .verdict = verdict};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

void findings_advise(struct findings *findings, const char *format, ...)
{
    if (findings->count == 0)
        return;
    struct finding *finding = &findings->items[findings->count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->advice, sizeof finding->advice, format, arguments);
    va_end(arguments);
}

bool findings_any_bad(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].verdict == VERDICT_BAD)
            return true;
    return false;
}

void findings_free(struct findings *findings)
{
    free(findings->items);
    *findings = (struct findings){0};
}

struct mark {
    const char *symbol, *plain;
    enum style style;
};

static const struct mark *mark_of(enum verdict verdict)
{
    static const struct mark marks[] = {
        [VERDICT_GOOD] = {"✓", "ok", STYLE_GOOD},
        [VERDICT_BAD] = {"✗", "NO", STYLE_BAD},
        [VERDICT_NEITHER] = {"–", "- ", STYLE_DIM},
    };
    return &marks[verdict];
}

void findings_print(const struct findings *findings, size_t from)
{
    bool symbols = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    int width = 0;

    for (size_t i = 0; i < findings->count; i++) {
        int n = (int)strlen(findings->items[i].name);
        width = n > width ? n : width;
    }
    for (size_t i = from; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        const struct mark *mark = mark_of(finding->verdict);
        print_styled(stdout, mark->style, symbols ? mark->symbol : mark->plain);
        printf(" %-*s  ", width, finding->name);
        print_text(stdout, finding->text);
        putchar('\n');
        if (*finding->advice) {
            printf("%*s", width + (symbols ? 4 : 5), "");
            printf("%s ", symbols ? "→" : "->");
            print_text(stdout, finding->advice);
            putchar('\n');
        }
    }
}

json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        json_t *item = json_object();
        json_set_text(item, "check", finding->name);
        json_object_set_new(item, "ok",
                            finding->verdict == VERDICT_NEITHER
                                ? json_null()
                                : json_boolean(finding->verdict == VERDICT_GOOD));
        json_set_text(item, "text", finding->text);
        json_set_text(item, "advice", *finding->advice ? finding->advice : NULL);
        json_array_append_new(list, item);
    }
    return list;
}
