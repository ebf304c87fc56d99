/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-when.c - any bytes as a point in time; what is understood can be shown, and read back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t year = INT64_C(31556952) * 1000000;
    AUTO_FREE char *text = strndup((const char *)data, size);
    int64_t time_us, again;
    char local[WHEN_LOCAL_SIZE], utc[WHEN_UTC_SIZE];

    if (!text || when_parse(text, INT64_C(1795350600000000), &time_us) < 0)
        return 0;
    when_local(local, time_us);
    when_utc(utc, time_us);
    /* Years have four digits where they are written. */
    if (time_us > -1900 * year && time_us < 8000 * year - year &&
        (when_parse(utc, 0, &again) < 0 || again != time_us))
        __builtin_trap();
    return 0;
}
