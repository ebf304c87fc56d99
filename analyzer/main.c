/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquest-analyzer(8) - reads one core or record in a cage and writes one report. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analyzer/cage.h"
#include "analyzer/explain.h"
#include "analyzer/inflate.h"
#include "store/analysis_protocol.h"
#include "store/base/parse.h"

struct options {
    bool inflate; /* the input is a debug file */
    enum effort effort;
    uint64_t max_frames, max_threads;
    uint64_t deadline_ms;
};

static const char *const efforts[] = {
    [EFFORT_FULL] = "full",
    [EFFORT_SYMBOLS] = "symbols",
    [EFFORT_CORE] = "core",
};

static const char help[] =
    "Usage: inquest-analyzer [OPTION…] < CORE > REPORT\n"
    "Explains a core or record. Started by inquest and inquest-keeper; see inquest-analyzer(8).\n"
    "\n"
    "  --inflate                   the input is a debug file: writes it decompressed\n"
    "  --effort full|symbols|core  what to read beside the core (full)\n"
    "  --max-frames N              frames kept of one thread (4096)\n"
    "  --max-threads N             threads (65536)\n"
    "  --deadline MILLISECONDS     time for everything (120000)\n"
    "  --help, --version\n";

static int parse_effort(const char *text, enum effort *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(efforts); i++)
        if (strcmp(efforts[i], text) == 0) {
            *ret = (enum effort)i;
            return 0;
        }
    return -EINVAL;
}

static int parse_option(int option, char *value, struct options *options)
{
    switch (option) {
    case 'i':
        options->inflate = true;
        return 0;
    case 'e':
        return parse_effort(value, &options->effort);
    case 'f':
        return parse_u64(value, 10, UINT32_MAX, &options->max_frames);
    case 't':
        return parse_u64(value, 10, UINT32_MAX, &options->max_threads);
    case 'd':
        return parse_u64(value, 10, UINT32_MAX, &options->deadline_ms);
    default:
        return -EINVAL;
    }
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {
        {"inflate", no_argument, NULL, 'i'},          {"effort", required_argument, NULL, 'e'},
        {"max-frames", required_argument, NULL, 'f'}, {"max-threads", required_argument, NULL, 't'},
        {"deadline", required_argument, NULL, 'd'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},          {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'h' || option == 'V') {
            fputs(option == 'h' ? help : PACKAGE_NAME "-analyzer " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? ANALYZER_DONE : ANALYZER_FAILED;
        }
        if (option == '?')
            return ANALYZER_USAGE;
        if (parse_option(option, optarg, ret) < 0) {
            fprintf(stderr, "inquest-analyzer: '%s' is no valid value\n", optarg);
            return ANALYZER_USAGE;
        }
    }
    return optind == argc ? -1 : ANALYZER_USAGE;
}

/* Descriptor 3 is the broker, if it is a socket. */
static int broker_socket(void)
{
    int type;
    socklen_t size = sizeof(type);
    return getsockopt(ANALYSIS_FD_BROKER, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                   type == SOCK_SEQPACKET
               ? ANALYSIS_FD_BROKER
               : -1;
}

static int run(const struct options *options, struct error *error)
{
    AUTO_FILES struct files *files = files_new(broker_socket());
    AUTO_CORE struct core *core = NULL;
    int r = cage_close(error);
    if (r < 0)
        return r;
    if (!files)
        return error_set(error, ENOMEM, "no memory");
    elf_version(EV_CURRENT);
    if (options->inflate) {
        r = inflate_file(ANALYSIS_FD_CORE, ANALYSIS_FD_REPORT);
        return r < 0 ? error_errno(error, -r, "cannot write") : 0;
    }
    r = core_open(ANALYSIS_FD_CORE, options->max_threads, &core, error);
    if (r < 0)
        return r;
    const struct explain_options how = {
        .effort = options->effort,
        .max_frames = options->max_frames,
        .deadline_us = options->deadline_ms * 1000,
    };
    r = explain_core(core, files, &how, ANALYSIS_FD_REPORT);
    return r < 0 ? error_errno(error, -r, "cannot explain the core") : 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .max_frames = 4096,
        .max_threads = 65536,
        .deadline_ms = 120000,
    };
    int status = parse_options(argc, argv, &options);
    if (status >= 0)
        return status;
    struct error error = {0};
    int r = run(&options, &error);
    if (r == 0)
        return ANALYZER_DONE;
    fprintf(stderr, "inquest-analyzer: %s\n", error.text);
    return r == -EBADMSG || r == -ENODATA ? ANALYZER_NO_CORE : ANALYZER_FAILED;
}
