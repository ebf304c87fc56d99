/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * intruder - stands where inquest-analyzer should, and tries what an analyzer taken over would try.
 *
 * Built by the test that uses it: FILES are the paths it must not open ("a\0b\0"), ASKED those that
 * the broker must not send, PLACES the folders it must not write to. KIND says what it does:
 *
 *   TRIES      everything; the report lists as a problem each thing that it could do
 *   HUGE ENDLESS MALFORMED NESTED SILENT   reports that are none
 *   ESCAPES LIES   reports with terminal sequences, with indices and numbers out of range
 *   SHOUTS     fails, with escape sequences and a megabyte on stderr
 *   SLEEPS LINGERS    never ends; closes its report first
 *   DIES       by a signal
 *   MULTIPLIES into as many threads as it can; the report says how many
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "store/analysis_protocol.h"

enum { EMPTY_PATH = 0xf0000, PAGE = 4096 };

static char problems[65536];
static unsigned tries;

/* Counts one thing tried, and reports it where it worked. */
static bool __attribute__((format(printf, 2, 3))) tried(bool worked, const char *format, ...)
{
    tries++;
    if (!worked)
        return false;
    size_t used = strlen(problems);
    va_list arguments;
    va_start(arguments, format);
    used += (size_t)snprintf(problems + used, sizeof(problems) - used, ",\"could ");
    used += (size_t)vsnprintf(problems + used, sizeof(problems) - used, format, arguments);
    snprintf(problems + used, sizeof(problems) - used, "\"");
    va_end(arguments);
    return true;
}

#define CALL(name, ...) tried(syscall(SYS_##name, ##__VA_ARGS__) >= 0, "call " #name)

/* ---- files ---- */

static void try_file(const char *path)
{
    static const int flags[] = {O_RDONLY,          O_WRONLY, O_RDWR, O_RDONLY | O_DIRECTORY,
                                O_RDWR | O_APPEND, O_PATH};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        int fd = open(path, flags[i]);
        tried(fd >= 0, "open %s with %#x", path, (unsigned)flags[i]);
        if (fd >= 0)
            close(fd);
    }
    uint64_t how[3] = {O_RDONLY};
    tried(syscall(SYS_openat2, AT_FDCWD, path, how, sizeof(how)) >= 0, "openat2 %s", path);
    tried(truncate(path, 0) == 0, "truncate %s", path);
    tried(chmod(path, 0777) == 0, "chmod %s", path);
    tried(unlink(path) == 0, "unlink %s", path);
    tried(rename(path, "/tmp/intruder") == 0, "rename %s", path);
    char around[512];
    snprintf(around, sizeof(around), "/../../proc/self/root%s", path);
    tried(open(around, O_RDONLY) >= 0, "open %s", around);
}

static void try_place(const char *place)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/intruder", place);
    tried(open(path, O_WRONLY | O_CREAT, 0600) >= 0, "create %s", path);
    tried(open(path, O_RDONLY | O_CREAT, 0600) >= 0, "create %s to read", path);
    tried(open(place, O_TMPFILE | O_RDWR, 0600) >= 0, "create a nameless file in %s", place);
    tried(mkdir(path, 0700) == 0, "mkdir %s", path);
    tried(symlink("/etc/passwd", path) == 0, "symlink %s", path);
    tried(link("/etc/passwd", path) == 0, "link %s", path);
    tried(mknod(path, S_IFIFO | 0600, 0) == 0, "mknod %s", path);
}

static void for_each(const char *list, void (*try)(const char *))
{
    for (; *list; list += strlen(list) + 1)
        try(list);
}

