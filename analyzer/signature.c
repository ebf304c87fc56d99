/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signature.c - one name for all crashes of one bug. */
#include "analyzer/signature.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/sha256.h"
#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/text.h"

#define VERSION "3"

enum { ABORT_DEPTH = 16 }; /* frames below which an abort() is none that killed */
enum { MAX_NAME = 4096 };  /* what is longer is cut: its end would change nothing for a person */

/* fnmatch(3) patterns of normalised names. */
static const char *const machinery[] = {
    "pthread_kill*",
    "__pthread_kill*",
    "__kernel_vsyscall",
    "__restore_sigs",
    "raise",
    "gsignal",
    "abort",
    "__libc_message*",
    "__libc_fatal",
    "__fortify_fail*",
    "__stack_chk_fail*",
    "__chk_fail",
    "__*_chk",
    "__assert*",
    "kill",
    "tgkill",
    "tkill",
    "syscall",
    "__restore_rt",
    "malloc_printerr",
    "_int_malloc",
    "_int_free*",
    "_int_realloc",
    "_int_memalign",
    "malloc_consolidate",
    "unlink_chunk*",
    "sysmalloc*",
    "free",
    "malloc",
    "calloc",
    "realloc",
    "tcache_*",
    "cfree",
    "operator new",
    "operator delete",
    "operator new[[]]",
    "operator delete[[]]",
    /* the pieces of memory and text that a bad pointer is given to */
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "memchr",
    "memrchr",
    "mempcpy",
    "memmem",
    "bcmp",
    "strlen",
    "strnlen",
    "strcpy",
    "strncpy",
    "stpcpy",
    "strcat",
    "strncat",
    "strcmp",
    "strncmp",
    "strcasecmp",
    "strncasecmp",
    "strchr",
    "strrchr",
    "strchrnul",
    "strstr",
    "strcasestr",
    "strdup",
    "strndup",
    "strtok",
    "strtok_r",
    "strspn",
    "strcspn",
    "strpbrk",
    "strsep",
    "strtol*",
    "strtoul*",
    "strcoll",
    "wcslen",
    "wcscpy",
    "wcscmp",
    "wmemcpy",
    "__gnu_cxx::__verbose_terminate_handler",
    "__cxxabiv1::*",
    "std::terminate*",
    "__cxa_*",
    "_Unwind_*",
    "__gxx_personality*",
    "rust_eh_personality",
    "std::__throw_*",
    "std::__glibcxx_assert_fail",
    "__glibcxx_*",
    "core::panicking::*",
    "core::option::*_failed",
    "core::result::*_failed",
    "core::option::Option<>::unwrap",
    "core::option::Option<>::expect",
    "core::result::Result<>::unwrap",
    "core::result::Result<>::expect",
    "std::panicking::*",
    "rust_begin_unwind",
    "rust_panic*",
    "__rust_*",
    "std::sys::*",
    "std::panic::*",
    "__rustc::*",
    "std::process::abort",
    "std::alloc::*",
    "alloc::alloc::handle_alloc_error",
    "runtime.raise*",
    "runtime.dieFromSignal",
    "runtime.sigfwdgo",
    "runtime.sigtramp*",
    "runtime.crash",
    "runtime.fatalpanic",
    "runtime.fatalthrow*",
    "runtime.throw*",
    "runtime.gopanic",
    "runtime.panic*",
    "runtime.sigpanic*",
    "runtime.systemstack*",
    "g_log",
    "g_logv",
    "g_log_structured*",
    "g_assertion_message*",
    "g_abort",
    "_g_log_abort",
    "qt_message_fatal*",
    "QMessageLogger::fatal",
};

/* What the machinery says of the bug. No mem* and str*: compilers make them instructions at some
 * levels; and no names that only debug symbols have, where an exported one stands below. */
static const struct {
    const char *pattern, *kind;
} machinery_kinds[] = {
    {"__assert*", "assertion"},
    {"__stack_chk_fail*", "stack"},
    {"__fortify_fail*", "fortify"},
    {"__chk_fail", "fortify"},
    {"__*_chk", "fortify"},
    {"free", "heap"},
    {"malloc", "heap"},
    {"calloc", "heap"},
    {"realloc", "heap"},
    {"malloc_printerr", "heap"},
    {"__cxa_*", "exception"},
    {"std::terminate*", "exception"},
    {"std::__throw_*", "exception"},
    {"*__glibcxx_assert_fail", "assertion"},
    {"core::panicking::*", "panic"},
    {"std::panicking::*", "panic"},
    {"runtime.*panic*", "panic"},
    {"g_log*", "log"},
    {"g_assertion_message*", "assertion"},
};

