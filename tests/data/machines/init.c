/* SPDX-License-Identifier: GPL-2.0-or-later */
/* init.c - the only program of a small Linux machine: lets /victim die in each way that its
 * arguments name, writes the cores to the console in hexadecimal, and switches off. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 48 }; /* bytes of a core on a line; lines of zeros are left out */

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        printf("@failed %s\n", path);
    if (fd >= 0)
        close(fd);
}

static void run_victim(char *way)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, stack = {256 * 1024, 256 * 1024};
    setrlimit(RLIMIT_CORE, &all);
    setrlimit(RLIMIT_STACK, &stack);
    execl("/victim", "/victim", way, NULL);
    _exit(127);
}

static void print_core(const char *way)
{
    static const unsigned char zeros[LINE];
    unsigned char bytes[LINE];
    FILE *file = fopen("/core", "r");
    long offset = 0;
    size_t n;
    while (file && (n = fread(bytes, 1, LINE, file)) > 0) {
        if (memcmp(bytes, zeros, n) != 0) {
            printf("@bytes %lx ", (unsigned long)offset);
            for (size_t i = 0; i < n; i++)
                printf("%02x", bytes[i]);
            printf("\n");
        }
        offset += (long)n;
    }
    printf("@core %s %lx\n", way, (unsigned long)offset);
    fflush(stdout);
    if (file)
        fclose(file);
    unlink("/core");
}

int main(int argc, char **argv)
{
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    put("/proc/sys/kernel/printk", "1");
    put("/proc/sys/kernel/core_pattern", "/core");
    put("/proc/sys/kernel/core_uses_pid", "0");
    for (int i = 1; i < argc; i++) {
        pid_t pid = fork();
        if (pid == 0)
            run_victim(argv[i]);
        waitpid(pid, NULL, 0);
        print_core(argv[i]);
    }
    sleep(1); /* the console is slow */
    reboot(RB_POWER_OFF);
    return 0;
}