static void try_descriptors(void)
{
    tried(write(ANALYSIS_FD_CORE, "x", 1) > 0, "write to the core");
    tried(pwrite(ANALYSIS_FD_CORE, "x", 1, 0) > 0, "pwrite to the core");
    tried(ftruncate(ANALYSIS_FD_CORE, 0) == 0, "truncate the core");
    tried(fchmod(ANALYSIS_FD_CORE, 0666) == 0, "chmod the core");
    tried(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ANALYSIS_FD_CORE, 0) != MAP_FAILED,
          "map the core to write");
    struct flock lock = {.l_type = F_RDLCK};
    tried(fcntl(ANALYSIS_FD_CORE, F_SETLK, &lock) == 0, "lock the core");
    tried(fcntl(ANALYSIS_FD_CORE, F_SETLEASE, F_RDLCK) == 0, "lease the core");
    tried(fcntl(ANALYSIS_FD_BROKER, F_SETOWN, 1) == 0, "have signals sent by its socket");
    tried(fcntl(ANALYSIS_FD_BROKER, F_SETSIG, SIGKILL) == 0, "choose the signal of its socket");
    tried(fcntl(ANALYSIS_FD_BROKER, F_SETFL, O_ASYNC) == 0, "switch on signals of its socket");
    for (int fd = 4; fd < 64; fd++)
        tried(fcntl(fd, F_GETFD) >= 0, "find descriptor %d open", fd);
}

/* ---- network and processes ---- */

static void try_network(void)
{
    static const int families[] = {AF_UNIX,   AF_INET,  AF_INET6, AF_NETLINK,
                                   AF_PACKET, AF_VSOCK, AF_ALG};
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW};
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        for (size_t j = 0; j < sizeof(types) / sizeof(*types); j++)
            tried(socket(families[i], types[j], 0) >= 0, "make a socket of family %d", families[i]);
    int pair[2];
    tried(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "make a socket pair");
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket"};
    tried(connect(ANALYSIS_FD_BROKER, (void *)&name, sizeof(name)) == 0, "connect its socket");
    tried(sendto(ANALYSIS_FD_BROKER, "", 1, 0, (void *)&name, sizeof(name)) >= 0,
          "send elsewhere by its socket");
    tried(bind(ANALYSIS_FD_BROKER, (void *)&name, sizeof(name)) == 0, "bind its socket");
}

static void try_process(pid_t pid)
{
    char byte, path[64];
    struct iovec here = {&byte, 1}, there = {(void *)&byte, 1};
    tried(kill(pid, 0) == 0, "signal %d", pid);
    tried(syscall(SYS_tgkill, pid, pid, 0) == 0, "signal thread %d", pid);
    tried(syscall(SYS_tkill, pid, 0) == 0, "tkill %d", pid);
    tried(syscall(SYS_pidfd_open, pid, 0) >= 0, "hold %d", pid);
    tried(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0, "trace %d", pid);
    tried(syscall(SYS_process_vm_readv, pid, &here, 1, &there, 1, 0) >= 0, "read memory of %d",
          pid);
    tried(syscall(SYS_process_vm_writev, pid, &here, 1, &there, 1, 0) >= 0, "write to %d", pid);
    tried(syscall(SYS_kcmp, pid, pid, 0, 0, 0) >= 0, "compare %d", pid);
    tried(getpriority(PRIO_PROCESS, (id_t)pid) != -1, "see the priority of %d", pid);
    struct rlimit limit;
    tried(syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, &limit) == 0, "see limits of %d", pid);
    static const char *const files[] = {"environ", "mem", "maps", "root/etc/passwd", "cmdline"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
        tried(open(path, O_RDONLY) >= 0, "open %s", path);
    }
}

static void try_processes(void)
{
    pid_t own = (pid_t)syscall(SYS_getpid);
    try_process(1);
    for (pid_t pid = own > 200 ? own - 200 : 2; pid < own + 50; pid++)
        if (pid != own)
            try_process(pid);
    tried(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "be traced");
    tried(open("/proc/self/mem", O_RDONLY) >= 0, "open its own memory");
}

