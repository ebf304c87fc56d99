/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.h - one explained crash as text, JSON, markdown, HTML or a uReport.
 *
 * The renderers share one model (report.h) and never look behind it. Everything that they print may
 * be the victim's choice: text and markdown have control characters written out (text.h), HTML has
 * its own escapes, JSON says where a text was not UTF-8. Errors of the FILE are found at exit.
 * Each returns 0, or -ENOMEM.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/json.h"
#include "store/metadata.h"
#include "store/report.h"

struct render_input {
    const char *id;               /* NULL: a core that is in no store */
    const struct metadata *facts; /* of its record; NULL: none are known */
    const struct report *report;
};

struct render_options {
    bool all;           /* each thread and frame for itself, not folded where they are equal */
    bool registers;     /* show them: of the crashing thread, with `all` of each */
    bool colour;        /* for a terminal */
    bool signal_told;   /* by the caller, so that the text does not repeat it */
    uint64_t frames;    /* at most so many of each thread; 0: all */
    const char *thread; /* only this one, by tid or name; NULL: all */
};

/* As a person reads it on a terminal or in a log. Without `facts` the crash itself is not told. */
int render_text(FILE *out, const struct render_input *input, const struct render_options *options);

/* The object of `inquest bt --json`, as one value of `json`. */
int render_json(struct json_stream *json, const struct render_input *input,
                const struct render_options *options);

/* Made to be pasted into an issue: tells nothing about the user, host or command line. */
int render_markdown(FILE *out, const struct render_input *input,
                    const struct render_options *options);

/* One page that needs nothing else: no network, no script. */
int render_html(FILE *out, const struct render_input *input, const struct render_options *options);

/* ABRT's uReport, version 2: https://github.com/abrt/faf/wiki/uReport. Anonymous. */
int render_ureport(struct json_stream *json, const struct render_input *input);

/* What the renderers share. */

/* Threads that are shown as one because their stacks are equal. */
struct render_group {
    const struct report_thread *first;
    const struct report_thread **threads; /* `first` included */
    size_t n_threads;
};

/*
 * The threads that `options` ask for, in groups: the crashing one first and for itself, the others
 * in the order in which the first of each group comes. render_groups_free() frees them.
 */
int render_groups(const struct report *report, const struct render_options *options,
                  struct render_group **ret, size_t *ret_n);
void render_groups_free(struct render_group *groups, size_t n);

/* The name that all threads of the group have, or NULL. */
const char *render_group_name(const struct render_group *group);

/* True where --thread asks for this one, or nothing was asked for. */
bool render_wants_thread(const struct render_options *options, const struct report_thread *thread);

/* How many of the thread's frames are shown, and the number of one of them, which counts those that
 * were left out. */
size_t render_frame_count(const struct render_options *options, const struct report_thread *thread);
uint64_t render_frame_number(const struct report_thread *thread, size_t index);

/*
 * A recursion: how many of the first `n` frames repeat, again and again, the `ret_period` frames
 * from `index` on, right behind them. 0 where there are too few to be worth a line that says so.
 */
size_t render_repeats(const struct render_options *options, const struct report_thread *thread,
                      size_t index, size_t n, size_t *ret_period);

/* The line that stands for them, behind the frame before `index`; for the caller to free. */
char *render_repeats_text(const struct report_thread *thread, size_t index, size_t hidden,
                          size_t period);

/* True where a frame of any thread is a guess. */
bool render_has_guess(const struct report *report);

/* The part behind the last slash. */
const char *render_base_name(const char *path);

/* Why the stack ends, in words; NULL where it is whole. */
const char *render_stop_text(enum report_stop stop);

/* How a frame was found, in words. */
const char *render_trust_text(enum report_trust trust);

/* A frame's function as people want to read it, printable, for the caller to free: std::string for
 * what it stands for, without the allocators that nobody chose. NULL where it has no name. */
char *render_function(const struct report_frame *frame);

/* "SIGSEGV", or "signal 11" where it has no name, as printable text for the caller to free. */
char *render_signal(const struct report *report);

/* "1 (SEGV_MAPERR)"; "" where the code is not known. */
enum { RENDER_CODE_SIZE = 48 };
void render_code(const struct report *report, char ret[static RENDER_CODE_SIZE]);

/* The lines of one thread's frames as plain or coloured text: render_text's own, for others. */
void render_text_frames(FILE *out, const struct report_thread *thread,
                        const struct render_options *options);
