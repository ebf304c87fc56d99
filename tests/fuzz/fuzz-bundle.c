/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-bundle.c - a bundle from elsewhere gives its record, its report and its modules, or is
 * refused. The input is the tar archive; it is compressed here. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/bundle_reader.h"
#include "cli/module_file.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_member(void *context, int fd, struct error *error)
{
    char build_id[MODULE_BUILD_ID_SIZE];
    (void)context;
    (void)error;
    (void)module_file_build_id(fd, build_id);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bundle_handler handler = {read_member, read_member, read_member, NULL, 1 << 20};
    AUTO_COMPRESSOR struct frame_compressor *compressor = NULL;
    AUTO_FREE void *frame = malloc(frame_bound(size));
    AUTO_FD int in = memfd_create("bundle", MFD_CLOEXEC);
    struct error error;

    if (!frame || in < 0 || frame_compressor_new(1, &compressor) < 0)
        abort();
    ssize_t n = frame_compress(compressor, data, size, frame, frame_bound(size));
    if (n < 0 || io_pwrite(in, frame, (size_t)n, 0) < 0)
        abort();
    (void)bundle_is_meant(data, size);
    (void)bundle_read(in, &handler, &error);
    return 0;
}
