/* SPDX-License-Identifier: GPL-2.0-or-later */
/* budget.c - the memory that all hooks together may fill. */
#include "hook/budget.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/bytes.h"
#include "store/base/io.h"
#include "store/base/parse.h"

/* MemAvailable of /proc/meminfo, in bytes; 0 unknown. */
static uint64_t memory_available(void)
{
    static const char name[] = "MemAvailable:";
    AUTO_BYTES struct bytes text = {0};
    uint64_t kib = 0;

    (void)io_read_file(AT_FDCWD, "/proc/meminfo", 16 * 1024, &text);
    char *line = text.data ? strstr(text.data, name) : NULL;
    if (!line)
        return 0;
    line += strlen(name);
    line[strcspn(line, "k\n")] = '\0';
    return parse_u64(line, 10, UINT64_MAX / 1024, &kib) == 0 ? kib * 1024 : 0;
}

static bool lock_unit(int fd, uint64_t unit)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)unit, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

uint64_t budget_take(int dirfd, struct config_budget share, uint64_t wanted, int *ret_fd)
{
    uint64_t available = memory_available(), mine = 0, others = 0;

    *ret_fd = -1;
    AUTO_FD int fd = openat(dirfd, BUDGET_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return 0;
    for (uint64_t unit = 0; mine * BUDGET_UNIT < wanted; unit++) {
        /* What others hold was available before they took it. */
        uint64_t limit = config_budget_of(share, available + others * BUDGET_UNIT);
        if ((unit + 1) * BUDGET_UNIT > limit)
            break;
        if (lock_unit(fd, unit))
            mine++;
        else
            others++;
    }
    if (mine > 0)
        *ret_fd = steal_fd(&fd);
    return mine * BUDGET_UNIT;
}
