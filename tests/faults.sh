# SPDX-License-Identifier: GPL-2.0-or-later
# faults.sh - system calls that fail or are a process's last, by strace; for the sweeps of trust-p3,
# sourced behind lib.sh.
# shellcheck shell=bash

needs_faults() {
    ! is_sanitized || skip_all "LeakSanitizer and valgrind do not live with strace"
    command -v strace >/dev/null || skip_all "strace is not installed"
    strace -qq -e trace=none true 2>/dev/null || skip_all "strace may not trace here"
}

# What a call may honestly say. Not in the list: calls that cannot fail, and exec and exit, where
# there is nobody yet, or nobody left, to do anything about it.
errors_of() { # SYSCALL
    case $1 in
    pwrite64 | write | writev | fallocate | ftruncate) echo ENOSPC EIO EINTR ;;
    fsync | fdatasync | sync_file_range) echo EIO ENOSPC EINTR ;;
    openat | openat2 | open | creat) echo EMFILE ENOSPC EACCES EINTR ;;
    linkat | renameat | renameat2 | rename | mkdirat | unlinkat) echo ENOSPC EIO EROFS ;;
    read | pread64 | readv | readlinkat | readlink | getdents64) echo EIO EINTR ;;
    flock | fcntl) echo EINTR ENOLCK ;;
    poll | ppoll | wait4 | waitid | nanosleep | clock_nanosleep) echo EINTR ;;
    mmap | mprotect | brk | clone | clone3 | fork | vfork | memfd_create) echo ENOMEM ;;
    fchown | fchownat | fchmod | fchmodat | fsetxattr | setxattr) echo EPERM EIO ;;
    fstat | newfstatat | statx | statfs | fstatfs | fgetxattr | ioctl | lseek) echo EIO ;;
    setresuid | setresgid | setgroups | prctl | seccomp | capset | unshare | mount) echo EPERM ENOMEM ;;
    socketpair | pipe2 | dup | dup2 | dup3 | sendmsg | recvmsg | sendto) echo EMFILE EIO ;;
    esac
}

# Lines "SYSCALL COUNT" of a trace: how often the process made each call that made it most.
calls_made() { # TRACE
    awk '$2 ~ /^[a-z0-9_]+\(/ { name = $2; sub(/\(.*/, "", name); n = ++seen[$1, name]
                                if (n > most[name]) most[name] = n }
         END { for (name in most) print name, most[name] }' "$1" | sort
}

# Lines "SYSCALL NUMBER FAULT" for lines "SYSCALL COUNT": each fails in each way that it may, and is
# the last, but for those behind the first MOST of its kind.
points_of() { # MOST
    local name most number error
    while read -r name most; do
        case $name in exit | exit_group | execve | rt_sigreturn | restart_syscall) continue ;; esac
        for ((number = 1; number <= most && number <= $1; number++)); do
            for error in $(errors_of "$name"); do
                echo "$name $number error=$error"
            done
            echo "$name $number signal=KILL"
        done
    done
}

# Some of the points of a file: $POINTS, drawn by $SEED, or all from number $FROM on.
draw_points() { # FILE
    if [ "$POINTS" = all ]; then
        tail -n "+${FROM:-1}" "$1"
    else
        shuf -n "$POINTS" --random-source=<(yes "$SEED") "$1"
    fi
}
