/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packages.c - which package each module comes from. */
#include "analyzer/packages.h"

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

void packages_find(struct modules *modules)
{
    AUTO_FREE const char **paths = calloc(modules->count + 1, sizeof(*paths));
    AUTO_FREE char **owners = calloc(modules->count + 1, sizeof(*owners));
    size_t count = 0;
    if (!paths || !owners)
        return;
    for (size_t i = 0; i < modules->count; i++) {
        struct module *module = &modules->items[i];
        if (!is_wanted(module))
            continue;
        if (module->elf)
            module->package = read_note(module->elf);
        if (!module->package)
            paths[count++] = module->path;
    }
    files_owners(modules->files, paths, count, owners);
    for (size_t i = 0, asked = 0; i < modules->count && asked < count; i++) {
        struct module *module = &modules->items[i];
        if (is_wanted(module) && !module->package && paths[asked] == module->path)
            module->package = owners[asked++];
    }
}
