/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup.c - which unit, session and container a process belonged to. */
#include "hook/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/keys.h"

enum {
    NAME_SIZE = 256, /* NAME_MAX and a NUL: no cgroup's name is longer */
    ID_DIGITS = 64,  /* container ids are SHA-256 in hex */
};

/* How runtimes name the cgroup of a container: PREFIX ID [SUFFIX], ID being 64 hex digits. */
static const struct {
    const char *prefix, *suffix, *runtime;
} id_forms[] = {
    {"docker-", ".scope", "docker"},
    {"libpod-", ".scope", "podman"},
    {"libpod-", "", "podman"},
    {"cri-containerd-", ".scope", "containerd"},
    {"nerdctl-", ".scope", "containerd"},
    {"crio-", ".scope", "crio"},
    {"crio-", "", "crio"},
    {"", "", NULL}, /* the directory above says whose: "/docker/ID", "/kubepods/…/podUID/ID" */
};

/* Containers that go by a name: PREFIX NAME [SUFFIX]. */
static const struct {
    const char *prefix, *suffix, *runtime;
} name_forms[] = {
    {"systemd-nspawn@", ".service", "nspawn"},
    {"machine-", ".scope", "nspawn"},
    {"lxc.payload.", "", "lxc"},
    {"lxc.payload/", "", "lxc"},
};

static const char *const unit_suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n > m && strcmp(text + n - m, suffix) == 0;
}

/* If `text` is `prefix`, something, `suffix`: copies the something. */
static bool between(const char *text, const char *prefix, const char *suffix,
                    char ret[static NAME_SIZE])
{
    size_t n = strlen(text), p = strlen(prefix), s = strlen(suffix);

    if (n <= p + s || strncmp(text, prefix, p) != 0 || strcmp(text + n - s, suffix) != 0)
        return false;
    memcpy(ret, text + p, n - p - s);
    ret[n - p - s] = '\0';
    return true;
}

static bool is_unit(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(unit_suffixes); i++)
        if (ends_with(name, unit_suffixes[i]))
            return true;
    return false;
}

static bool is_container_id(const char *text)
{
    size_t n = 0;
    while (isxdigit((unsigned char)text[n]))
        n++;
    return n == ID_DIGITS && text[n] == '\0';
}

/* What is known while walking down the components of a path. */
struct walk {
    struct metadata *facts;
    char above[NAME_SIZE]; /* the component before */
    bool has_unit, has_user_unit, in_user_manager;
    bool in_pod;
    int error;
};

static void set(struct walk *walk, const char *key, const char *value)
{
    if (walk->error == 0 && value[0])
        walk->error = metadata_set_text(walk->facts, key, value);
}

static void set_owner(struct walk *walk, const char *text)
{
    uint64_t uid;
    if (parse_u64(text, 10, UINT32_MAX - 1, &uid) == 0 && walk->error == 0)
        walk->error = metadata_set_u64(walk->facts, KEY_OWNER_UID, uid);
}

static void see_unit(struct walk *walk, const char *name)
{
    char middle[NAME_SIZE];

    if (ends_with(name, ".slice")) {
        if (!walk->has_unit)
            set(walk, KEY_SLICE, name);
        if (between(name, "user-", ".slice", middle))
            set_owner(walk, middle);
        return;
    }
    if (!is_unit(name))
        return;
    if (!walk->has_unit) {
        walk->has_unit = true;
        set(walk, KEY_UNIT, name);
        if (between(name, "session-", ".scope", middle))
            set(walk, KEY_SESSION, middle);
        walk->in_user_manager = between(name, "user@", ".service", middle);
        if (walk->in_user_manager)
            set_owner(walk, middle);
    } else if (walk->in_user_manager && !walk->has_user_unit) {
        walk->has_user_unit = true;
        set(walk, KEY_USER_UNIT, name);
    }
}

/* The runtime where a container's directory is named by its id alone. */
static const char *runtime_above(const struct walk *walk)
{
    if (strcmp(walk->above, "docker") == 0)
        return "docker";
    if (walk->in_pod)
        return "kubepods";
    return NULL;
}