static const char *const ends[] = {
    "main",
    "__libc_start_*",
    "_start",
    "start_thread",
    "clone",
    "clone3",
    "__clone",
    "__clone3",
    "libc_start_main_stage2",
    "runtime.main",
    "runtime.goexit*",
    "runtime.mstart*",
    "std::rt::lang_start*",
    "std::sys::backtrace::__rust_begin_short_backtrace*",
    "std::sys_common::backtrace::__rust_begin_short_backtrace*",
};

/* What compilers put behind names of parts and copies of functions. */
static const char *const clone_marks[] = {
    "cold", "part", "constprop", "isra", "lto_priv", "localalias", "llvm", "hot", "unlikely",
};

/* glibc's variants of one function for one processor each. */
static const char *const variants[] = {
    "_avx",  "_sse",     "_evex",  "_erms",    "_unaligned", "_ssse3", "_sve",
    "_mops", "_generic", "_power", "_aligned", "_bmi",       "_rtm",
};

static const char *const plain_aliases[] = {
    "raise",   "abort",  "kill",   "read",      "write",           "open",       "close",
    "poll",    "select", "pause",  "nanosleep", "clock_nanosleep", "sleep",      "fork",
    "wait4",   "malloc", "free",   "calloc",    "realloc",         "memalign",   "connect",
    "accept",  "send",   "recv",   "sendto",    "recvfrom",        "sigsuspend", "memcpy",
    "memmove", "memset", "strdup",
};

static bool matches(const char *const *patterns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

#define MATCHES(patterns, name) matches(patterns, sizeof(patterns) / sizeof(patterns[0]), name)

bool signature_is_machinery(const char *name)
{
    return MATCHES(machinery, name);
}

/* NULL: it tells nothing. */
static const char *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(machinery_kinds) / sizeof(machinery_kinds[0]); i++)
        if (fnmatch(machinery_kinds[i].pattern, name, 0) == 0)
            return machinery_kinds[i].kind;
    return NULL;
}

/* Rust: "::h0123456789abcdef" at the end, "[0123456789abcdef]" anywhere. */
static void drop_rust_hashes(char *name)
{
    size_t size = strlen(name);
    if (size > 19 && memcmp(name + size - 19, "::h", 3) == 0 &&
        strspn(name + size - 16, "0123456789abcdef") == 16)
        name[size - 19] = '\0';
    for (char *open = name; (open = strchr(open, '[')); open++) {
        size_t digits = strspn(open + 1, "0123456789abcdef");
        if (digits >= 8 && digits <= 16 && open[digits + 1] == ']')
            memmove(open, open + digits + 2, strlen(open + digits + 2) + 1);
    }
}

static void drop_version(char *name)
{
    char *at = strchr(name, '@');
    if (at && at > name)
        *at = '\0';
    char *clone = strstr(name, " [clone ");
    if (clone)
        *clone = '\0';
}

/* ".part.0.constprop.1" and the like, from the end. */
static void drop_clone_marks(char *name)
{
    for (char *dot; (dot = strrchr(name, '.')) && dot > name;) {
        char *mark = dot;
        if (isdigit((unsigned char)dot[1])) {
            *dot = '\0';
            mark = strrchr(name, '.');
            *dot = '.';
        }
        if (!mark || mark == name)
            return;
        size_t size = strcspn(mark + 1, ".");
        bool known = false;
        for (size_t i = 0; i < sizeof(clone_marks) / sizeof(clone_marks[0]); i++)
            known = known || (strlen(clone_marks[i]) == size &&
                              strncmp(mark + 1, clone_marks[i], size) == 0);
        if (!known)
            return;
        *mark = '\0';
    }
}

static void drop_prefix(char *name, size_t size)
{
    memmove(name, name + size, strlen(name + size) + 1);
}

static void unalias(char *name)
{
    static const char *const prefixes[] = {"__GI_", "__libc_", "__"};
    if (strncmp(name, "__GI_", 5) == 0)
        drop_prefix(name, 5);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t size = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], size) == 0 &&
            (MATCHES(plain_aliases, name + size) || strncmp(name + size, "pthread_", 8) == 0)) {
            drop_prefix(name, size);
            return;
        }
    }
    if (strncmp(name, "__mem", 5) != 0 && strncmp(name, "__str", 5) != 0)
        return;
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        char *variant = strstr(name, variants[i]);
        if (variant) {
            *variant = '\0';
            drop_prefix(name, 2);
            return;
        }
    }
}

static void replace_all(char *name, const char *from, const char *to)
{
    size_t from_size = strlen(from), to_size = strlen(to); /* never longer than `from` */
    for (char *at = name; (at = strstr(at, from)); at += to_size) {
        memcpy(at, to, to_size);
        drop_prefix(at + to_size, from_size - to_size);
    }
}

