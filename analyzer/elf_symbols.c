/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf_symbols.c - which function's symbol covers an address of a module. */
#include "analyzer/elf_symbols.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/module_files.h"

enum { MAX_SYMBOLS = 16 * 1024 * 1024 };

struct elf_symbols {
    struct elf_symbol *items; /* by start, then rank */
    uint64_t *reach;          /* the largest end up to here: where a search backwards may stop */
    size_t count, capacity;
};

static bool add(struct elf_symbols *symbols, const struct elf_symbol *symbol)
{
    if (symbols->count == symbols->capacity) {
        size_t capacity = symbols->capacity ? 2 * symbols->capacity : 1024;
        struct elf_symbol *grown =
            capacity <= MAX_SYMBOLS ? realloc(symbols->items, capacity * sizeof(*grown)) : NULL;
        if (!grown)
            return false;
        symbols->items = grown;
        symbols->capacity = capacity;
    }
    symbols->items[symbols->count++] = *symbol;
    return true;
}

/* Names that people know come before aliases: sized before sizeless, exported before local, no
 * underscore before some. */
static uint8_t rank_of(const GElf_Sym *symbol, const char *name)
{
    static const uint8_t bindings[] = {[STB_LOCAL] = 0, [STB_GLOBAL] = 2, [STB_WEAK] = 2};
    unsigned binding = GELF_ST_BIND(symbol->st_info);
    return (uint8_t)((symbol->st_size > 0) * 8 +
                     (binding < sizeof(bindings) ? bindings[binding] : 0) + (name[0] != '_'));
}

static bool is_function(Elf *elf, const GElf_Sym *symbol, const char *name, uint64_t *ret_limit)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    GElf_Shdr section;
    if (!name || !name[0] || name[0] == '$' || (name[0] == '.' && name[1] == 'L') ||
        symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE ||
        (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
        !gelf_getshdr(elf_getscn(elf, symbol->st_shndx), &section))
        return false;
    *ret_limit = section.sh_addr + section.sh_size;
    return type != STT_NOTYPE || section.sh_flags & SHF_EXECINSTR;
}

/* `sizeless`: whether symbols without a size count. Where only some functions are listed, as in
 * .dynsym, what follows such a one may be another. */
static void add_table(struct elf_symbols *symbols, Elf *elf, const char *section_name,
                      bool sizeless)
{
    Elf_Scn *section = elf_section(elf, section_name);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Shdr header;
    GElf_Ehdr file;
    if (!data || !gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
        !gelf_getehdr(elf, &file))
        return;
    size_t count = data->d_size / header.sh_entsize;
    for (size_t i = 1; i < count; i++) {
        GElf_Sym symbol;
        uint64_t limit;
        if (!gelf_getsym(data, (int)i, &symbol))
            return;
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (!is_function(elf, &symbol, name, &limit) || (!symbol.st_size && !sizeless))
            continue;
        uint64_t start = file.e_machine == EM_ARM ? symbol.st_value & ~1ull : symbol.st_value;
        struct elf_symbol found = {
            .start = start,
            .end = symbol.st_size ? start + symbol.st_size : limit,
            .name = name,
            .rank = rank_of(&symbol, name),
        };
        if (found.end > found.start && !add(symbols, &found))
            return;
    }
}

static int compare(const void *a, const void *b)
{
    const struct elf_symbol *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->rank - y->rank;
}

static void sort(struct elf_symbols *symbols)
{
    if (symbols->count)
        qsort(symbols->items, symbols->count, sizeof(*symbols->items), compare);
    uint64_t next = UINT64_MAX;
    for (size_t i = symbols->count; i-- > 0;) {
        struct elf_symbol *symbol = &symbols->items[i];
        bool sizeless = symbol->rank < 8;
        if (sizeless && symbol->end > next)
            symbol->end = next;
        if (i > 0 && symbols->items[i - 1].start != symbol->start)
            next = symbol->start;
    }
    uint64_t reach = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        reach = symbols->items[i].end > reach ? symbols->items[i].end : reach;
        symbols->reach[i] = reach;
    }
}

struct elf_symbols *elf_symbols_new(const struct module *module)
{
    struct elf_symbols *symbols = calloc(1, sizeof(*symbols));
    if (!symbols)
        return NULL;
    add_table(symbols, module->elf, ".symtab", true);
    add_table(symbols, module->debug_elf, ".symtab", true);
    add_table(symbols, module->mini_elf, ".symtab", true);
    add_table(symbols, module->elf, ".dynsym", false);
    symbols->reach = calloc(symbols->count + 1, sizeof(*symbols->reach));
    if (!symbols->reach) {
        elf_symbols_free(symbols);
        return NULL;
    }
    sort(symbols);
    return symbols;
}

void elf_symbols_free(struct elf_symbols *symbols)
{
    if (!symbols)
        return;
    free(symbols->items);
    free(symbols->reach);
    free(symbols);
}

const struct elf_symbol *elf_symbols_at(const struct elf_symbols *symbols, uint64_t address)
{
    size_t low = 0, high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && symbols->reach[i - 1] > address; i--)
        if (address < symbols->items[i - 1].end)
            return &symbols->items[i - 1];
    return NULL;
}

static bool find_in_table(Elf *elf, const char *section_name, const char *wanted, GElf_Sym *ret)
{
    Elf_Scn *section = elf_section(elf, section_name);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Shdr header;
    if (!data || !gelf_getshdr(section, &header) || header.sh_entsize == 0)
        return false;
    size_t count = data->d_size / header.sh_entsize, size = strlen(wanted);
    for (size_t i = 1; i < count; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol))
            return false;
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name && symbol.st_shndx != SHN_UNDEF && strncmp(name, wanted, size) == 0 &&
            (name[size] == '\0' || name[size] == '@')) {
            *ret = symbol;
            return true;
        }
    }
    return false;
}

bool elf_symbol_find(Elf *elf, const char *name, GElf_Sym *ret)
{
    return elf &&
           (find_in_table(elf, ".dynsym", name, ret) || find_in_table(elf, ".symtab", name, ret));
}
