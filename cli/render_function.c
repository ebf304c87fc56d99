/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render_function.c - C++ names as people write them, and not as compilers spell them out. */
#include <string.h>

#include "cli/render.h"
#include "store/base/bytes.h"
#include "store/base/text.h"

/* Where the template arguments that begin at the '<' end: behind its '>', or NULL. */
static const char *arguments_end(const char *open)
{
    unsigned depth = 0;
    for (const char *p = open; *p; p++) {
        if (*p == '<')
            depth++;
        else if (*p == '>' && (p == open || p[-1] != '-') && --depth == 0)
            return p + 1;
    }
    return NULL;
}

/* How much of the text at `p` is a default argument that says nothing; 0: none. */
static size_t default_length(const char *p)
{
    static const char *const templates[] = {", std::allocator<", ", std::char_traits<",
                                            ", std::default_delete<"};
    for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
        size_t n = strlen(templates[i]);
        if (strncmp(p, templates[i], n) != 0)
            continue;
        const char *end = arguments_end(p + n - 1);
        return end ? (size_t)(end - p) : 0;
    }
    return 0;
}

/* Leaves out default arguments and the blanks before closing brackets. */
static int append_plain(struct bytes *out, const char *name)
{
    bool dropped = false;
    for (const char *p = name; *p;) {
        size_t skipped = default_length(p);
        bool closes = p[0] == ' ' && p[1] == '>';
        if (skipped > 0)
            dropped = true;
        else if (closes && (dropped || (out->size > 0 && out->data[out->size - 1] == '>')))
            skipped = 1;
        else if (bytes_append(out, p, 1) < 0)
            return -1;
        else
            dropped = false;
        p += skipped > 0 ? skipped : 1;
    }
    return 0;
}

static const struct {
    const char *spelled, *name;
} aliases[] = {
    {"std::__cxx11::basic_string<char>", "std::string"},
    {"std::basic_string<char>", "std::string"},
    {"std::basic_string_view<char>", "std::string_view"},
};

static int append_aliased(struct bytes *out, const char *name)
{
    for (const char *p = name; *p;) {
        size_t i = 0;
        while (i < ARRAY_SIZE(aliases) &&
               strncmp(p, aliases[i].spelled, strlen(aliases[i].spelled)) != 0)
            i++;
        bool found = i < ARRAY_SIZE(aliases);
        const char *text = found ? aliases[i].name : p;
        if (bytes_append(out, text, found ? strlen(text) : 1) < 0)
            return -1;
        p += found ? strlen(aliases[i].spelled) : 1;
    }
    return 0;
}

char *render_function(const struct report_frame *frame)
{
    AUTO_BYTES struct bytes plain = {0}, aliased = {0};
    const char *name = frame->function ? frame->function : frame->symbol;

    if (!name)
        return NULL;
    if (!strstr(name, "std::"))
        return text_printable(name, strlen(name));
    if (append_plain(&plain, name) < 0 || !plain.data || append_aliased(&aliased, plain.data) < 0)
        return NULL;
    return text_printable(aliased.data, aliased.size);
}