/* "{lambda(int)#2}", "{closure#0}", "{{closure}}" are all {lambda}. */
static void merge_lambdas(char *name)
{
    static const char *const kinds[] = {"{lambda", "{{closure", "{closure", "{shim:", "{async_"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (char *at = name; (at = strstr(at, kinds[i]));) {
            char *end = strchr(at, '}');
            while (end && end[1] == '}')
                end++;
            if (!end)
                break;
            if (end + 1 - at < 8) /* no room: cannot be for these kinds */
                break;
            memcpy(at, "{lambda}", 8);
            at += 8;
            drop_prefix(at, (size_t)(end + 1 - at));
        }
}

static bool ends_with(const char *start, const char *end, const char *suffix)
{
    size_t size = strlen(suffix);
    return (size_t)(end - start) >= size && memcmp(end - size, suffix, size) == 0;
}

/* Drops what stands between brackets, nested ones too; `keep`: the brackets themselves stay. The
 * brackets in operator<, operator->, operator() are part of a name. */
static void drop_bracketed(char *name, char open, char close, bool keep)
{
    char *out = name;
    unsigned depth = 0;
    for (const char *in = name; *in; in++) {
        bool operator_name = depth == 0 && (ends_with(name, out, "operator") ||
                                            (open == '<' && ends_with(name, out, "operator<")));
        if (*in == open && !operator_name) {
            if (depth++ == 0 && keep)
                *out++ = open;
        } else if (*in == close && depth > 0 && !(close == '>' && in[-1] == '-')) {
            if (--depth == 0 && keep)
                *out++ = close;
        } else if (*in == open && open == '(') { /* operator() */
            *out++ = *in;
            if (in[1] == ')')
                *out++ = *++in;
        } else if (depth == 0) {
            *out++ = *in;
        }
    }
    *out = '\0';
}

static void drop_qualifiers(char *name)
{
    static const char *const qualifiers[] = {" const", " volatile", " &&", " &", "&", " "};
    for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++) {
        size_t size = strlen(name);
        if (strstr(name, "operator&") || !ends_with(name, name + size, qualifiers[i]))
            continue;
        name[size - strlen(qualifiers[i])] = '\0';
        i = (size_t)-1; /* from the first again */
    }
}

/* Rust: "<T as Trait>::method" and "<T>::method" are T::method here. */
static void open_qualified_self(char *name)
{
    unsigned depth = 0;
    char *as = NULL;
    if (name[0] != '<')
        return;
    for (char *c = name; *c; c++) {
        depth += *c == '<';
        if (depth == 1 && !as && strncmp(c, " as ", 4) == 0)
            as = c;
        if (*c != '>' || c[-1] == '-' || --depth > 0)
            continue;
        char *end = as ? as : c;
        memmove(end, c + 1, strlen(c + 1) + 1);
        drop_prefix(name, 1);
        return;
    }
}

/* Templates show what they return. */
static void drop_return_type(char *name)
{
    if (strstr(name, "operator"))
        return;
    char *space = strrchr(name, ' ');
    if (space)
        drop_prefix(name, (size_t)(space + 1 - name));
}

char *signature_name(const char *function)
{
    char *name = strndup(function, MAX_NAME);
    if (!name)
        return NULL;
    drop_version(name);
    drop_rust_hashes(name);
    drop_clone_marks(name);
    unalias(name);
    replace_all(name, "(anonymous namespace)", "{anon}");
    replace_all(name, "[abi:cxx11]", "");
    open_qualified_self(name);
    merge_lambdas(name);
    drop_bracketed(name, '<', '>', true);
    drop_bracketed(name, '(', ')', false);
    drop_qualifiers(name);
    drop_return_type(name);
    return name;
}

static int hash(const struct bytes *key, char ret[static SIGNATURE_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256(key->data, key->size, digest);
    text_hex(digest, (SIGNATURE_SIZE - 1) / 2, ret);
    return 0;
}

static bool has_room(const struct signature *signature)
{
    return signature->frame_count < SIGNATURE_FRAMES;
}

/* Takes the name over, unless it repeats the one before (direct recursion). */
static void add_name(struct signature *signature, char *name)
{
    if (signature->frame_count > 0 &&
        strcmp(signature->frames[signature->frame_count - 1], name) == 0)
        free(name);
    else
        signature->frames[signature->frame_count++] = name;
}

static int collect_names(const struct signature_frame *frames, size_t count, struct signature *ret)
{
    for (size_t i = 0; i < count && has_room(ret); i++) {
        if (!frames[i].function)
            continue;
        char *name = signature_name(frames[i].function);
        if (!name)
            return -ENOMEM;
        /* main alone says which program it was; what starts programs and threads, nothing */
        bool is_end = MATCHES(ends, name);
        bool is_machinery = ret->frame_count == 0 && signature_is_machinery(name);
        const char *kind = is_machinery ? kind_of(name) : NULL;
        if (kind) /* the outermost one: an exception that ended in abort() */
            ret->kind = kind;
        if ((is_end && (ret->frame_count > 0 || strcmp(name, "main") != 0)) || is_machinery) {
            free(name);
            if (is_end)
                return 0;
            continue;
        }
        add_name(ret, name);
    }
    return 0;
}

static int append_place(const struct signature_frame *frame, struct bytes *key)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < frame->build_id_size; i++)
        r = bytes_printf(key, "%02x", frame->build_id[i]);
    if (r == 0 && !frame->build_id_size)
        r = bytes_append_text(key, frame->module ? frame->module : "?");
    return r < 0 ? r : bytes_printf(key, "+0x%llx\n", (unsigned long long)frame->module_offset);
}

