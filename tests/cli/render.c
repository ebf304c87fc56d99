/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render - prints a report file through one renderer: render FORMAT REPORT [FACTS [OPTION…]]. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"
#include "store/base/cleanup.h"
#include "store/base/parse.h"

/* Facts for the test: lines of KEY=bytes. */
static struct metadata *read_facts(const char *path)
{
    AUTO_METADATA struct metadata *facts = metadata_new();
    AUTO_FILE FILE *file = fopen(path, "re");
    AUTO_FREE char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (!facts || !file)
        return NULL;
    while ((n = getline(&line, &room, file)) > 0) {
        char *equals = memchr(line, '=', (size_t)n);
        if (!equals)
            return NULL;
        *equals = '\0';
        char *value = equals + 1;
        if (metadata_set(facts, line, value, (size_t)(line + n - value) - 1) < 0)
            return NULL;
    }
    return steal_pointer(&facts);
}

static int render(const char *format, const struct render_input *input,
                  const struct render_options *options)
{
    struct json_stream json = json_stream_to(stdout, JSON_PRETTY);
    if (strcmp(format, "text") == 0)
        return render_text(stdout, input, options);
    if (strcmp(format, "json") == 0)
        return render_json(&json, input, options);
    if (strcmp(format, "markdown") == 0)
        return render_markdown(stdout, input, options);
    if (strcmp(format, "html") == 0)
        return render_html(stdout, input, options);
    if (strcmp(format, "ureport") == 0)
        return render_ureport(&json, input);
    return -EINVAL;
}

static int read_option(const char *text, struct render_options *options)
{
    if (strcmp(text, "all") == 0)
        options->all = true;
    else if (strcmp(text, "registers") == 0)
        options->registers = true;
    else if (strcmp(text, "colour") == 0)
        options->colour = true;
    else if (strncmp(text, "thread=", 7) == 0)
        options->thread = text + 7;
    else if (strncmp(text, "frames=", 7) == 0)
        return parse_u64(text + 7, 10, UINT64_MAX, &options->frames);
    else
        return -EINVAL;
    return 0;
}

int main(int argc, char **argv)
{
    struct render_options options = {0};
    struct error error = {0};
    AUTO_REPORT struct report *report = NULL;
    AUTO_METADATA struct metadata *facts = NULL;

    AUTO_FD int fd = argc > 2 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || report_read(fd, &report, &error) < 0) {
        fprintf(stderr, "render: %s\n", error.text[0] ? error.text : "FORMAT REPORT [FACTS]");
        return 1;
    }
    if (argc > 3 && argv[3][0] && !(facts = read_facts(argv[3]))) {
        fprintf(stderr, "render: bad facts\n");
        return 1;
    }
    for (int i = 4; i < argc; i++)
        if (read_option(argv[i], &options) < 0)
            return 64;
    const struct render_input input = {
        .id = facts ? metadata_text(facts, "id") : NULL,
        .facts = facts,
        .report = report,
    };
    int r = render(argv[1], &input, &options);
    return r < 0 || fflush(stdout) != 0;
}
