/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals - dies of the signal that is named: SEGV ABRT BUS FPE ILL TRAP SYS QUIT. */
#include "tests/victims/victim.h"

int main(int argc, char **argv)
{
    victim_dies(victim_signal(argc > 1 ? argv[1] : "SEGV"));
}
