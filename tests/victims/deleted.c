/* SPDX-License-Identifier: GPL-2.0-or-later */
/* deleted - says who it is, removes its own executable and dies. */
#include "tests/victims/victim.h"

#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    victim_needs(argc > 0, "a name");
    victim_says(SIGSEGV, 0);
    victim_needs(unlink(argv[0]) == 0, argv[0]);
    victim_faults(SIGSEGV);
}
