/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug.c - `inquest debug`: a debugger on a crash, with exactly the files that the process had.
 *
 * The core is extracted to a directory that is gone when the debugger is. A tree beside it has the
 * modules under their own paths, those whose build-id is the core's and no others, and serves as
 * sysroot, with links for the names by which modules need each other: what is missing is missing,
 * nothing wrong is shown. lldb, which falls back to whatever lies at a path today, gets an empty
 * file for what is missing. Nothing that comes with the core is run: auto-loading is off, and
 * root's debugger is a user of its own, who may read the directory and nobody else: root makes it,
 * and it stays root's. lldb, whose Python looks for modules in the directory it is
 * started in, is started in /.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/core_file.h"
#include "cli/debugger.h"
#include "cli/module_file.h"
#include "cli/selection.h"
#include "cli/subject.h"
#include "cli/temporary.h"
#include "store/base/bytes.h"
#include "store/base/io.h"

enum { MAX_ARGUMENTS = 4096 };

struct debug_settings {
    struct analysis_settings analysis;
    const char *debugger, *arguments;
    bool as_root;
};

static const struct option_spec debug_options[] = {
    OPTION_TEXT(0, "debugger", "PROGRAM", struct debug_settings, debugger,
                "gdb (the default), lldb, or the path of one"),
    OPTION_TEXT('A', "debugger-arguments", "ARGS", struct debug_settings, arguments,
                "give these arguments to the debugger, separated by blanks"),
    OPTION_FLAG(0, "as-root", struct debug_settings, as_root,
                "root: run the debugger as root, and not as a user of its own"),
    ANALYSIS_OPTIONS(struct debug_settings, analysis),
    OPTIONS_END,
};

/* What the debugger is given. */
struct session {
    const struct subject *subject;
    const struct debug_settings *settings;
    char debugger[PATH_MAX];
    bool is_lldb;
    bool drops; /* root's debugger becomes `user` */
    struct debugger_user user;
    struct temporary_directory place;
    int core_fd, root_fd, libs_fd;
    char core[PATH_MAX], root[PATH_MAX], libs[PATH_MAX]; /* their paths, for the debugger */
    char executable[PATH_MAX];                           /* "" where there is none */
    unsigned missing;                                    /* modules without their file */
    const char *first_missing;                           /* the path of one of them */
};

static int join(char ret[static PATH_MAX], const char *directory, const char *name,
                struct error *error)
{
    if (snprintf(ret, PATH_MAX, "%s%s", directory, name) >= PATH_MAX)
        return error_set(error, ENAMETOOLONG, "%s%s: the name is too long", directory, name);
    return 0;
}

/* A path that means the same from elsewhere. */
static int from_anywhere(char ret[static PATH_MAX], const char *path, struct error *error)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return error_errno(error, errno, "%s", path);
    if (snprintf(ret, PATH_MAX, "%s%s%s", here, here[0] ? "/" : "", path) >= PATH_MAX)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", path);
    return 0;
}

static int extract(struct session *session, struct error *error)
{
    const struct crash_record *record = &session->subject->record;
    bool whole = true;

    int r = join(session->core, session->place.path, "/core", error);
    if (r < 0)
        return r;
    session->core_fd =
        openat(session->place.fd, "core", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (session->core_fd < 0)
        return error_errno(error, errno, "%s", session->core);
    r = record->record ? core_file_extract(record->record, session->core_fd, &whole, error)
                       : core_file_copy(record->fd, session->core_fd, error);
    if (r == 0 && !whole)
        command_warn("the core is not whole: the debugger may lack some memory");
    return r;
}

/* Makes the directories on the way to a file of the tree and opens the last one, which has
 * `*ret_name`. By no link: those to modules lead to where others may have put anything since. */
static int open_parent(const struct session *session, const char *place, const char **ret_name,
                       struct error *error)
{
    char path[MODULE_PLACE_SIZE];
    char *name = path;
    AUTO_FD int parent = fcntl(session->root_fd, F_DUPFD_CLOEXEC, 3);

    if (parent < 0)
        return error_errno(error, errno, "%s", session->root);
    snprintf(path, sizeof path, "%s", place);
    for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
        *slash = '\0';
        if (slash == name)
            continue;
        int made = mkdirat(parent, name, 0755);
        int inner = made == 0 || errno == EEXIST
                        ? openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
        if (inner < 0)
            return error_errno(error, errno, "%s%s", session->root, place);
        close(parent);
        parent = inner;
    }
    *ret_name = place + (name - path);
    return steal_fd(&parent);
}

