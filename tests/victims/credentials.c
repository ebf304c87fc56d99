/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials - root that becomes the user UID, declares itself dumpable, and dies. To the kernel
 * it is an ordinary process of UID then; only its auxiliary vector remembers whose memory it has.
 * Where it is UID's from the start, it only says that it may be dumped.
 */
#include "tests/victims/victim.h"

#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    uid_t uid = argc > 1 ? (uid_t)victim_number(argv[1]) : 65534;
    if (getuid() != uid) {
        victim_needs(setgroups(0, NULL) == 0, "setgroups");
        victim_needs(setresgid(uid, uid, uid) == 0, "setresgid");
        victim_needs(setresuid(uid, uid, uid) == 0, "setresuid");
    }
    victim_needs(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "PR_SET_DUMPABLE");
    victim_dies(SIGSEGV);
}
