/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.c - what the victims share: saying who they are, and dying of each signal. */
#include "tests/victims/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { VICTIM_USAGE = 64, VICTIM_CANNOT = 77 };

void victim_needs(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
    exit(VICTIM_CANNOT);
}

unsigned long victim_number(const char *argument)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(argument, &end, 10);
    if (errno || end == argument || *end) {
        fprintf(stderr, "victim: '%s' is no number\n", argument);
        exit(VICTIM_USAGE);
    }
    return number;
}

static void print_base64(const char *key, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    printf(",\"%s\":\"", key);
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= n > 2 ? bytes[i + 2] : 0;
        putchar(digits[group >> 18]);
        putchar(digits[group >> 12 & 63]);
        putchar(n > 1 ? digits[group >> 6 & 63] : '=');
        putchar(n > 2 ? digits[group & 63] : '=');
    }
    putchar('"');
}

static void print_file(const char *key, const char *path)
{
    unsigned char bytes[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    victim_needs(n >= 0, path);
    close(fd);
    if (strcmp(key, "comm") == 0)
        n--; /* the newline that the kernel adds */
    print_base64(key, bytes, (size_t)n);
}

void victim_says(int signal, pid_t pid)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("{\"pid\":%d,\"tid\":%d,\"uid\":%u,\"gid\":%u,\"signal\":%d,\"time_us\":%lld",
           pid ? pid : getpid(), pid ? pid : gettid(), getuid(), getgid(), signal,
           (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);

    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe);
    victim_needs(n >= 0, "/proc/self/exe");
    print_file("comm", "/proc/self/comm");
    print_base64("exe", (unsigned char *)exe, (size_t)n);
    print_file("cmdline", "/proc/self/cmdline");
    puts("}");
    fflush(stdout);
}

static void fault_segv(void)
{
    *(volatile int *)0 = 1;
}

/* Reads behind the end of a mapped file. */
static void fault_bus(void)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    victim_needs(fd >= 0, "memfd_create");
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    victim_needs(page != MAP_FAILED, "mmap");
    (void)*page;
}

static void fault_fpe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    volatile int one = 1, zero = 0;
    volatile int quotient = one / zero;
    (void)quotient;
#else
    raise(SIGFPE); /* no trap on division by zero there */
#endif
}

static void fault_ill(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile("udf #0");
#else
    raise(SIGILL);
#endif
}

static void fault_trap(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("int3");
#elif defined(__aarch64__)
    __asm__ volatile("brk #0");
#else
    raise(SIGTRAP);
#endif
}

/* Calls what its own seccomp filter answers with SIGSYS. */
static void fault_sys(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    victim_needs(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    victim_needs(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
    syscall(SYS_getppid);
}

static void fault_quit(void)
{
    kill(getpid(), SIGQUIT);
    pause();
}

static const struct {
    const char *name;
    int number;
    void (*fault)(void);
} signals[] = {
    {"SEGV", SIGSEGV, fault_segv}, {"ABRT", SIGABRT, abort},      {"BUS", SIGBUS, fault_bus},
    {"FPE", SIGFPE, fault_fpe},    {"ILL", SIGILL, fault_ill},    {"TRAP", SIGTRAP, fault_trap},
    {"SYS", SIGSYS, fault_sys},    {"QUIT", SIGQUIT, fault_quit},
};

int victim_signal(const char *name)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    fprintf(stderr, "victim: no fault is known for '%s'\n", name);
    exit(VICTIM_USAGE);
}

_Noreturn void victim_faults(int signal)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i].number == signal)
            signals[i].fault();
    fprintf(stderr, "victim: survived signal %d\n", signal);
    _exit(VICTIM_CANNOT);
}

_Noreturn void victim_dies(int signal)
{
    victim_says(signal, 0);
    victim_faults(signal);
}
