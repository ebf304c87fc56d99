/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inquest-hook(8) - takes one core from the kernel, with the facts of its process, into one file.
 *
 * Two processes: the worker (capture.h) takes the core and ends in a cage; the watcher, this one,
 * waits for it, ends what it could not end, commits the record, and becomes the keeper.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "hook/arguments.h"
#include "hook/cage.h"
#include "hook/capture.h"
#include "hook/conclude.h"
#include "hook/log.h"
#include "hook/modules.h"
#include "hook/process.h"
#include "hook/rights.h"
#include "hook/room.h"
#include "hook/victim.h"
#include "hook/watch.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/base/io.h"

#define DEADLINE_FIRST_US (UINT64_C(5) * 60 * 1000 * 1000) /* until the config has been read */

/* What must hold for both processes, whoever starts the hook. */
static void prepare(void)
{
    struct rlimit nice = {20, 20}; /* as much as everybody has who is not nice: sched(7) */
    struct rlimit core = {1, 1}; /* 1 is the kernel's sign against a handler that crashes itself */

    (void)io_hold_standard(); /* the kernel leaves 1 and 2 closed */
    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &core);
    (void)setrlimit(RLIMIT_NICE, &nice); /* for those who work without privileges: take.c */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    process_protect("-1000"); /* the OOM killer takes others first */
}

static enum capture_exit work(const struct arguments *arguments, int socket, uint64_t started,
                              struct progress *progress)
{
    process_protect("0"); /* a big buffer is a fair target: what is written already is salvaged */
    return capture_run(arguments, STDIN_FILENO, socket, started, progress);
}

static struct progress *make_progress(uint64_t started)
{
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return NULL;
    progress->deadline = started + DEADLINE_FIRST_US;
    progress->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* -1: nobody will be asked */
    return progress;
}

static int lose(const struct arguments *arguments, int error)
{
    close(STDIN_FILENO);
    log_line("the crash of process %u (signal %u, user %u) is lost: %s", arguments->pid,
             arguments->signal, arguments->uid, strerror(error));
    return -error;
}

/* From the fork to the commit. As conclude(). The fork comes before all that takes time: from then
 * on, whichever of the two is killed, the other one sees to it that the crash leaves a trace. */
static int take_crash(const struct arguments *arguments, uint64_t started)
{
    AUTO_PART struct part part = PART_NONE;
    AUTO_VICTIM struct victim victim = VICTIM_NONE;
    AUTO_MODULES struct modules modules = {0};
    /* Unless it is closed, the ledger takes us for dead: that is safe. */
    struct room room = ROOM_NONE;
    struct progress *progress = make_progress(started);
    int sockets[2];

    if (!progress || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return lose(arguments, errno);
    pid_t worker = fork();
    if (worker <= 0) {
        /* Without a second process this one does the work, and the next keeper finds the .part. */
        if (worker == 0)
            close(sockets[0]);
        _exit(work(arguments, sockets[1], started, progress));
    }
    close(sockets[1]);
    close(STDIN_FILENO); /* the worker's copy of the pipe is the last one */
    (void)io_hold_standard();
    (void)victim_find(arguments, &victim, NULL); /* gone already: then it is not held, either */
    rights_reduce();
    struct watched watched = {&part, &modules, &room};
    int status = watch_run(worker, sockets[0], &victim, progress, arguments->config, &watched);
    int r = conclude(arguments, &part, status, progress->message);
    if (r == CONCLUSION_COMMITTED) {
        rights_act_on_files_as(part.uid, part.gid);
        modules_keep(&modules, &part, &room);
        rights_act_on_files_as(0, 0);
    }
    room_close(&room, r > CONCLUSION_NOTHING ? part_disk_size(&part) : 0);
    watch_end(&victim);
    return r; /* here the part's lock ends: a .part that is left is a dead one's */
}

/* For people; the kernel gives more than one argument. */
static bool answer_person(int argc, char **argv)
{
    bool wants_version = argc == 2 && strcmp(argv[1], "--version") == 0;

    if (wants_version)
        puts("inquest-hook " PACKAGE_VERSION);
    else if (argc == 1 || (argc == 2 && strcmp(argv[1], "--help") == 0))
        puts("inquest-hook takes a core from the kernel; `inquest setup` puts it into "
             "core_pattern.\n"
             "See inquest-hook(8).");
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    uint64_t started = clock_now_us();
    struct arguments arguments;
    struct error error = {0};

    if (answer_person(argc, argv))
        return EXIT_SUCCESS;
    arguments_hide(argc, argv);
    prepare();
    if (arguments_parse(argc, argv, &arguments, &error) < 0) {
        close(STDIN_FILENO);
        log_line("%s", error.text);
        return EXIT_FAILURE;
    }
    int r = take_crash(&arguments, started);
    if (r < 0)
        return EXIT_FAILURE;
    if (r > CONCLUSION_NOTHING)
        process_become_keeper(arguments.config);
    return EXIT_SUCCESS; /* the record is safe; whoever comes next adopts it */
}
