/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what the analyzer found out about one crash, as a model that can be rendered.
 *
 * A report is JSON (version 1) as inquest-analyzer prints it and as it lies in ID.report.json; the
 * keys are those of the structs below. The parser takes it as hostile: an analyzer that read a
 * hostile core may have been taken over. Types, ranges, indices, counts and depth are checked, a
 * report that breaks a rule is refused as a whole, and memory is bounded by REPORT_MAX_*.
 *
 * Texts are bytes, NUL-terminated and never to be shown unescaped: names are the victim's choice.
 * Where they were no UTF-8, the JSON has U+FFFD in KEY and the bytes in KEY_b64; the model has the
 * bytes. A text that is unknown (null) is NULL.
 *
 * Everything a report points to lives as long as the report.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"

enum {
    REPORT_VERSION = 1,
    REPORT_SIGNATURE_SIZE = 17,         /* with its NUL */
    REPORT_MAX_SIZE = 64 * 1024 * 1024, /* bytes of JSON */
    /* Of its parts, about: 65536 threads, which is all that an analysis takes, with the registers
     * of x86-64; or the 200,000 frames that such a size has room for. */
    REPORT_MAX_MEMORY = 512 * 1024 * 1024,
    REPORT_MAX_THREADS = 1 << 20,
    REPORT_MAX_FRAMES = 1 << 22, /* of all stacks together */
    REPORT_MAX_MODULES = 1 << 18,
    REPORT_MAX_TEXTS = 4096, /* problems, details, signature frames: each */
    REPORT_MAX_REGISTERS = 1024,
};

/* How a frame was found, from the surest to a guess. */
enum report_trust {
    REPORT_TRUST_REGISTERS,     /* the thread's own registers */
    REPORT_TRUST_CFI,           /* call frame information */
    REPORT_TRUST_SIGNAL,        /* a signal trampoline's saved context */
    REPORT_TRUST_CALL_POP,      /* the return address that a call to a bad address pushed */
    REPORT_TRUST_FRAME_POINTER, /* the frame pointer's chain */
    REPORT_TRUST_SCAN,          /* found on the stack behind a call instruction: a guess */
};

/* Why a thread's stack ends where it does. */
enum report_stop {
    REPORT_STOP_END,          /* the outermost frame: nothing is missing */
    REPORT_STOP_NO_CFI,       /* nothing tells how to go on */
    REPORT_STOP_NO_MEMORY,    /* the core lacks the memory */
    REPORT_STOP_BAD_PC,       /* no code there */
    REPORT_STOP_REPEAT,       /* going round in circles */
    REPORT_STOP_CAP,          /* as many frames as are allowed */
    REPORT_STOP_DEADLINE,     /* no time left */
    REPORT_STOP_NO_REGISTERS, /* the core lacks the thread's registers */
};

/* Where a module's names came from. */
enum report_symbols {
    REPORT_SYMBOLS_NONE,
    REPORT_SYMBOLS_DYNSYM,
    REPORT_SYMBOLS_SYMTAB,
    REPORT_SYMBOLS_DWARF,
};

struct report_module {
    const char *path;
    const char *build_id; /* lower-case hex, or NULL */
    uint64_t start, end;
    bool verified; /* the file that was read is the one that ran */
    enum report_symbols symbols;
    const char *package;
};

struct report_frame {
    uint64_t pc;
    const char *function;               /* demangled */
    const char *symbol;                 /* raw */
    const struct report_module *module; /* or NULL */
    uint64_t offset;                    /* from the symbol's start, where has_offset */
    uint64_t module_offset;             /* the module's own address, where has_module_offset */
    const char *file;
    uint32_t line, column; /* 0: unknown */
    bool has_offset, has_module_offset;
    bool inlined; /* into the next frame that is not */
    enum report_trust trust;
};

struct report_stack {
    const struct report_frame *frames; /* innermost first */
    size_t n_frames;
};

struct report_register {
    const char *name;
    uint64_t value;
};

struct report_thread {
    uint32_t tid;
    bool crashed;
    const char *name;
    enum report_stop stop;
    const struct report_stack *stack; /* threads with equal stacks share one; never NULL */
    uint64_t omitted;                 /* frames cut out of the stack, 0 usually */
    size_t omitted_at; /* they were before this frame ("omitted_at", else the middle) */
    const struct report_register *registers;
    size_t n_registers;
};

struct report_texts {
    const char *const *at;
    size_t n;
};

struct report {
    const char *analyzer; /* its version */
    bool complete;        /* false: a cap, the deadline or a damaged core cut it short */
    struct report_texts problems;

    int signal;
    const char *signal_name;
    bool has_si_code;
    int si_code;
    bool has_fault_address;
    uint64_t fault_address;

    const char *reason; /* one sentence; never NULL */
    struct report_texts details;
    const char *abort_message;
    const char *signature;               /* 16 lower-case hex digits, or NULL */
    char renamed[REPORT_SIGNATURE_SIZE]; /* report_rename() */
    struct report_texts signature_frames;
    bool signature_is_wordless; /* the core lacked words that belong into it ("signature_wordless")
                                 */
    const char *stack_id;       /* lower-case hex, or NULL */
    const char *function;       /* the crashing function as shown in lists */
    const char *package;
    const char *instruction_bytes; /* hex, or NULL */
    const char *instruction_text;

    const struct report_thread *threads; /* the crashing one first */
    size_t n_threads;
    const struct report_stack *stacks;
    size_t n_stacks;
    const struct report_module *modules;
    size_t n_modules;
};

/* Parses a report. -EBADMSG where it is none, -EFBIG where it is beyond a bound, -ENOMEM. */
int report_parse(const void *data, size_t size, struct report **ret, struct error *error);

/* Reads a report from `fd` to its end and parses it. */
int report_read(int fd, struct report **ret, struct error *error);

void report_free(struct report *report);

/* Makes a report from elsewhere fit for this store: one that says where it is from, and nothing of
 * other crashes: the id of an exact stack would rename all that have it. Errors as report_parse().
 */
int report_adopt(struct bytes *json, struct error *error);

/* Gives the report another signature; one that is longer, or "", changes nothing. */
void report_rename(struct report *report, const char *signature);

/* The thread that crashed, else the first; NULL where there is none. */
const struct report_thread *report_crashing_thread(const struct report *report);

/* The names used in JSON. */
const char *report_trust_name(enum report_trust trust);
const char *report_stop_name(enum report_stop stop);
const char *report_symbols_name(enum report_symbols symbols);

/* True for a frame that may not have been there: found by scanning. */
bool report_frame_is_guess(const struct report_frame *frame);

CLEANUP_FUNCTION(struct report, report_free)
#define AUTO_REPORT CLEANUP(report_free_cleanup)
