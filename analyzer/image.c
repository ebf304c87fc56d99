/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image.c - the bytes of an ELF core through a cache of blocks. */
#include "analyzer/image.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/io.h"

enum {
    BLOCK_SIZE = 16 * 1024,
    BLOCK_COUNT = 4096, /* 64 MiB at most; a slot is allocated when it is first used */
};

struct block {
    uint64_t number; /* offset / BLOCK_SIZE */
    uint32_t size;   /* bytes in it: fewer at the image's end or where it cannot be read */
    char *data;      /* NULL: empty slot */
};

struct image {
    uint64_t size;
    int fd;
    struct record *record;
    const char *memory;
    struct block blocks[BLOCK_COUNT]; /* direct-mapped by number */
};

static struct image *image_new(uint64_t size)
{
    struct image *image = calloc(1, sizeof(*image));
    if (image) {
        image->size = size;
        image->fd = -1;
    }
    return image;
}

struct image *image_of_file(int fd, uint64_t size)
{
    struct image *image = image_new(size);
    if (image)
        image->fd = fd;
    return image;
}

struct image *image_of_record(struct record *record)
{
    struct image *image = image_new(record_content_size(record));
    if (image)
        image->record = record;
    return image;
}

struct image *image_of_memory(const void *data, size_t size)
{
    struct image *image = image_new(size);
    if (image)
        image->memory = data;
    return image;
}

void image_free(struct image *image)
{
    if (!image)
        return;
    for (size_t i = 0; i < BLOCK_COUNT; i++)
        free(image->blocks[i].data);
    free(image);
}

uint64_t image_size(const struct image *image)
{
    return image->size;
}

static ssize_t read_source(struct image *image, void *buffer, size_t size, uint64_t offset)
{
    return image->record ? record_read(image->record, buffer, size, offset)
                         : io_pread(image->fd, buffer, size, offset);
}

static const struct block *get_block(struct image *image, uint64_t number)
{
    struct block *block = &image->blocks[number % BLOCK_COUNT];
    if (block->data && block->number == number)
        return block;
    if (!block->data)
        block->data = malloc(BLOCK_SIZE);
    if (!block->data)
        return NULL;
    ssize_t n = read_source(image, block->data, BLOCK_SIZE, number * BLOCK_SIZE);
    block->number = number;
    block->size = n > 0 ? (uint32_t)n : 0; /* a corrupt frame reads as missing */
    return block;
}

size_t image_read_some(struct image *image, uint64_t offset, void *buffer, size_t size)
{
    if (offset >= image->size)
        return 0;
    if (size > image->size - offset)
        size = (size_t)(image->size - offset);
    if (image->memory) {
        memcpy(buffer, image->memory + offset, size);
        return size;
    }
    size_t done = 0;
    while (done < size) {
        const struct block *block = get_block(image, (offset + done) / BLOCK_SIZE);
        size_t start = (size_t)((offset + done) % BLOCK_SIZE);
        if (!block || start >= block->size)
            break;
        size_t part = block->size - start < size - done ? block->size - start : size - done;
        memcpy((char *)buffer + done, block->data + start, part);
        done += part;
    }
    return done;
}

bool image_read(struct image *image, uint64_t offset, void *buffer, size_t size)
{
    return image_read_some(image, offset, buffer, size) == size;
}