/* Where everybody may read what everybody may read: not so below /root or /home. */
static bool is_public(const char *path, int fd)
{
    static const char *const places[] = {"/usr/", "/lib", "/bin/", "/sbin/"};
    struct stat st;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0)
            return fstat(fd, &st) == 0 && (st.st_mode & S_IROTH);
    return false;
}

/* A link to the file, or a copy where who debugs may not be allowed to read the original. */
static int place_module(const struct session *session, int fd, const char *place,
                        struct error *error)
{
    char from[64], original[PATH_MAX];
    const char *name;
    AUTO_FD int parent = open_parent(session, place, &name, error);
    if (parent < 0)
        return parent;
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(from, original, sizeof original - 1);
    if (n > 0) {
        original[n] = '\0';
        if ((!session->drops || is_public(original, fd)) &&
            (symlinkat(original, parent, name) == 0 || errno == EEXIST))
            return 0;
    }
    AUTO_FD int out =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (out < 0)
        return errno == EEXIST ? 0 : error_errno(error, errno, "%s%s", session->root, place);
    return core_file_copy(fd, out, error);
}

/* LIBS/NAME, a link to a file of the tree; the first of a name stays. */
static int add_link(const struct session *session, const char *name, const char *target,
                    struct error *error)
{
    if (symlinkat(target, session->libs_fd, name) < 0 && errno != EEXIST)
        return error_errno(error, errno, "%s/%s", session->libs, name);
    return 0;
}

static int add_links(const struct session *session, int fd, const char *path, struct error *error)
{
    char soname[MODULE_SONAME_SIZE];
    int r = add_link(session, render_base_name(path), path, error);
    if (r == 0 && module_file_soname(fd, soname) == 0)
        r = add_link(session, soname, path, error);
    return r;
}

/* The exact file of a module and its place in the tree, or a negative errno. */
static int open_module(const struct session *session, const struct report_module *module,
                       char ret_place[static MODULE_PLACE_SIZE])
{
    if (!module_file_place(module, ret_place))
        return -EINVAL;
    return subject_open_module(session->subject, module, session->settings->analysis.sysroot);
}

static int add_module(struct session *session, const struct report_module *module,
                      struct error *error)
{
    bool is_program = module == subject_executable(session->subject);
    char path[PATH_MAX], place[MODULE_PLACE_SIZE];
    AUTO_FD int fd = open_module(session, module, place);

    if (fd < 0) {
        if (session->missing++ == 0)
            session->first_missing = module->path;
        return 0;
    }
    int r = join(path, session->root, place, error);
    if (r == 0)
        r = place_module(session, fd, place, error);
    if (r == 0)
        r = add_links(session, fd, path, error);
    if (r == 0 && is_program)
        memcpy(session->executable, path, sizeof path);
    return r;
}

/* ---- what is missing, for lldb ---- */