static void try_to_fork(void)
{
    static const unsigned long flags[] = {SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK,
                                          CLONE_NEWUSER | SIGCHLD, CLONE_THREAD};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        long pid = syscall(SYS_clone, flags[i], NULL, NULL, NULL, NULL);
        if (pid == 0)
            _exit(0);
        tried(pid > 0, "clone with %#lx", flags[i]);
    }
    uint64_t arguments[8] = {[4] = SIGCHLD};
    long pid = syscall(SYS_clone3, arguments, sizeof(arguments));
    if (pid == 0)
        _exit(0);
    tried(pid > 0, "clone3");
    pid = fork();
    if (pid == 0)
        _exit(0);
    tried(pid > 0, "fork");
}

/* The filter lets one execveat through, by the address of its path: can a path be put there? */
static void *try_address(void)
{
    void *page = (void *)EMPTY_PATH, *got;
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS, access = PROT_READ | PROT_WRITE;
    struct {
        void *address;
        size_t size;
        int flags;
    } ways[] = {
        {page, PAGE, MAP_FIXED},
        {page, PAGE, MAP_FIXED_NOREPLACE},
        {page, PAGE, 0},
        {(void *)0x10000, 0x200000, MAP_FIXED},
        {NULL, 0x200000, MAP_FIXED},
        {(void *)0x100000, PAGE, MAP_FIXED | MAP_GROWSDOWN},
        {NULL, PAGE, MAP_GROWSDOWN},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        got = mmap(ways[i].address, ways[i].size, access, anonymous | ways[i].flags, -1, 0);
        if (!tried(got != MAP_FAILED && (char *)got <= (char *)page, "have memory at %p by %zu",
                   got, i))
            continue;
        return page;
    }
    void *other = mmap(NULL, 2 * PAGE, access, anonymous, -1, 0);
    got = (void *)syscall(SYS_mremap, other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page);
    tried(got == page, "move memory there");
    got = (void *)syscall(SYS_mremap, other, PAGE, PAGE, MREMAP_MAYMOVE | 4, page);
    tried(got == page, "move memory there, and keep it");
    return page;
}

static void try_to_execute(void)
{
    static const char *const shells[] = {"/bin/sh",         "/bin/true",        "/usr/bin/env",
                                         "/usr/bin/passwd", "/lib/../bin/true", "/proc/self/exe"};
    char *none[] = {NULL};
    for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
        execve(shells[i], none, none);
        tried(errno != EPERM, "exec %s but for %s", shells[i], strerror(errno));
        syscall(SYS_execveat, ANALYSIS_FD_BROKER + 1, shells[i], none, none, AT_EMPTY_PATH);
        tried(errno != EPERM, "execveat %s but for %s", shells[i], strerror(errno));
    }
    /* No file of its own making, and what it has not even from the very descriptor. */
    int fd = memfd_create("program", 0);
    tried(fd >= 0, "make a memfd");
    int program = fcntl(ANALYSIS_FD_CORE, F_DUPFD_CLOEXEC, ANALYSIS_FD_BROKER + 1);
    tried(program != ANALYSIS_FD_BROKER + 1, "not place a descriptor at 4");
    syscall(SYS_execveat, program, "", none, none, AT_EMPTY_PATH);
    tried(errno != EPERM, "execute its core");
    syscall(SYS_execveat, program, try_address(), none, none, AT_EMPTY_PATH);
    tried(errno != EFAULT, "be let through by exec but for %s", strerror(errno));
    close(program);
}

/* ---- rights, and the kernel at large ---- */

static void try_rights(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    CALL(setuid, 0);
    CALL(setgid, 0);
    CALL(setresuid, 0, 0, 0);
    CALL(setgroups, 0, NULL);
    CALL(capset, &header, data);
    CALL(unshare, CLONE_NEWUSER);
    CALL(unshare, CLONE_FILES);
    CALL(setns, ANALYSIS_FD_CORE, 0);
    CALL(mount, "none", "/usr", "tmpfs", 0, NULL);
    CALL(umount2, "/", 2 /* MNT_DETACH */);
    CALL(chroot, "/");
    CALL(chdir, "/");
    CALL(pivot_root, "/", "/");
    CALL(personality, 0);
    CALL(setpriority, PRIO_PROCESS, 0, 19);
    CALL(setrlimit, RLIMIT_FSIZE, &(struct rlimit){1, 1});
    CALL(prctl, PR_SET_PTRACER, -1);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1, 0, 0);
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    CALL(prlimit64, 0, RLIMIT_DATA, &more, NULL);
    tried(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "be without no_new_privs");
    tried(geteuid() == 0 || getuid() == 0, "be root");
}

