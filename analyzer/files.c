/* SPDX-License-Identifier: GPL-2.0-or-later */
/* files.c - asks the broker for files and for the owners of files. */
#include "analyzer/files.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct files {
    int socket;
    pthread_mutex_t lock;
    struct analysis_request *request;
    struct analysis_reply *reply;
};

struct files *files_new(int socket)
{
    struct files *files = calloc(1, sizeof(*files));
    if (!files)
        return NULL;
    files->socket = socket;
    pthread_mutex_init(&files->lock, NULL);
    files->request = calloc(1, sizeof(*files->request) + ANALYSIS_TEXT_MAX);
    files->reply = calloc(1, sizeof(*files->reply) + ANALYSIS_TEXT_MAX + 1);
    if (!files->request || !files->reply) {
        files_free(files);
        return NULL;
    }
    return files;
}

void files_free(struct files *files)
{
    if (!files)
        return;
    pthread_mutex_destroy(&files->lock);
    free(files->request);
    free(files->reply);
    free(files);
}

/* Sends the request with `text_size` bytes of text. Returns the size of the reply's text, which a
 * NUL ends, or a negative errno; a descriptor that came with it goes to `ret_fd`. */
static ssize_t exchange(struct files *files, size_t text_size, int *ret_fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {.iov_base = files->reply,
                         .iov_len = sizeof(*files->reply) + ANALYSIS_TEXT_MAX};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    *ret_fd = -1;
    if (files->socket < 0)
        return -ENOENT;
    ssize_t n =
        send(files->socket, files->request, sizeof(*files->request) + text_size, MSG_NOSIGNAL);
    if (n >= 0)
        n = recvmsg(files->socket, &message, MSG_CMSG_CLOEXEC);
    if (n < (ssize_t)sizeof(*files->reply)) {
        files->socket = -1; /* the broker is gone */
        return -ENOENT;
    }
    struct cmsghdr *attached = CMSG_FIRSTHDR(&message);
    if (attached && attached->cmsg_type == SCM_RIGHTS &&
        attached->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA(attached), sizeof(int));
    ((char *)files->reply)[n] = '\0';
    return n - (ssize_t)sizeof(*files->reply);
}

static size_t put_text(struct files *files, size_t at, const char *text)
{
    size_t size = strlen(text) + 1;
    if (size > ANALYSIS_TEXT_MAX - at)
        return at;
    memcpy(files->request->text + at, text, size);
    return at + size;
}

int files_find(struct files *files, const struct file_wanted *wanted, unsigned *attempt,
               char **ret_path)
{
    if (wanted->build_id_size > ANALYSIS_BUILD_ID_MAX)
        return -EINVAL;
    pthread_mutex_lock(&files->lock);
    *files->request = (struct analysis_request){
        .kind = wanted->kind,
        .flags = wanted->is_main ? REQUEST_FLAG_MAIN : 0,
        .attempt = *attempt,
        .build_id_size = (uint32_t)wanted->build_id_size,
    };
    if (wanted->build_id_size)
        memcpy(files->request->build_id, wanted->build_id, wanted->build_id_size);
    size_t size = put_text(files, 0, wanted->path);
    size = put_text(files, size, wanted->name ? wanted->name : "");
    int fd;
    ssize_t n = exchange(files, size, &fd);
    if (n < 0 || files->reply->result < 0 || fd < 0) {
        cleanup_fd(&fd);
        fd = -ENOENT;
    } else {
        *attempt = files->reply->attempt + 1;
        if (ret_path)
            *ret_path = strdup(n > 0 ? files->reply->text : wanted->path);
    }
    pthread_mutex_unlock(&files->lock);
    return fd;
}

/* One message's worth of paths; returns how many were asked about. */
static size_t ask_owners(struct files *files, const char *const *paths, size_t count,
                         char **ret_owners)
{
    size_t size = 0, asked = 0;
    while (asked < count) {
        size_t next = put_text(files, size, paths[asked]);
        if (next == size || next > ANALYSIS_TEXT_MAX / 2) /* answers are of about that size, too */
            break;
        size = next;
        asked++;
    }
    if (asked == 0)
        return 1; /* a path that fits nowhere */
    *files->request = (struct analysis_request){.kind = REQUEST_OWNERS};
    int fd;
    ssize_t n = exchange(files, size, &fd);
    cleanup_fd(&fd);
    size_t at = 0;
    for (size_t i = 0; i < asked && n > 0 && at < (size_t)n; i++) {
        const char *owner = files->reply->text + at;
        at += strlen(owner) + 1;
        if (*owner)
            ret_owners[i] = strdup(owner);
    }
    return asked;
}

void files_owners(struct files *files, const char *const *paths, size_t count, char **ret_owners)
{
    memset(ret_owners, 0, count * sizeof(*ret_owners));
    pthread_mutex_lock(&files->lock);
    for (size_t done = 0; done < count;)
        done += ask_owners(files, paths + done, count - done, ret_owners + done);
    pthread_mutex_unlock(&files->lock);
}