/* An ELF file of the core's machine with nothing in it. */
static int make_stub(const struct session *session, char ret[static PATH_MAX], struct error *error)
{
    union {
        unsigned char bytes[sizeof(Elf64_Ehdr)];
        Elf64_Ehdr header;
    } stub = {.bytes = {0}};
    enum { IDENTITY = offsetof(Elf64_Ehdr, e_version) }; /* with type and machine */

    int r = join(ret, session->place.path, "/missing", error);
    if (r < 0)
        return r;
    AUTO_FD int out = openat(session->place.fd, "missing",
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (out < 0)
        return error_errno(error, errno, "%s", ret);
    if (io_pread(session->core_fd, stub.bytes, IDENTITY, 0) != IDENTITY)
        return error_set(error, EBADMSG, "the core has no head");
    bool is_big = stub.bytes[EI_DATA] == ELFDATA2MSB;
    stub.bytes[EI_NIDENT + !is_big] = 0;
    stub.bytes[EI_NIDENT + is_big] = ET_DYN;
    r = io_write(out, stub.bytes, sizeof stub);
    return r < 0 ? error_errno(error, -r, "%s", ret) : 0;
}

/* The names by which a missing module may be asked for: its own, that of what lies there now, and
 * for libx.so.1.2 also libx.so.1 and libx.so. */
static int hide_module(const struct session *session, const char *place, const char *stub,
                       struct error *error)
{
    char name[MODULE_PLACE_SIZE], soname[MODULE_SONAME_SIZE];
    AUTO_FD int now = module_file_open_installed(place);

    snprintf(name, sizeof name, "%s", render_base_name(place));
    int r = add_link(session, name, stub, error);
    if (r == 0 && now >= 0 && module_file_soname(now, soname) == 0)
        r = add_link(session, soname, stub, error);
    const char *library = strstr(name, ".so.");
    for (char *dot; r == 0 && library && (dot = strrchr(name, '.')) > library;) {
        *dot = '\0';
        r = add_link(session, name, stub, error);
    }
    return r;
}

static int hide_missing(const struct session *session, struct error *error)
{
    const struct report *report = session->subject->report;
    char stub[PATH_MAX], place[MODULE_PLACE_SIZE];

    int r = make_stub(session, stub, error);
    for (size_t i = 0; i < report->n_modules && r == 0; i++) {
        AUTO_FD int fd = open_module(session, &report->modules[i], place);
        if (fd < 0 && fd != -EINVAL)
            r = hide_module(session, place, stub, error);
    }
    return r;
}

/* ---- the tree ---- */

/* `name` begins with a slash. */
static int make_directory(const struct session *session, const char *name, int *ret_fd,
                          char ret_path[static PATH_MAX], struct error *error)
{
    int r = join(ret_path, session->place.path, name, error);
    if (r < 0)
        return r;
    if (mkdirat(session->place.fd, name + 1, 0755) < 0)
        return error_errno(error, errno, "%s", ret_path);
    *ret_fd = openat(session->place.fd, name + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret_fd < 0 ? error_errno(error, errno, "%s", ret_path) : 0;
}

static int build_tree(struct session *session, struct error *error)
{
    const struct report *report = session->subject->report;

    int r = make_directory(session, "/root", &session->root_fd, session->root, error);
    if (r == 0)
        r = make_directory(session, "/libs", &session->libs_fd, session->libs, error);
    for (size_t i = 0; i < report->n_modules && r == 0; i++)
        if (report->modules[i].path[0] == '/')
            r = add_module(session, &report->modules[i], error);
    if (r == 0 && session->missing > 0 && session->is_lldb)
        r = hide_missing(session, error);
    if (r == 0 && session->settings->analysis.exe)
        r = from_anywhere(session->executable, session->settings->analysis.exe, error);
    return r;
}

/* ---- arguments ---- */

struct arguments {
    const char *at[MAX_ARGUMENTS];
    size_t n;
    struct bytes texts[8]; /* those that were put together */
    size_t n_texts;
};

static void add(struct arguments *arguments, const char *text)
{
    if (arguments->n < MAX_ARGUMENTS - 1)
        arguments->at[arguments->n++] = text;
}

__attribute__((format(printf, 2, 3))) static void add_made(struct arguments *arguments,
                                                           const char *format, ...)
{
    AUTO_FREE char *text = NULL;
    va_list list;

    if (arguments->n_texts == ARRAY_SIZE(arguments->texts))
        return;
    va_start(list, format);
    int n = vasprintf(&text, format, list);
    va_end(list);
    struct bytes *made = &arguments->texts[arguments->n_texts];
    if (n < 0) {
        text = NULL;
        return;
    }
    if (bytes_append(made, text, (size_t)n) == 0) {
        arguments->n_texts++;
        add(arguments, made->data);
    }
}

/* Where debug files are: the system's place, and the user's. */
static void append_debug_dirs(struct bytes *list, const struct debug_settings *settings,
                              const char *separator)
{
    const struct texts *dirs = &settings->analysis.debug_dirs;
    char path[PATH_MAX];
    (void)bytes_append_text(list, "/usr/lib/debug");
    for (size_t i = 0; i < dirs->count; i++)
        if (from_anywhere(path, dirs->items[i], NULL) == 0)
            (void)bytes_printf(list, "%s%s", separator, path);
}

static void gdb_arguments(struct arguments *arguments, const struct session *session)
{
    AUTO_BYTES struct bytes dirs = {0};
    append_debug_dirs(&dirs, session->settings, ":");

    if (session->drops)
        add(arguments, "-nx");
    add(arguments, "-iex");
    add(arguments, "set auto-load off");
    add(arguments, "-iex");
    add_made(arguments, "set debug-file-directory %s", dirs.data ? dirs.data : "");
    add(arguments, "-iex");
    add_made(arguments, "set sysroot %s", session->root);
    add(arguments, "-iex");
    add_made(arguments, "set solib-search-path %s", session->libs);
}

static void lldb_arguments(struct arguments *arguments, const struct session *session)
{
    AUTO_BYTES struct bytes dirs = {0};
    append_debug_dirs(&dirs, session->settings, " ");

    if (session->drops)
        add(arguments, "--no-lldbinit");
    add(arguments, "-O");
    add(arguments, "settings set target.load-script-from-symbol-file false");
    add(arguments, "-O");
    add_made(arguments, "settings set target.debug-file-search-paths %s",
             dirs.data ? dirs.data : "");
    add(arguments, "-O");
    add_made(arguments, "settings set target.exec-search-paths %s", session->libs);
    add(arguments, "-O");
    add_made(arguments, "platform select --sysroot %s remote-linux", session->root);
}

/* The user's own arguments stand between ours and the files, so that they can overrule ours. */
static void user_arguments(struct arguments *arguments, const struct call *call, char *words)
{
    for (char *word = words ? strtok_r(words, " \t", &words) : NULL; word;
         word = strtok_r(NULL, " \t", &words))
        add(arguments, word);
    for (size_t i = 0; i < call->rest_count; i++)
        add(arguments, call->rest[i]);
}

static void fill_arguments(struct arguments *arguments, const struct call *call,
                           const struct session *session, char *words)
{
    add(arguments, session->debugger);
    (session->is_lldb ? lldb_arguments : gdb_arguments)(arguments, session);
    user_arguments(arguments, call, words);
    if (session->is_lldb) {
        add(arguments, "--core");
        add(arguments, session->core);
        if (session->executable[0])
            add(arguments, session->executable);
    } else if (session->executable[0]) {
        add(arguments, session->executable);
        add(arguments, session->core);
    } else {
        add(arguments, "-c");
        add(arguments, session->core);
    }
}

/* ---- the verb ---- */

/* What is built may be read by the debugger's group, and changed by root alone: who debugs can put
 * nothing there that root would follow. */
static int admit(const struct session *session, struct error *error)
{
    const uid_t same = (uid_t)-1;
    if (fchown(session->core_fd, same, session->user.gid) < 0 ||
        fchmod(session->core_fd, 0640) < 0 ||
        fchown(session->place.fd, same, session->user.gid) < 0 ||
        fchmod(session->place.fd, 0750) < 0)
        return error_errno(error, errno, "%s", session->place.path);
    return 0;
}

static int prepare(struct session *session, struct error *error)
{
    if (session->drops && debugger_choose_user(&session->user) < 0)
        return error_set(error, ENOENT,
                         "there is no user id for the debugger to have to itself: --as-root runs "
                         "it as root");
    mode_t before = umask(022); /* the debugger's group has to read what is within */
    int r = temporary_directory_make(&session->place, error);
    if (r == 0)
        r = extract(session, error);
    if (r == 0)
        r = build_tree(session, error);
    if (r == 0 && session->drops)
        r = admit(session, error);
    (void)umask(before);
    return r;
}

static void clear_away(struct session *session)
{
    cleanup_fd(&session->core_fd);
    cleanup_fd(&session->root_fd);
    cleanup_fd(&session->libs_fd);
    temporary_directory_remove(&session->place);
}

/* What the debugger is going to show as "??". */
static void note_missing(const struct call *call, const struct session *session)
{
    if (session->missing == 1)
        command_note(call, "%s is not here as the process had it: the debugger goes without",
                     session->first_missing);
    else
        command_note(call,
                     "%s and %u more are not here as the process had them: the debugger "
                     "goes without",
                     session->first_missing, session->missing - 1);
}

static int debug(const struct call *call, struct session *session, struct error *error)
{
    const struct debug_settings *settings = session->settings;
    AUTO_FREE char *words = settings->arguments ? strdup(settings->arguments) : NULL;
    AUTO_FREE struct arguments *arguments = calloc(1, sizeof(*arguments));

    if (!arguments)
        return error_set(error, ENOMEM, "out of memory");
    int r = prepare(session, error);
    if (r == 0) {
        if (session->missing > 0)
            note_missing(call, session);
        fill_arguments(arguments, call, session, words);
        r = debugger_run(arguments->at, session->is_lldb ? "/" : NULL,
                         session->drops ? &session->user : NULL, error);
    }
    for (size_t i = 0; i < arguments->n_texts; i++)
        bytes_free(&arguments->texts[i]);
    clear_away(session);
    return r;
}

static int run_debug(struct call *call, struct error *error)
{
    const struct debug_settings *settings = call->settings;
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    AUTO_FREE struct session *session = calloc(1, sizeof(*session));

    if (!session)
        return error_set(error, ENOMEM, "out of memory");
    int r = subject_open(call, call->words[0], &settings->analysis, &subject, error);
    if (r < 0)
        return selection_end(call, r, error);
    if (subject.record.fd < 0)
        return error_set(error, ENOENT, "%s: its record is gone", subject.id);
    const char *debugger = settings->debugger ? settings->debugger : "gdb";
    *session = (struct session){
        .subject = &subject,
        .settings = settings,
        .place = TEMPORARY_DIRECTORY_NONE,
        .core_fd = -1,
        .root_fd = -1,
        .libs_fd = -1,
    };
    session->is_lldb = strstr(render_base_name(debugger), "lldb");
    session->drops = geteuid() == 0 && !settings->as_root;
    r = strchr(debugger, '/') ? from_anywhere(session->debugger, debugger, error)
                              : join(session->debugger, "", debugger, error);
    return r < 0 ? r : debug(call, session, error);
}

const struct command command_debug = {
    .name = "debug",
    .aliases = {"gdb"},
    .group = COMMAND_LOOK,
    .summary = "open a debugger on the core, with exactly the files that the process had",
    .usage = "[CRASH|COREFILE] [-- ARGS]",
    .description =
        "The debugger's own exit status is passed on. For root it runs as a user of its\n"
        "own; the core and the files are in a temporary directory, which is gone when it ends.\n",
    .options = debug_options,
    .settings_size = sizeof(struct debug_settings),
    .max_words = 1,
    .takes_rest = true,
    .run = run_debug,
};
