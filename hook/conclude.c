/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conclude.c - what is done with the record once the worker has ended. */
#include "hook/conclude.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/cage.h"
#include "hook/capture.h"
#include "hook/log.h"
#include "hook/rights.h"
#include "store/base/cleanup.h"
#include "store/frame.h"
#include "store/keys.h"
#include "store/metadata.h"
#include "store/salvage.h"

enum { NOBODY = 65534 };

/* How the worker ended, in words. */
static void describe_end(int status, const char *message, char *ret, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(ret, size, "the hook was killed by signal %d%s%s", WTERMSIG(status),
                 message[0] ? "; " : "", message);
    else
        snprintf(ret, size, "%s", message[0] ? message : "the hook did not finish");
}

/* Ends the record; gives up its last frames where the disk has no room for an end. */
static int salvage(int fd, const char *reason, struct error *error)
{
    AUTO_METADATA struct metadata *outcome = metadata_new();
    struct stat st;

    if (!outcome ||
        metadata_set_text(outcome, KEY_STATE, record_state_name(RECORD_TRUNCATED)) < 0 ||
        metadata_set_text(outcome, KEY_REASON, reason) < 0)
        return error_errno(error, ENOMEM, "cannot salvage the record");
    int r = salvage_part(fd, outcome, error);
    while ((r == -ENOSPC || r == -EDQUOT) && fstat(fd, &st) == 0 && st.st_size > 0) {
        off_t less = st.st_size > FRAME_CONTENT_MAX ? st.st_size - FRAME_CONTENT_MAX : 0;
        if (less == 0 || ftruncate(fd, less) < 0)
            break;
        r = salvage_part(fd, outcome, error);
    }
    return r;
}

/* Salvages in a process of its own, without rights: what is in the file was written by one that
 * read hostile bytes. */
static int salvage_caged(const struct part *part, const char *reason)
{
    struct error error = {0};
    int status = 0;

    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        uid_t uid = part->uid > 0 ? part->uid : NOBODY;
        gid_t gid = part->uid > 0 ? part->gid : NOBODY;
        int r = cage_enter(uid, gid, &error);
        if (r == 0)
            r = salvage(part->fd, reason, &error);
        _exit(r < 0 ? (-r < 255 ? -r : 255) : 0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status))
        return -EIO;
    return -WEXITSTATUS(status);
}

/* Ends and commits the record; what fails is told in `error`. */
static int complete(struct part *part, bool done, const char *why, struct error *error)
{
    if (!done) {
        int r = part_take_over(part, error);
        if (r < 0)
            return r;
        r = salvage_caged(part, why);
        if (r < 0)
            return error_errno(error, -r, "cannot salvage it");
    }
    return part_commit(part, error);
}

int conclude(const struct arguments *arguments, struct part *part, int status, const char *message)
{
    bool done = WIFEXITED(status) && WEXITSTATUS(status) == CAPTURE_DONE;
    struct error error = {0};
    char why[700];

    if (WIFEXITED(status) && WEXITSTATUS(status) == CAPTURE_NOTHING)
        return CONCLUSION_NOTHING;
    describe_end(status, message, why, sizeof why);
    if (!part->published) {
        log_line("the crash of process %u (signal %u, user %u) is lost: %s", arguments->pid,
                 arguments->signal, arguments->uid, why);
        return -EIO;
    }
    rights_act_on_files_as(part->uid, part->gid);
    int r = complete(part, done, why, &error);
    rights_act_on_files_as(0, 0); /* the log is root's */
    if (r < 0)
        log_line("crash %s of process %u is left to the keeper: %s%s%s", part->id, arguments->pid,
                 done && !message[0] ? "" : why, done && !message[0] ? "" : "; ", error.text);
    else if (!done || message[0])
        log_line("crash %s of process %u: %s", part->id, arguments->pid, why);
    return r < 0 ? CONCLUSION_LEFT : CONCLUSION_COMMITTED;
}
