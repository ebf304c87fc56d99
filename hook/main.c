/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquest-hook(8) - takes one core from the kernel, with the facts of its process, into one file.
 */
#include <stdlib.h>

int main(void)
{
    return EXIT_FAILURE;
}
