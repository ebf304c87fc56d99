/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checklist.c - what setup, unsetup and doctor have to say: one line a thing, and what to do. */
#include "cli/checklist.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/terminal.h"

void checklist_add(struct checklist *checklist, const char *name, enum verdict verdict,
                   const char *format, ...)
{
    struct checklist_item *items =
        reallocarray(checklist->items, checklist->count + 1, sizeof *checklist->items);
    if (!items)
        return;
    checklist->items = items;

    struct checklist_item *item = &items[checklist->count++];
    *item = (struct checklist_item){.name = name, .verdict = verdict};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item->text, sizeof item->text, format, arguments);
    va_end(arguments);
}

void checklist_advise(struct checklist *checklist, const char *format, ...)
{
    if (checklist->count == 0)
        return;
    struct checklist_item *item = &checklist->items[checklist->count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(item->advice, sizeof item->advice, format, arguments);
    va_end(arguments);
}

bool checklist_any_bad(const struct checklist *checklist)
{
    for (size_t i = 0; i < checklist->count; i++)
        if (checklist->items[i].verdict == VERDICT_BAD)
            return true;
    return false;
}

void checklist_free(struct checklist *checklist)
{
    free(checklist->items);
    *checklist = (struct checklist){0};
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

void checklist_print(const struct checklist *checklist, size_t from)
{
    bool symbols = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    int width = 0;

    for (size_t i = 0; i < checklist->count; i++) {
        int n = (int)strlen(checklist->items[i].name);
        width = n > width ? n : width;
    }
    for (size_t i = from; i < checklist->count; i++) {
        const struct checklist_item *item = &checklist->items[i];
        const struct mark *mark = mark_of(item->verdict);
        print_styled(stdout, mark->style, symbols ? mark->symbol : mark->plain);
        printf(" %-*s  ", width, item->name);
        print_text(stdout, item->text);
        putchar('\n');
        if (*item->advice) {
            printf("%*s", width + (symbols ? 4 : 5), "");
            printf("%s ", symbols ? "→" : "->");
            print_text(stdout, item->advice);
            putchar('\n');
        }
    }
}

json_t *checklist_json(const struct checklist *checklist)
{
    json_t *list = json_array();

    for (size_t i = 0; i < checklist->count; i++) {
        const struct checklist_item *item = &checklist->items[i];
        json_t *entry = json_object();
        json_set_text(entry, "check", item->name);
        json_object_set_new(entry, "ok",
                            item->verdict == VERDICT_NEITHER
                                ? json_null()
                                : json_boolean(item->verdict == VERDICT_GOOD));
        json_set_text(entry, "text", item->text);
        json_set_text(entry, "advice", *item->advice ? item->advice : NULL);
        json_array_append_new(list, entry);
    }
    return list;
}
