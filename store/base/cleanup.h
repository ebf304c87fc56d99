/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cleanup.h - ownership that ends with the scope: cleanup attributes, and how to hand a thing on.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Declares a static inline destructor NAME_cleanup() that calls NAME_free() on the variable. */
#define CLEANUP_FUNCTION(type, free_function)                                                      \
    static inline void free_function##_cleanup(type **p)                                           \
    {                                                                                              \
        free_function(*p);                                                                         \
    }

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

static inline void cleanup_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_FD   CLEANUP(cleanup_fd) /* a variable so marked starts as -1 or an open descriptor */
#define AUTO_FILE CLEANUP(cleanup_file)
#define AUTO_DIR  CLEANUP(cleanup_dir)

/* Takes the descriptor or pointer out of a variable, whose cleanup then does nothing. */
static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void *steal_pointer_(void *p)
{
    void *taken = *(void **)p;
    *(void **)p = NULL;
    return taken;
}
#define steal_pointer(p) ((__typeof__(*(p)))steal_pointer_(p))

#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
