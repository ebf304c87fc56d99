/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse [own] DIR - serves a filesystem at DIR with one file, maps that file, changes a page of it
 * and dies. The file begins as this program does, and with `own`, this program is run from there:
 * at the end it serves its own executable.
 *
 * `fuse silent DIR` serves nothing, as user 12345 and for everybody: who asks waits for ever.
 *
 * Whoever reads the pages that are not there yet, the kernel's own core dump first of all, waits
 * for a server that cannot answer any more.
 */
#include "tests/victims/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OF_ROOT "user_id=0,group_id=0"

enum { FILE_NODE = 2, FILE_SIZE = 1 << 20, REQUEST_SIZE = 1 << 18 };

static int device;
static char content[FILE_SIZE];

static void answer(uint64_t unique, int error, const void *body, size_t size)
{
    static char reply[sizeof(struct fuse_out_header) + FILE_SIZE];
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof head + size), .error = error, .unique = unique};
    memcpy(reply, &head, sizeof head);
    if (size)
        memcpy(reply + sizeof head, body, size);
    victim_needs(write(device, reply, head.len) == (ssize_t)head.len, "answer");
}

static struct fuse_attr attributes(uint64_t node)
{
    struct fuse_attr file = {
        .ino = node, .size = FILE_SIZE, .mode = S_IFREG | 0755, .nlink = 1, .blksize = 4096};
    struct fuse_attr directory = {.ino = node, .mode = S_IFDIR | 0755, .nlink = 2};
    return node == FILE_NODE ? file : directory;
}

static void load_content(void)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    size_t done = 0;
    memset(content, 'f', sizeof content);
    victim_needs(self >= 0, "/proc/self/exe");
    for (ssize_t n;
         done < sizeof content && (n = read(self, content + done, sizeof content - done)) > 0;)
        done += (size_t)n;
    close(self);
}

static void answer_read(uint64_t unique, const struct fuse_read_in *in)
{
    size_t size = in->offset >= FILE_SIZE ? 0 : FILE_SIZE - in->offset;
    answer(unique, 0, size ? content + in->offset : content, size < in->size ? size : in->size);
}

static void serve(const struct fuse_in_header *head, const void *body)
{
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attr = {.attr = attributes(head->nodeid)};
    struct fuse_open_out opened = {.open_flags = FOPEN_KEEP_CACHE}; /* what runs from it stays */

    switch (head->opcode) {
    case FUSE_INIT:
        answer(head->unique, 0, &init, sizeof init);
        break;
    case FUSE_LOOKUP:
        answer(head->unique, 0, &entry, sizeof entry);
        break;
    case FUSE_GETATTR:
        answer(head->unique, 0, &attr, sizeof attr);
        break;
    case FUSE_OPEN:
        answer(head->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_READ:
        answer_read(head->unique, body);
        break;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
        answer(head->unique, 0, NULL, 0);
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break;
    default:
        answer(head->unique, -ENOSYS, NULL, 0);
    }
}

static void *serve_all(void *unused)
{
    static char request[REQUEST_SIZE] __attribute__((aligned(8)));
    while (read(device, request, sizeof request) > 0)
        serve((const struct fuse_in_header *)request, request + sizeof(struct fuse_in_header));
    return unused;
}

static void mount_at(const char *dir, const char *owner)
{
    device = open("/dev/fuse", O_RDWR);
    victim_needs(device >= 0, "/dev/fuse");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,%s", device, owner);
    victim_needs(mount("victim", dir, "fuse", MS_NOSUID | MS_NODEV, options) == 0, "mount");
}

/* Answers how the filesystem begins, and then nothing more. */
static void serve_nothing(const char *dir)
{
    static char request[REQUEST_SIZE] __attribute__((aligned(8)));
    const struct fuse_in_header *head = (const struct fuse_in_header *)request;
    mount_at(dir, "user_id=12345,group_id=12345,allow_other");
    while (read(device, request, sizeof request) > 0)
        if (head->opcode == FUSE_INIT)
            serve(head, request + sizeof *head);
}

/* Becomes the program that `path` is, which a child serves for as long as it starts. */
static void become(const char *path, const char *dir)
{
    char numbers[2][16];
    pid_t child = fork();
    victim_needs(child >= 0, "fork");
    if (child == 0) {
        serve_all(NULL);
        _exit(0);
    }
    snprintf(numbers[0], sizeof numbers[0], "%d", device);
    snprintf(numbers[1], sizeof numbers[1], "%d", child);
    execl(path, path, "served", dir, numbers[0], numbers[1], NULL);
    victim_needs(false, path);
}

/* Has all of itself in memory, and is the only server from now on. */
static void take_over(const char *device_number, const char *child_number)
{
    pid_t child = (pid_t)victim_number(child_number);
    pthread_t server;
    device = (int)victim_number(device_number);
    load_content();
    victim_needs(mlockall(MCL_CURRENT) == 0, "mlockall");
    usleep(100000); /* what the child has begun to answer */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    victim_needs(pthread_create(&server, NULL, serve_all, NULL) == 0, "pthread_create");
}

static void serve_data(const char *dir)
{
    pthread_t server;
    load_content();
    mount_at(dir, OF_ROOT);
    victim_needs(pthread_create(&server, NULL, serve_all, NULL) == 0, "pthread_create");
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "", *dir = argv[argc > 2 ? 2 : 1];
    char path[4096];
    victim_needs(argc > 1, "a directory to mount at");
    snprintf(path, sizeof path, "%s/file", dir);
    if (strcmp(mode, "own") == 0) {
        load_content();
        mount_at(dir, OF_ROOT);
        become(path, dir);
    } else if (strcmp(mode, "silent") == 0) {
        serve_nothing(dir);
        return 0;
    } else if (strcmp(mode, "served") == 0 && argc == 5) {
        take_over(argv[3], argv[4]);
    } else {
        serve_data(dir);
    }

    int file = open(path, O_RDONLY | O_CLOEXEC);
    victim_needs(file >= 0, path);
    char *map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    victim_needs(map != MAP_FAILED, "mmap");
    close(file);                          /* at the exit, closing would wait for the server too */
    madvise(map, FILE_SIZE, MADV_RANDOM); /* no readahead: the other pages stay unread */
    map[0] = 'm';
    victim_dies(SIGSEGV);
}
