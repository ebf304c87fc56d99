/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse - serves a filesystem at DIR with one file, maps that file, changes a page of it and dies.
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
#include <unistd.h>

enum { FILE_NODE = 2, FILE_SIZE = 1 << 20, REQUEST_SIZE = 1 << 18 };

static int device;

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

static void answer_read(uint64_t unique, const struct fuse_read_in *in)
{
    static char content[FILE_SIZE];
    memset(content, 'f', sizeof content);
    size_t size = in->offset >= FILE_SIZE ? 0 : FILE_SIZE - in->offset;
    answer(unique, 0, content, size < in->size ? size : in->size);
}

static void serve(const struct fuse_in_header *head, const void *body)
{
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attr = {.attr = attributes(head->nodeid)};
    struct fuse_open_out opened = {0};

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

int main(int argc, char **argv)
{
    victim_needs(argc == 2, "a directory to mount at");
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    victim_needs(device >= 0, "/dev/fuse");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    victim_needs(mount("victim", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) == 0, "mount");
    pthread_t server;
    victim_needs(pthread_create(&server, NULL, serve_all, NULL) == 0, "pthread_create");

    char path[4096];
    snprintf(path, sizeof path, "%s/file", argv[1]);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    victim_needs(file >= 0, path);
    char *map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    victim_needs(map != MAP_FAILED, "mmap");
    close(file);                          /* at the exit, closing would wait for the server too */
    madvise(map, FILE_SIZE, MADV_RANDOM); /* no readahead: the other pages stay unread */
    map[0] = 'm';
    victim_dies(SIGSEGV);
}
