/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signature.h - one name for all crashes of one bug: stable across rebuilds, optimisation levels
 * and address space randomisation.
 *
 * Version 3: the functions of the crashing stack, inlined ones too, from below a signal handler's
 * trampoline on where the handler raised the signal; normalised (signature_name()); without the
 * machinery of dying at the top (abort, assert, throw, panic, malloc's checks, mem* and str*);
 * recursion collapsed; up to main and thread starts, which are left out; five at most. Hashed with
 * the signal's number and with the kind of that machinery, so that a failed assertion and a double
 * free in one function are two bugs; and so are two assertions or two exceptions, by the words of
 * which the source has them: the asserted expression, the exception's type. No lines, which move,
 * and nothing that a run puts into a message. Where nothing has a name: build-ids and offsets, in
 * a namespace of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIGNATURE_FRAMES = 5, SIGNATURE_SIZE = 17 };

/* One function of the stack, innermost first. */
struct signature_frame {
    const char *function;    /* demangled; NULL: unknown */
    bool trampoline;         /* of a signal handler */
    const uint8_t *build_id; /* of its module; NULL: none */
    size_t build_id_size;
    const char *module; /* path; NULL: none */
    uint64_t module_offset;
};

/* What the source says where it ends the process, as far as it was found; NULL: it was not. */
struct signature_words {
    const char *assertion; /* the expression that did not hold */
    const char *exception; /* the type of what was thrown */
};

struct signature {
    char text[SIGNATURE_SIZE]; /* 16 lower-case hex digits; "" where there is nothing to hash */
    char *frames[SIGNATURE_FRAMES]; /* owned; what was hashed */
    size_t frame_count;
    const char *kind; /* of the machinery above them: "heap", "assertion"…; NULL: none that tells */
    bool wordless;    /* that kind has words, and the core had them not */
};

int signature_make(const struct signature_frame *frames, size_t count, int signal,
                   const struct signature_words *words, struct signature *ret);
void signature_free(struct signature *signature);

/* The exact stack: build-ids and offsets of all its frames. Same form as a signature. */
int signature_stack_id(const struct signature_frame *frames, size_t count,
                       char ret[static SIGNATURE_SIZE]);

/* A function's name without what changes from build to build: arguments, template arguments,
 * clones, versions, hashes. A new string; NULL without memory. */
char *signature_name(const char *function);

/* Does this (normalised) name belong to the machinery of dying rather than to the bug? */
bool signature_is_machinery(const char *name);
