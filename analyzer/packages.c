/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packages.c - which package each module comes from. */
#include "analyzer/packages.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/module_files.h"

#define OWNER "FDO"

enum { MAX_OWNER = 192 };
#define NOTE_PACKAGING_METADATA 0xcafe1a7eu

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* {"type":"rpm","name":"bash","version":"5.2-1.fc39", …} */
static char *read_package(const char *text, size_t size)
{
    json_t *object = json_loadb(text, strnlen(text, size), 0, NULL);
    const char *name = text_of(object, "name"), *version = text_of(object, "version");
    char owner[MAX_OWNER], *result = NULL;
    if (name) {
        snprintf(owner, sizeof(owner), "%s%s%s", name, version ? " " : "", version ? version : "");
        result = strdup(owner);
    }
    json_decref(object);
    return result;
}

static char *read_note(Elf *elf)
{
    Elf_Scn *section = elf_section(elf, ".note.package");
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Nhdr header;
    size_t name, description;
    for (size_t at = 0, next; data && (next = gelf_getnote(data, at, &header, &name, &description));
         at = next) {
        const char *bytes = data->d_buf;
        if (header.n_type == NOTE_PACKAGING_METADATA && header.n_namesz == sizeof(OWNER) &&
            memcmp(bytes + name, OWNER, sizeof(OWNER)) == 0)
            return read_package(bytes + description, header.n_descsz);
    }
    return NULL;
}

static bool is_wanted(const struct module *module)
{
    return (module->used || module->is_main) && !module->is_vdso && module->path[0] == '/';
}

int packages_prepare(struct modules *modules, struct package_search *ret)
{
    *ret = (struct package_search){
        .modules = modules,
        .asked = calloc(modules->count + 1, sizeof(struct module *)),
        .paths = calloc(modules->count + 1, sizeof(char *)),
        .owners = calloc(modules->count + 1, sizeof(char *)),
    };
    if (!ret->asked || !ret->paths || !ret->owners)
        return -ENOMEM;
    for (size_t i = 0; i < modules->count; i++) {
        struct module *module = &modules->items[i];
        if (!is_wanted(module))
            continue;
        module_open(modules, module);
        module->package = module->elf ? read_note(module->elf) : NULL;
        if (module->package)
            continue;
        ret->asked[ret->count] = module;
        ret->paths[ret->count++] = module->path;
    }
    return 0;
}

void packages_ask(void *context)
{
    struct package_search *search = context;
    files_owners(search->modules->files, search->paths, search->count, search->owners);
}

void packages_finish(struct package_search *search)
{
    for (size_t i = 0; i < search->count; i++)
        search->asked[i]->package = search->owners[i];
    free(search->owners);
    free(search->paths);
    free(search->asked);
}
