/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_users.c - the system users that Inquest works as: finds and makes them. */
#include "cli/system_users.h"

#include <errno.h>
#include <shadow.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/system_files.h"
#include "store/base/parse.h"

/* passwd and group have a number as their third field, passwd another as its fourth. */
struct account {
    char *name;
    uint64_t ids[2];
};

static bool parse_account(char *line, struct account *ret)
{
    char *fields[4] = {NULL, NULL, NULL, NULL};

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        fields[i] = strsep(&line, ":");
    ret->name = fields[0];
    ret->ids[1] = UINT64_MAX;
    if (!fields[2] || parse_u64(fields[2], 10, UINT32_MAX - 1, &ret->ids[0]) < 0)
        return false;
    if (fields[3])
        (void)parse_u64(fields[3], 10, UINT32_MAX - 1, &ret->ids[1]); /* in group: its members */
    return true;
}

int system_user_find(const char *root, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    AUTO_BYTES struct bytes text = {0};
    struct account account;

    int r = system_read(root, "/etc/passwd", &text);
    if (r < 0)
        return r;
    for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
        if (parse_account(line, &account) && strcmp(account.name, name) == 0 &&
            account.ids[1] != UINT64_MAX) {
            *ret_uid = (uid_t)account.ids[0];
            *ret_gid = (gid_t)account.ids[1];
            return 0;
        }
    return -ENOENT;
}

static int group_find(const char *root, const char *name, uint64_t *ret_gid)
{
    AUTO_BYTES struct bytes text = {0};
    struct account account;

    int r = system_read(root, "/etc/group", &text);
    if (r < 0)
        return r;
    for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
        if (parse_account(line, &account) && strcmp(account.name, name) == 0) {
            *ret_gid = account.ids[0];
            return 0;
        }
    return -ENOENT;
}

/* Marks the ids below `count` that a file of accounts uses. */
static int mark_used(const char *root, const char *path, bool *used, size_t count)
{
    AUTO_BYTES struct bytes text = {0};
    struct account account;

    int r = system_read(root, path, &text);
    if (r < 0)
        return r;
    for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
        if (parse_account(line, &account) && account.ids[0] < count)
            used[account.ids[0]] = true;
    return 0;
}

/* The highest number below 1000 that neither a user nor a group has. */
static int find_free_id(const char *root, unsigned *ret)
{
    enum { LOWEST = 100, BEHIND = 1000 };
    bool used[BEHIND] = {false};

    int r = mark_used(root, "/etc/passwd", used, BEHIND);
    if (r == 0)
        r = mark_used(root, "/etc/group", used, BEHIND);
    if (r < 0)
        return r;
    for (unsigned id = BEHIND - 1; id >= LOWEST; id--)
        if (!used[id]) {
            *ret = id;
            return 0;
        }
    return -ERANGE;
}

static int append_lines(const char *root, const char *name, const char *description,
                        struct error *error)
{
    char passwd[512], group[128], shadow[128];
    unsigned uid;
    uint64_t gid;

    int r = find_free_id(root, &uid);
    if (r < 0)
        return error_errno(error, -r, "no number is free for user %s", name);
    bool has_group = group_find(root, name, &gid) == 0;
    if (!has_group)
        gid = uid;
    snprintf(passwd, sizeof passwd, "%s:x:%u:%u:%s:/:/sbin/nologin\n", name, uid, (unsigned)gid,
             description);
    snprintf(group, sizeof group, "%s:x:%u:\n", name, (unsigned)gid);
    snprintf(shadow, sizeof shadow, "%s:!*:::::::\n", name);

    if (!has_group)
        r = system_append(root, "/etc/group", group, error);
    if (r == 0 && system_exists(root, "/etc/shadow"))
        r = system_append(root, "/etc/shadow", shadow, error);
    if (r == 0) /* last: the user is there only when all of it is */
        r = system_append(root, "/etc/passwd", passwd, error);
    return r;
}

static int append_locked(const char *root, const char *name, const char *description,
                         struct error *error)
{
    bool here = !*root;
    if (here && lckpwdf() < 0)
        return error_set(error, EBUSY, "/etc/passwd is locked");
    int r = append_lines(root, name, description, error);
    if (here)
        (void)ulckpwdf(); /* nothing to do about it */
    return r;
}

/* One way to make a user: up to two commands, one after the other. */
struct maker {
    const char *how;
    const char *commands[2][12];
};

static bool run_maker(const struct maker *maker)
{
    for (size_t i = 0; i < ARRAY_SIZE(maker->commands) && maker->commands[i][0]; i++)
        if (system_run(maker->commands[i]) != 0)
            return false;
    return true;
}

static const char *make_with_tools(const char *name, const char *description)
{
    char line[512];
    uid_t uid;
    gid_t gid;

    snprintf(line, sizeof line, "u %s - \"%s\"", name, description);
    const struct maker makers[] = {
        {"systemd-sysusers", {{"systemd-sysusers", "--inline", line}}},
        {"useradd",
         {{"useradd", "-r", "-U", "-M", "-d", "/", "-s", "/usr/sbin/nologin", "-c", description,
           name}}},
        {"useradd", /* the group is there, and the user is not */
         {{"useradd", "-r", "-g", name, "-M", "-d", "/", "-s", "/usr/sbin/nologin", name}}},
        {"adduser",
         {{"addgroup", "-S", name},
          {"adduser", "-S", "-D", "-H", "-h", "/", "-s", "/sbin/nologin", "-G", name, name}}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
        if (run_maker(&makers[i]) && system_user_find("", name, &uid, &gid) == 0)
            return makers[i].how;
    return NULL;
}

int system_user_make(const char *root, const char *name, const char *description,
                     const char **ret_how, struct error *error)
{
    const char *how = NULL;
    uid_t uid;
    gid_t gid;

    if (system_user_find(root, name, &uid, &gid) < 0) {
        how = *root ? NULL : make_with_tools(name, description);
        if (!how) {
            int r = append_locked(root, name, description, error);
            if (r < 0)
                return r;
            how = "lines in /etc/passwd and /etc/group";
        }
    }
    *ret_how = how;
    return 0;
}