static void try_memory(void)
{
    const size_t much = 3ull << 30;
    const int access = PROT_READ | PROT_WRITE;
    tried(mmap(NULL, much, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
          "have 3 GiB of memory");
    tried(mmap(NULL, PAGE, access, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
          "have shared memory");
}

/* Calls that no analyzer and no loader needs: each is stopped before the kernel looks at it, which
 * would find fault with such arguments in other words. */
static void try_calls(void)
{
    static const struct {
        long number;
        const char *name;
    } calls[] = {
#define THE(name) {SYS_##name, #name}
        THE(io_uring_setup),
        THE(io_uring_enter),
        THE(io_uring_register),
        THE(userfaultfd),
        THE(bpf),
        THE(perf_event_open),
        THE(keyctl),
        THE(add_key),
        THE(request_key),
        THE(init_module),
        THE(finit_module),
        THE(delete_module),
        THE(kexec_load),
        THE(swapon),
        THE(sethostname),
        THE(settimeofday),
        THE(clock_settime),
        THE(syslog),
        THE(acct),
        THE(quotactl),
        THE(shmget),
        THE(shmat),
        THE(msgget),
        THE(semget),
        THE(mq_open),
        THE(inotify_init1),
        THE(fanotify_init),
        THE(name_to_handle_at),
        THE(open_by_handle_at),
        THE(fsopen),
        THE(open_tree),
        THE(move_mount),
        THE(mount_setattr),
        THE(pidfd_getfd),
        THE(pidfd_send_signal),
        THE(process_madvise),
        THE(rt_sigqueueinfo),
        THE(rt_tgsigqueueinfo),
        THE(move_pages),
        THE(migrate_pages),
        THE(sched_setaffinity),
        THE(sched_setscheduler),
        THE(ioprio_set),
        THE(ioctl),
        THE(splice),
        THE(sendfile),
        THE(vmsplice),
        THE(tee),
        THE(copy_file_range),
        THE(pipe2),
        THE(dup3),
        THE(accept4),
        THE(listen),
        THE(setsockopt),
        THE(shutdown),
        THE(getdents64),
        THE(readlinkat),
        THE(faccessat),
        THE(statx),
        THE(getcwd),
        THE(fchdir),
        THE(fchmodat),
        THE(fchownat),
        THE(utimensat),
        THE(setxattr),
        THE(getxattr),
        THE(linkat),
        THE(symlinkat),
        THE(unlinkat),
        THE(mkdirat),
        THE(mknodat),
        THE(renameat2),
        THE(flock),
        THE(fallocate),
        THE(getsockname),
        THE(recvmmsg),
        THE(sendmmsg),
        THE(timer_create),
        THE(ptrace),
        THE(landlock_create_ruleset),
        THE(remap_file_pages),
        THE(mlockall),
        THE(mbind),
        THE(set_mempolicy),
        THE(reboot),
        THE(setsid),
        THE(setpgid),
        THE(wait4),
        THE(waitid),
        THE(kill),
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        long r = syscall(calls[i].number, -1, -1, -1, -1, -1, -1);
        tried(r >= 0 || (errno != EPERM && errno != ENOSYS), "reach %s", calls[i].name);
    }
}

/* ---- the broker ---- */

/* Sends a question; true where a descriptor comes back. */
static bool ask(unsigned kind, const char *text, size_t size, bool with_build_id)
{
    static char room[sizeof(struct analysis_request) + 4096], answer[64 * 1024];
    struct analysis_request *request = (void *)room;
    memset(room, 0, sizeof(room));
    request->kind = kind;
    request->flags = REQUEST_FLAG_MAIN;
    request->build_id_size = with_build_id ? 20 : 0;
    memset(request->build_id, 0x5a, 20);
    memcpy(request->text, text, size);
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {answer, sizeof(answer)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    if (send(ANALYSIS_FD_BROKER, room, sizeof(*request) + size, MSG_NOSIGNAL) < 0 ||
        recvmsg(ANALYSIS_FD_BROKER, &message, 0) <= 0)
        return false;
    struct cmsghdr *attached = CMSG_FIRSTHDR(&message);
    return attached && attached->cmsg_type == SCM_RIGHTS;
}

static void try_to_get(const char *path)
{
    char text[1024];
    static const char *const before[] = {"", "/../../../..", "/usr/..", "/proc/self/root"};
    for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
        size_t size = (size_t)snprintf(text, sizeof(text), "%s%s", before[i], path) + 1;
        for (unsigned kind = REQUEST_MODULE; kind <= REQUEST_ALTERNATE; kind++)
            tried(ask(kind, text, size, i % 2), "get %s by %u", text, kind);
    }
    /* As the name in a debug link: "PATH" beside "DIRECTORY/file", and an absolute one. */
    const char *slash = strrchr(path, '/');
    size_t size = (size_t)snprintf(text, sizeof(text), "%.*s/file%c%s", (int)(slash - path), path,
                                   0, slash + 1) +
                  1;
    tried(ask(REQUEST_DEBUG, text, size, false), "get %s by its name", path);
    size = (size_t)snprintf(text, sizeof(text), "/usr/bin/file%c%s", 0, path) + 1;
    tried(ask(REQUEST_ALTERNATE, text, size, false), "get %s as an alternate", path);
}

/* The last of these end the broker; what comes of them is seen by who waits for us. */
static void confuse_broker(void)
{
    static char full[sizeof(struct analysis_request) + ANALYSIS_TEXT_MAX];
    struct analysis_request *request = (void *)full;
    memset(full, 'A', sizeof(full));
    request->kind = REQUEST_OWNERS;
    (void)send(ANALYSIS_FD_BROKER, full, sizeof(full), MSG_NOSIGNAL);
    request->kind = REQUEST_DEBUG;
    request->build_id_size = ~0u;
    (void)send(ANALYSIS_FD_BROKER, full, sizeof(full), MSG_NOSIGNAL);
    request->kind = 0x7fffffff;
    (void)send(ANALYSIS_FD_BROKER, full, sizeof(full), MSG_NOSIGNAL);
    (void)send(ANALYSIS_FD_BROKER, full, 3, MSG_NOSIGNAL);
    (void)send(ANALYSIS_FD_BROKER, full, 0, MSG_NOSIGNAL);
}

/* ---- reports ---- */

static void report(const char *text, const char *listed)
{
    printf("{\"version\":1,\"analyzer\":\"%s\",\"complete\":true,\"problems\":[%s],\"signal\":11,"
           "\"signal_name\":\"%s\",\"si_code\":1,\"fault_address\":\"0x0\",\"reason\":\"%s\","
           "\"details\":[\"%s\"],\"abort_message\":\"%s\",\"signature\":\"0123456789abcdef\","
           "\"signature_frames\":[\"%s\"],\"stack_id\":\"0123456789abcdef\",\"function\":\"%s\","
           "\"package\":\"%s\",\"instruction\":{\"bytes\":\"90\",\"text\":\"%s\"},"
           "\"threads\":[{\"tid\":1,\"name\":\"%s\",\"crashed\":true,\"stop\":\"end\",\"stack\":0,"
           "\"omitted\":0,\"registers\":{\"rip\":\"0x1\"}}],"
           "\"stacks\":[[{\"pc\":\"0x1\",\"function\":\"%s\",\"symbol\":\"%s\",\"offset\":\"0x1\","
           "\"module\":0,\"module_offset\":\"0x1\",\"file\":\"%s\",\"line\":1,\"column\":1,"
           "\"inlined\":false,\"trust\":\"registers\"}]],"
           "\"modules\":[{\"path\":\"/%s\",\"build_id\":\"00\",\"start\":\"0x0\",\"end\":\"0x2\","
           "\"verified\":true,\"symbols\":\"dwarf\",\"package\":\"%s\"}]}\n",
           text, listed, text, text, text, text, text, text, text, text, text, text, text, text,
           text, text);
    fflush(stdout);
}

static void try_everything(void)
{
    char listed[sizeof(problems) + 64];
    for_each(FILES, try_file);
    for_each(PLACES, try_place);
    try_descriptors();
    try_network();
    try_processes();
    try_to_fork();
    try_to_execute();
    try_rights();
    try_memory();
    try_calls();
    if (tried(!ask(REQUEST_MODULE, ALLOWED, sizeof(ALLOWED), false), "not get " ALLOWED))
        tried(true, "not ask at all");
    for_each(ASKED, try_to_get);
    confuse_broker();
    snprintf(listed, sizeof(listed), "\"tried %s\"%s", tries > 1000 ? "everything" : "little",
             problems);
    report("intruder", listed);
}

static void repeat(const char *text)
{
    while (printf("%s", text) > 0)
        ;
}

static void sleep_for_ever(void)
{
    static uint32_t word;
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static int wait_for_ever(void *unused)
{
    (void)unused;
    sleep_for_ever();
    return 0;
}

static void multiply(void)
{
    enum { MOST = 1000 };
    char *stacks =
        mmap(NULL, (MOST + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int made = 0;
    while (made < MOST &&
           clone(wait_for_ever, stacks + (made + 1) * PAGE,
                 CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, NULL) >= 0)
        made++;
    char said[32];
    snprintf(said, sizeof(said), "\"%d threads\"", made);
    report("intruder", said);
}

static void shout(void)
{
    for (int i = 0; i < 1024; i++)
        dprintf(STDERR_FILENO, "\033]0;owned\007\033[31m\233%1000d\r\n", i);
}

enum kind {
    TRIES,
    HUGE,
    ENDLESS,
    MALFORMED,
    NESTED,
    SILENT,
    ESCAPES,
    LIES,
    SHOUTS,
    SLEEPS,
    LINGERS,
    DIES,
    MULTIPLIES
};

int main(void)
{
    switch (KIND) {
    case TRIES:
        try_everything();
        return 0;
    case HUGE:
        printf("{\"version\":1,\"reason\":\"");
        for (int i = 0; i < 1 << 20; i++)
            printf("%0100d", i);
        return 0;
    case ENDLESS:
        repeat("                                                                ");
        return 0;
    case MALFORMED:
        printf("{\"version\":1,\"stacks\":[[{]] \033[31m not \xff json %c at all", 0);
        return 0;
    case NESTED:
        for (int i = 0; i < 1 << 20; i++)
            printf("[{\"version\":");
        return 0;
    case ESCAPES:
        report("\\u001b]0;owned\\u0007\\u001b[31m\\u009b\\u202e\\r\\nforged: line", "");
        return 0;
    case LIES:
        printf("{\"version\":1,\"signal\":11,\"threads\":[{\"tid\":1,\"stop\":\"end\",\"stack\":99,"
               "\"crashed\":true}],\"stacks\":[[{\"pc\":\"0x1\",\"module\":-7,\"trust\":\"cfi\"}]],"
               "\"modules\":[]}");
        return 0;
    case SHOUTS:
        shout();
        return 1;
    case SLEEPS:
        sleep_for_ever();
        return 0;
    case LINGERS:
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        sleep_for_ever();
        return 0;
    case DIES:
        shout();
        abort();
    case MULTIPLIES:
        multiply();
        fflush(stdout);
        _exit(0);
    case SILENT:
    default:
        return 0;
    }
}
