/* SPDX-License-Identifier: GPL-2.0-or-later */
/* access.c - who may read this crash besides root. */
#include "hook/access.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"

/* A value of the auxiliary vector. -ENOENT where it is not there. */
static int auxv_value(const struct access_question *question, uint64_t type, uint64_t *ret)
{
    size_t word = question->is_64bit ? 8 : 4;
    const struct bytes *auxv = question->auxv;

    for (size_t at = 0; at + 2 * word <= auxv->size; at += 2 * word) {
        uint64_t pair[2] = {0};
        for (size_t i = 0; i < 2; i++) {
            uint32_t narrow;
            if (question->is_64bit) {
                memcpy(&pair[i], auxv->data + at + i * word, word);
            } else {
                memcpy(&narrow, auxv->data + at + i * word, word);
                pair[i] = narrow;
            }
        }
        if (pair[0] == AT_NULL)
            break;
        if (pair[0] == type) {
            *ret = pair[1];
            return 0;
        }
    }
    return -ENOENT;
}

/* An id inside the victim's user namespace as a global one, by its uid_map or gid_map. */
static int map_id(const struct bytes *map, uint64_t inner, uint64_t *ret)
{
    const char *line = map->data;

    while (line && *line) {
        uint64_t first, outer, count;
        if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64, &first, &outer, &count) == 3 &&
            inner >= first && inner - first < count) {
            *ret = outer + (inner - first);
            return 0;
        }
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return -ENOENT;
}

/* True where the auxiliary vector holds `type` and it maps to `expected`. */
static bool auxv_id_is(const struct access_question *question, uint64_t type,
                       const struct bytes *map, uint64_t expected)
{
    uint64_t inner, outer;
    return auxv_value(question, type, &inner) == 0 && map_id(map, inner, &outer) == 0 &&
           outer == expected;
}

/* True where status says that no capability was permitted or effective. */
static bool has_no_capabilities(const struct bytes *status)
{
    static const char *const names[] = {"\nCapPrm:", "\nCapEff:"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *line = status->data ? strstr(status->data, names[i]) : NULL;
        if (!line || strtoull(line + strlen(names[i]), NULL, 16) != 0)
            return false;
    }
    return true;
}

/* True where "Groups:" of status, the supplementary groups, has `gid`. */
static bool is_in_group(const struct bytes *status, uint32_t gid)
{
    static const char name[] = "\nGroups:";
    const char *line = status->data ? strstr(status->data, name) : NULL;
    char *next;

    for (line = line ? line + strlen(name) : ""; *line && *line != '\n'; line = next) {
        uint64_t group = strtoull(line, &next, 10);
        if (next == line)
            return false;
        if (group == gid)
            return true;
        next += strspn(next, " \t");
    }
    return false;
}

static bool is_member(const struct access_question *question, uint32_t gid)
{
    return gid == question->gid || is_in_group(question->status, gid);
}

/* The next entry of an access control list, in the host's byte order. False at the end. */
static bool next_entry(const struct bytes *acl, size_t *at, struct posix_acl_xattr_entry *ret)
{
    if (acl->size - *at < sizeof *ret)
        return false;
    memcpy(ret, acl->data + *at, sizeof *ret);
    *at += sizeof *ret;
    ret->e_tag = le16toh(ret->e_tag);
    ret->e_perm = le16toh(ret->e_perm);
    ret->e_id = le32toh(ret->e_id);
    return true;
}

/* As acl(5) has it, for who does not own the file: the entry of his name decides, else those of his
 * groups, of which one is enough, else that of others. The mask bounds the first two. */
static bool acl_lets_read(const struct access_question *question)
{
    const struct access_file *file = question->exe;
    const struct bytes *acl = file->acl;
    bool by_name = false, in_group = false, group_may = false, others_may = false;
    bool name_may = false, mask_may = true;
    struct posix_acl_xattr_entry entry;
    size_t at = sizeof(struct posix_acl_xattr_header);

    while (at <= acl->size && next_entry(acl, &at, &entry)) {
        bool may = entry.e_perm & ACL_READ;
        if (entry.e_tag == ACL_USER && entry.e_id == question->uid) {
            by_name = true;
            name_may = may;
        } else if ((entry.e_tag == ACL_GROUP_OBJ && is_member(question, file->gid)) ||
                   (entry.e_tag == ACL_GROUP && is_member(question, entry.e_id))) {
            in_group = true;
            group_may = group_may || may;
        } else if (entry.e_tag == ACL_MASK) {
            mask_may = may;
        } else if (entry.e_tag == ACL_OTHER) {
            others_may = may;
        }
    }
    if (by_name)
        return name_may && mask_may;
    return in_group ? group_may && mask_may : others_may;
}

/* By the file's mode, the first class that fits deciding, or its access control list, as the kernel
 * does. */
static bool may_read(const struct access_question *question)
{
    const struct access_file *file = question->exe;

    if (!file)
        return false;
    if (file->uid == question->uid)
        return file->mode & S_IRUSR;
    if (file->acl)
        return acl_lets_read(question);
    if (is_member(question, file->gid))
        return file->mode & S_IRGRP;
    return file->mode & S_IROTH;
}

static const char *why_private(const struct access_question *question)
{
    uint64_t secure;

    if (question->dumpable != 1)
        return "the process was not dumpable by its user";
    if (auxv_value(question, AT_SECURE, &secure) < 0)
        return "its auxiliary vector could not be read";
    if (secure != 0)
        return "it was started with privileges";
    if (!auxv_id_is(question, AT_UID, question->uid_map, question->uid) ||
        !auxv_id_is(question, AT_EUID, question->uid_map, question->uid) ||
        !auxv_id_is(question, AT_GID, question->gid_map, question->gid) ||
        !auxv_id_is(question, AT_EGID, question->gid_map, question->gid))
        return "its user or group changed after it was started";
    if (question->uid != 0 && !question->own_user_namespace &&
        !has_no_capabilities(question->status))
        return "it had capabilities";
    if (question->uid != 0 && !may_read(question))
        return "its user may not read its program";
    return NULL;
}

struct access_answer access_judge(const struct access_question *question)
{
    struct access_answer answer = {.uid = -1, .why = why_private(question)};

    answer.is_private = answer.why != NULL;
    if (answer.is_private)
        return answer;
    /* Ids of a rootless container are nobody who could log in: its maker gets the crash. */
    if (question->own_user_namespace && question->namespace_owner >= 0)
        answer.uid = question->namespace_owner;
    else
        answer.uid = question->uid;
    if (answer.uid == 0)
        answer.uid = -1;
    return answer;
}
