/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks_crash.c - doctor's proof: a crash of its own, followed from the fault to the dump. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/terminal.h"
#include "store/base/clock.h"
#include "store/base/io.h"

enum { MARK_SIZE = 64, PATIENCE_US = 30 * 1000000, OUTPUT_MAX = 16 * 1024 * 1024 };

extern char **environ;

/* Random bytes in this process's memory, and so in that of the child that dies. A core that has
 * them is this child's, and has its memory. */
static unsigned char mark[MARK_SIZE];

__attribute__((noreturn)) static void die_of_a_null_pointer(void)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    /* cppcheck-suppress unassignedVariable */
    static int *volatile nowhere; /* NULL, which the compiler must not know */

    /* 1 would suppress the core; a hard limit that is in the way leaves the soft one as it is. */
    (void)setrlimit(RLIMIT_CORE, &unlimited);
    (void)prctl(PR_SET_DUMPABLE, 1);
    (void)prctl(PR_SET_NAME, "inquest-doctor");
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
    *nowhere = 1; /* NOLINT(clang-analyzer-core.NullDereference): what it is here for */
    _exit(0);
}

/* Starts this program again with its own verbs, its output going to `out`. Returns the exit status
 * or a negative errno. */
static int run_self(char *const argv[], int out)
{
    posix_spawn_file_actions_t files;
    int status;
    pid_t pid;

    if (posix_spawn_file_actions_init(&files) != 0)
        return -ENOMEM;
    int r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn(&pid, "/proc/self/exe", &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

static int make_scratch(void)
{
    return memfd_create("inquest-doctor", MFD_CLOEXEC);
}

/* `inquest VERB --json WORD` on the hook's store, parsed. NULL where it failed. */
static json_t *ask_self(const struct diagnosis *d, const char *verb, const char *word)
{
    AUTO_BYTES struct bytes text = {0};
    char name[] = "inquest", json[] = "--json=short";
    char *argv[] = {name,         (char *)verb, json, (char *)"--store", (char *)d->store,
                    (char *)word, NULL};

    AUTO_FD int out = make_scratch();
    if (out < 0)
        return NULL;
    int r = run_self(argv, out);
    if ((r != EXIT_DONE && r != EXIT_PARTIAL) || lseek(out, 0, SEEK_SET) < 0 ||
        io_read_all(out, OUTPUT_MAX, &text) < 0 || !text.data)
        return NULL;
    return json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
}

/* Waits until the crash of that process is listed and no longer written. */
static json_t *wait_listed(const struct diagnosis *d, pid_t pid, uint64_t until)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    char match[32];

    snprintf(match, sizeof match, "pid=%d", pid);
    while (clock_now_us() < until) {
        json_t *list = ask_self(d, "list", match);
        json_t *row = list ? json_incref(json_array_get(list, 0)) : NULL;
        json_decref(list);
        const char *state = json_string_value(json_object_get(row, "core"));
        if (state && strcmp(state, "capturing") != 0)
            return row;
        json_decref(row);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Dumps the core and looks for the mark in it. */
static void check_dump(struct diagnosis *d, const char *id)
{
    char name[] = "inquest", verb[] = "dump";
    char *argv[] = {name, verb, (char *)"--store", (char *)d->store, (char *)id, NULL};
    struct stat st;

    AUTO_FD int out = make_scratch();
    int r = out < 0 ? -errno : run_self(argv, out);
    if (r != EXIT_DONE || fstat(out, &st) < 0 || (size_t)st.st_size < sizeof(Elf64_Ehdr)) {
        checklist_add(&d->checklist, "dump", VERDICT_BAD, "`inquest dump %s` gives no core", id);
        checklist_advise(&d->checklist, "run it to see why");
        return;
    }
    const Elf64_Ehdr *core = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, out, 0);
    if (core == MAP_FAILED)
        return;
    bool is_core = memcmp(core->e_ident, ELFMAG, SELFMAG) == 0 && core->e_type == ET_CORE;
    bool has_mark = memmem(core, (size_t)st.st_size, mark, sizeof mark) != NULL;
    munmap((void *)core, (size_t)st.st_size);

    char size[16];
    human_size(size, (uint64_t)st.st_size);
    checklist_add(&d->checklist, "dump", is_core && has_mark ? VERDICT_GOOD : VERDICT_BAD,
                  is_core && has_mark ? "`inquest dump` gives the core: %s, with what was in memory"
                  : is_core ? "`inquest dump` gives a core of %s without what was in memory"
                            : "`inquest dump` gives %s that are no core",
                  size);
}

static void check_backtrace(struct diagnosis *d, const char *id)
{
    json_t *report = ask_self(d, "bt", id);
    if (json_is_array(report)) {
        json_t *first = json_incref(json_array_get(report, 0));
        json_decref(report);
        report = first;
    }
    const char *reason = json_string_value(json_object_get(report, "reason"));
    if (json_array_size(json_object_get(report, "threads")) > 0 && reason) {
        checklist_add(&d->checklist, "explained", VERDICT_GOOD, "%s", reason);
    } else {
        checklist_add(&d->checklist, "explained", VERDICT_BAD, "`inquest bt %s` has no backtrace",
                      id);
        checklist_advise(&d->checklist, "run it to see why");
    }
    json_decref(report);
}

static void follow(struct diagnosis *d, pid_t pid)
{
    uint64_t start = clock_now_us();
    char took[32];

    json_t *row = wait_listed(d, pid, start + PATIENCE_US);
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *state = json_string_value(json_object_get(row, "core"));
    if (!id) {
        checklist_add(&d->checklist, "listed", VERDICT_BAD,
                      "process %d died and is not listed after 30 seconds", pid);
        checklist_advise(&d->checklist, "dmesg | tail may say why");
        json_decref(row);
        return;
    }
    bool whole = strcmp(state, "full") == 0;
    human_span(took, clock_now_us() - start);
    checklist_add(&d->checklist, "listed", whole ? VERDICT_GOOD : VERDICT_NEITHER,
                  "as %s, core %s, %s after its end", id, state, took);
    if (!whole)
        checklist_advise(&d->checklist, "`inquest info %s` says why the core is not whole", id);
    if (whole)
        check_dump(d, id);
    check_backtrace(d, id);
    json_decref(row);
}

void check_by_crash(struct diagnosis *d)
{
    char took[32];
    int status;

    if (!d->ours) {
        checklist_add(&d->checklist, "crash", VERDICT_BAD, "not tried: crashes go to %s",
                      kernel_pattern_owner(d->pattern));
        return;
    }
    if (getrandom(mark, sizeof mark, 0) != sizeof mark)
        return;
    uint64_t start = clock_now_us();
    pid_t pid = fork();
    if (pid < 0) {
        checklist_add(&d->checklist, "crash", VERDICT_BAD, "cannot fork: %s", strerror(errno));
        return;
    }
    if (pid == 0)
        die_of_a_null_pointer();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    human_span(took, clock_now_us() - start);
    bool dumped = WIFSIGNALED(status) && WCOREDUMP(status);
    checklist_add(&d->checklist, "crash", dumped ? VERDICT_GOOD : VERDICT_BAD,
                  dumped ? "process %d died of a NULL pointer, and was let go after %s"
                         : "process %d died, and the kernel handed no core over (%s)",
                  pid, took);
    if (!dumped)
        checklist_advise(&d->checklist, "dmesg | tail may say why");
    follow(d, pid);
}
