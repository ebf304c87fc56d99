/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify.c - [notify] program. */
#include "store/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/base/signals.h"
#include "store/base/text.h"
#include "store/when.h"

enum { DEADLINE_MS = 60 * 1000 };

/* ---- what it is told ---- */

static json_t *text_value(const char *text)
{
    AUTO_FREE char *utf8 = text ? text_to_utf8(text, strlen(text)) : NULL;
    return utf8 ? json_string(utf8) : json_null();
}

static json_t *number_value(int64_t number)
{
    return number == CRASH_ABSENT ? json_null() : json_integer(number);
}

static char *describe(const struct crash_row *row)
{
    static const struct {
        const char *key;
        enum crash_text text;
    } texts[] = {
        {"user", CRASH_USER},         {"comm", CRASH_COMM},           {"exe", CRASH_EXE},
        {"hostname", CRASH_HOSTNAME}, {"container", CRASH_CONTAINER}, {"unit", CRASH_UNIT},
        {"package", CRASH_PACKAGE},   {"function", CRASH_FUNCTION},
    };
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = {
        {"pid", row->pid},
        {"tid", row->tid},
        {"uid", row->uid},
        {"gid", row->gid},
        {"signal", row->signal},
        {"core_size", row->core_size},
        {"count", (int64_t)row->count},
    };
    char name[SIGNAL_NAME_SIZE], time[WHEN_UTC_SIZE];
    json_t *object = json_object();
    when_utc(time, row->time_us);
    json_object_set_new(object, "id", json_string(row->id));
    json_object_set_new(object, "time", json_string(time));
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        json_object_set_new(object, numbers[i].key, number_value(numbers[i].number));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        json_object_set_new(object, texts[i].key, text_value(row->text[texts[i].text]));
    if (row->signal > 0)
        signal_name(name, (int)row->signal);
    json_object_set_new(object, "signal_name", row->signal > 0 ? json_string(name) : json_null());
    json_object_set_new(object, "core", json_string(record_state_name(row->core)));
    json_object_set_new(object, "signature",
                        *row->signature ? json_string(row->signature) : json_null());
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* The whole of stdin, so that a program that does not read it holds nobody. */
static int make_input(const struct crash_row *row, int *ret)
{
    AUTO_FREE char *text = describe(row);
    AUTO_FD int fd = memfd_create("crash", MFD_CLOEXEC);
    if (!text || fd < 0)
        return text ? -errno : -ENOMEM;
    int r = io_write(fd, text, strlen(text));
    if (r == 0)
        r = io_write(fd, "\n", 1);
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        *ret = steal_fd(&fd);
    return r;
}

/* ---- running it ---- */

/* In the child: the effective user for good, nothing of root's left. */
static void run_child(const char *program, int input, uid_t uid, gid_t gid)
{
    char *const arguments[] = {(char *)program, NULL};
    char *const environment[] = {(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                                 NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
    (void)setsid();                              /* so that all it starts can be ended */
    if (seteuid(getuid()) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || dup2(input, STDIN_FILENO) < 0 ||
        chdir("/") < 0)
        _exit(126);
    execve(program, arguments, environment);
    _exit(127);
}

static int wait_for(pid_t pid, struct error *error)
{
    int status;
    AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    int n = pidfd < 0 ? 0 : poll(&poller, 1, DEADLINE_MS);
    if (n <= 0)
        (void)kill(-pid, SIGKILL); /* gone already, at worst */
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(error, errno, "wait");
    if (n <= 0)
        return error_set(error, ETIME, "it did not end within a minute");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(error, EIO, "it failed (status %#x)", (unsigned)status);
    return 0;
}

int notify_run(const char *program, const struct crash_row *row, struct error *error)
{
    AUTO_FD int input = -1;
    int r = make_input(row, &input);
    if (r < 0)
        return error_errno(error, -r, "its input");
    uid_t uid = geteuid();
    gid_t gid = getegid();
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(error, errno, "fork");
    if (pid == 0)
        run_child(program, input, uid, gid);
    return wait_for(pid, error);
}
