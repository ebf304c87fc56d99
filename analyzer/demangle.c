/* SPDX-License-Identifier: GPL-2.0-or-later */
/* demangle.c - names of functions as people write them, by libiberty. */
#include "config.h"

#include "analyzer/demangle.h"

#include <stdlib.h>
#include <string.h>

/* The header declares basename() unless told that there is one. */
#define HAVE_DECL_BASENAME 1
#ifdef HAVE_LIBIBERTY_DEMANGLE_H
#include <libiberty/demangle.h>
#else
#include <demangle.h>
#endif

/* A hostile name may grow without bound when it is spelled out. */
enum { MAX_MANGLED = 64 * 1024, MAX_DEMANGLED = 16 * 1024 };

static char *bounded(char *text)
{
    if (text && strlen(text) > MAX_DEMANGLED)
        memcpy(text + MAX_DEMANGLED, "...", 4);
    return text;
}

char *demangle(const char *symbol)
{
    if (symbol[0] != '_' || strlen(symbol) > MAX_MANGLED)
        return NULL;
    if (strcmp(symbol, "_Dmain") == 0 || (symbol[1] == 'D' && symbol[2] >= '0' && symbol[2] <= '9'))
        return bounded(dlang_demangle(symbol, 0));
    if (symbol[1] != 'Z' && symbol[1] != 'R')
        return NULL;
    /* Versions and clones stand behind the mangled name: "_Z3foov.cold", "_Z3foov@@V1". */
    return bounded(cplus_demangle(symbol, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP));
}

char *demangle_type(const char *name)
{
    if (*name == '*') /* not to be compared by address */
        name++;
    if (strlen(name) > MAX_MANGLED)
        return NULL;
    return bounded(cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI | DMGL_TYPES));
}