static bool see_container_id(struct walk *walk, const char *name)
{
    char id[NAME_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(id_forms); i++) {
        if (!between(name, id_forms[i].prefix, id_forms[i].suffix, id) || !is_container_id(id))
            continue;
        const char *runtime = id_forms[i].runtime ? id_forms[i].runtime : runtime_above(walk);
        if (!runtime)
            continue;
        set(walk, KEY_CONTAINER, id);
        set(walk, KEY_CONTAINER_RUNTIME, runtime);
        return true;
    }
    return false;
}

static void see_container_name(struct walk *walk, const char *name)
{
    char middle[NAME_SIZE];
    const char *runtime = strcmp(walk->above, "lxc") == 0 ? "lxc" : NULL;

    for (size_t i = 0; i < ARRAY_SIZE(name_forms) && !runtime; i++)
        if (between(name, name_forms[i].prefix, name_forms[i].suffix, middle)) {
            runtime = name_forms[i].runtime;
            name = middle;
        }
    if (!runtime)
        return;
    set(walk, KEY_CONTAINER, name);
    set(walk, KEY_CONTAINER_NAME, name);
    set(walk, KEY_CONTAINER_RUNTIME, runtime);
}

/* "podUID" and "kubepods-burstable-podUID.slice"; systemd's form has '_' for '-'. */
static void see_pod(struct walk *walk, const char *name)
{
    char uid[NAME_SIZE];
    const char *dash = strrchr(name, '-');
    bool slice = ends_with(name, ".slice") && strncmp(name, "kubepods", 8) == 0 && dash &&
                 between(dash, "-pod", ".slice", uid);

    if (!slice && !between(name, "pod", "", uid))
        return;
    if (!slice && !strstr(walk->above, "besteffort") && !strstr(walk->above, "burstable") &&
        !strstr(walk->above, "kubepods"))
        return;
    for (char *c = uid; *c; c++)
        if (slice && *c == '_')
            *c = '-';
    walk->in_pod = true;
    set(walk, KEY_POD, uid);
}

static void see_component(struct walk *walk, const char *name)
{
    see_unit(walk, name);
    see_pod(walk, name);
    if (!see_container_id(walk, name))
        see_container_name(walk, name);
    memcpy(walk->above, name, strlen(name) + 1);
}

static int walk_path(const char *path, size_t size, struct metadata *ret)
{
    struct walk walk = {.facts = ret};
    const char *end = path + size;

    while (path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t n = (size_t)((slash ? slash : end) - path);
        char name[NAME_SIZE];

        if (n > 0 && n < sizeof name) {
            /* systemd puts '_' before names that would collide with the kernel's own. */
            size_t escape = n > 1 && path[0] == '_';
            memcpy(name, path + escape, n - escape);
            name[n - escape] = '\0';
            see_component(&walk, name);
        }
        path += n + 1;
    }
    return walk.error;
}

/* The path of one line "HIERARCHY:CONTROLLERS:PATH" if it is of the unified or systemd's tree. */
static const char *tree_path(const char *line, size_t size)
{
    static const char *const trees[] = {"0::", "name=systemd:"};
    const char *colon = memchr(line, ':', size);

    if (size >= 3 && strncmp(line, trees[0], 3) == 0)
        return line + 3;
    if (colon && (size_t)(line + size - colon) > strlen(trees[1]) &&
        strncmp(colon + 1, trees[1], strlen(trees[1])) == 0)
        return colon + 1 + strlen(trees[1]);
    return NULL;
}

int cgroup_facts(const char *text, size_t size, struct metadata *ret)
{
    const char *end = text + size, *best = NULL;
    size_t best_size = 0;

    /* Both trees may be there (hybrid setups): the longer path says more. */
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline ? newline : end) - text);
        const char *path = tree_path(text, n);
        if (path && (size_t)(text + n - path) > best_size) {
            best = path;
            best_size = (size_t)(text + n - path);
        }
        text += n + 1;
    }
    return best ? walk_path(best, best_size, ret) : 0;
}
