/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.h - the facts a record may carry, by name: what the hook writes and everybody reads.
 *
 * "number" is decimal text. A fact that could not be had is absent. KEY_PROC_* are the bytes of the
 * victim's /proc files as they were. Facts of the outcome frame come when the record is finished.
 */
#pragma once

/* What the kernel said: core(5)'s specifiers. */
#define KEY_ID            "id"      /* the crash's id, as in its file name */
#define KEY_TIME          "time_us" /* number: microseconds since the epoch (%t, refined by the clock) */
#define KEY_PID           "pid"           /* number: %P */
#define KEY_TID           "tid"           /* number: %I */
#define KEY_NS_PID        "ns_pid"        /* number: %p, in the victim's pid namespace */
#define KEY_NS_TID        "ns_tid"        /* number: %i */
#define KEY_UID           "uid"           /* number: %u, real uid in the initial user namespace */
#define KEY_GID           "gid"           /* number: %g */
#define KEY_SIGNAL        "signal"        /* number: %s */
#define KEY_SI_CODE       "si_code"       /* number: from the core's NT_SIGINFO */
#define KEY_FAULT_ADDRESS "fault_address" /* number: si_addr, where the signal has one */
#define KEY_SENDER_PID    "sender_pid"    /* number: si_pid, for signals sent by kill(2) */
#define KEY_SENDER_UID    "sender_uid"    /* number: si_uid, likewise */
#define KEY_DUMPABLE      "dumpable"      /* number: %d */
#define KEY_HOSTNAME      "hostname"      /* %h: the container's where there is one */
#define KEY_RLIMIT_CORE   "rlimit_core"   /* number: %c */
#define KEY_EXE_NAME                                                                               \
    "exe_name" /* %E with its '!' turned back, where /proc/PID/exe was unreadable */

/* Who it was. */
#define KEY_COMM        "comm"        /* the process's name */
#define KEY_THREAD_COMM "thread_comm" /* the crashing thread's name */
#define KEY_EXE         "exe"         /* readlink of /proc/PID/exe, without " (deleted)" */
#define KEY_EXE_DELETED "exe_deleted" /* "1" where the executable was unlinked */
#define KEY_EXE_DEV     "exe_dev"     /* number: st_dev of the executable */
#define KEY_EXE_INODE   "exe_inode"   /* number */
#define KEY_CWD         "cwd"
#define KEY_ROOT        "root"
#define KEY_USER        "user" /* user name of uid, looked up by the keeper or from /etc/passwd */
#define KEY_UNIT        "unit" /* systemd unit, from the cgroup */
#define KEY_USER_UNIT   "user_unit"
#define KEY_SLICE       "slice"
#define KEY_SESSION     "session" /* logind session */
#define KEY_OWNER_UID                                                                              \
    "owner_uid" /* number: the uid of the user session that the cgroup belongs to */
#define KEY_CONTAINER "container" /* its id, or name where there is no id */
#define KEY_CONTAINER_RUNTIME                                                                      \
    "container_runtime" /* docker podman containerd crio lxc nspawn kubepods */
#define KEY_CONTAINER_NAME "container_name"
#define KEY_POD            "pod"
#define KEY_NAMESPACES     "namespaces" /* names of namespaces that differ from PID 1's, by spaces */
#define KEY_CMDLINE        "cmdline"    /* arguments joined by NUL, as in /proc */
#define KEY_BOOT_ID        "boot_id"
#define KEY_MACHINE_ID     "machine_id"
#define KEY_KERNEL         "kernel"  /* uname -r */
#define KEY_ARCH           "arch"    /* uname -m */
#define KEY_OS             "os"      /* PRETTY_NAME of the host's os-release */
#define KEY_STORE          "store"   /* where the record belongs, if it was written elsewhere */
#define KEY_VERSION        "inquest" /* version of the hook that wrote the record */
#define KEY_ACCESS_UID                                                                             \
    "access_uid" /* number: who else than root and the group may read; absent: nobody */
#define KEY_ACCOUNT                                                                                \
    "account" /* number: whose shares it counts for, where that is not uid's: who made the user    \
                 namespace */
#define KEY_PRIVATE                                                                                \
    "private" /* "1": root alone may read (dumpable was not 1, credentials changed, or nobody has  \
                 looked yet); "0": not so */
#define KEY_PACKAGE "package" /* owner of the executable, with version: the keeper's to look up */

/* The bytes of /proc/PID/... */
#define KEY_PROC_MAPS      "proc.maps"
#define KEY_PROC_STATUS    "proc.status"
#define KEY_PROC_STAT      "proc.stat"
#define KEY_PROC_LIMITS    "proc.limits"
#define KEY_PROC_CGROUP    "proc.cgroup"
#define KEY_PROC_MOUNTINFO "proc.mountinfo"
#define KEY_PROC_AUXV      "proc.auxv"
#define KEY_PROC_ENVIRON   "proc.environ" /* the variables the config allows, NUL-separated */
#define KEY_PROC_UID_MAP   "proc.uid_map"
#define KEY_PROC_GID_MAP   "proc.gid_map"
#define KEY_PROC_OOM_SCORE "proc.oom_score"
#define KEY_PROC_FDS       "proc.fds" /* one line a descriptor: "N -> target" */
#define KEY_PROC_IO        "proc.io"
#define KEY_THREADS        "threads" /* "TID NS_TID NAME" and a NUL, of each thread */

/* The outcome: how taking the core went. */
#define KEY_STATE     "state"     /* full stacks facts counted truncated pruned */
#define KEY_LAYOUT    "layout"    /* kernel sparse stacks */
#define KEY_CORE_SIZE "core_size" /* number: bytes of the core as the kernel would have sent it */
#define KEY_REASON    "reason"    /* why the state is not full, in words */
#define KEY_LEFT_OUT  "left_out"  /* number: bytes of the core that were not kept */
#define KEY_COUNT     "count"     /* number: crashes this record stands for (state counted) */
#define KEY_SOURCE    "source"    /* pipe memory import */
#define KEY_HELD_US   "held_us"   /* number: hook's start to the release of the victim */
#define KEY_TAKEN_US  "taken_us"  /* number: hook's start to the end of writing */
#define KEY_RULE      "rule"      /* name of the [rule] that applied */