/* Build-ids and offsets of the first frames that lie in a module. */
static int make_nameless(const struct signature_frame *frames, size_t count, int signal,
                         struct signature *ret)
{
    AUTO_BYTES struct bytes key = {0};
    int r = bytes_printf(&key, "inquest-places-" VERSION "\n%d\n", signal);
    size_t used = 0;
    for (size_t i = 0; r == 0 && i < count && used < SIGNATURE_FRAMES; i++) {
        if (!frames[i].module)
            continue;
        r = append_place(&frames[i], &key);
        used++;
    }
    return r < 0 ? r : used > 0 ? hash(&key, ret->text) : 0;
}

/* Names a frame; "" where it has none. The caller frees. */
static char *name_of(const struct signature_frame *frame)
{
    return frame->function ? signature_name(frame->function) : strdup("");
}

/* A handler that ends the process by raise() or abort() reports another's bug, which lies below its
 * trampoline; one that faults has a bug of its own. Returns how many frames are the handler's. */
static size_t raised_by_handler(const struct signature_frame *frames, size_t count)
{
    bool raised = false, named = false;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].trampoline)
            return raised ? i + 1 : 0;
        if (!frames[i].function || named)
            continue;
        AUTO_FREE char *name = name_of(&frames[i]);
        named = true;
        raised = name && signature_is_machinery(name);
    }
    return 0;
}

/* Whatever abort() calls is not the bug, guessed frames among it. Returns how many come before. */
static size_t called_by_abort(const struct signature_frame *frames, size_t count)
{
    for (size_t i = count < ABORT_DEPTH ? count : ABORT_DEPTH; i > 0; i--) {
        AUTO_FREE char *name = name_of(&frames[i - 1]);
        if (name && strcmp(name, "abort") == 0)
            return i;
    }
    return 0;
}

/* The words that belong to the kind of machinery that was found. */
static const char *find_words(const struct signature_words *words, struct signature *signature)
{
    const struct {
        const char *kind, *words;
    } pairs[] = {{"assertion", words->assertion}, {"exception", words->exception}};
    const char *found = "";
    for (size_t i = 0; signature->kind && i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (strcmp(pairs[i].kind, signature->kind) == 0) {
            found = pairs[i].words ? pairs[i].words : "";
            signature->wordless = !pairs[i].words;
        }
    return found;
}

int signature_make(const struct signature_frame *frames, size_t count, int signal,
                   const struct signature_words *words, struct signature *ret)
{
    struct signature signature = {0};
    size_t skipped = raised_by_handler(frames, count);
    if (skipped == 0 && signal == SIGABRT)
        skipped = called_by_abort(frames, count);
    frames += skipped;
    count -= skipped;
    int r = collect_names(frames, count, &signature);
    AUTO_BYTES struct bytes key = {0};
    if (r == 0 && signature.frame_count == 0)
        r = make_nameless(frames, count, signal, &signature);
    else if (r == 0)
        r = bytes_printf(&key, "inquest-names-" VERSION "\n%d %s %s\n", signal,
                         signature.kind ? signature.kind : "", find_words(words, &signature));
    for (size_t i = 0; r == 0 && i < signature.frame_count; i++)
        r = bytes_printf(&key, "%s\n", signature.frames[i]);
    if (r == 0 && signature.frame_count > 0)
        r = hash(&key, signature.text);
    if (r < 0) {
        signature_free(&signature);
        return r;
    }
    *ret = signature;
    return 0;
}

void signature_free(struct signature *signature)
{
    for (size_t i = 0; i < signature->frame_count; i++)
        free(signature->frames[i]);
    *signature = (struct signature){0};
}

int signature_stack_id(const struct signature_frame *frames, size_t count,
                       char ret[static SIGNATURE_SIZE])
{
    AUTO_BYTES struct bytes key = {0};
    int r = bytes_append_text(&key, "inquest-stack-" VERSION "\n");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = append_place(&frames[i], &key);
    return r < 0 ? r : hash(&key, ret);
}
