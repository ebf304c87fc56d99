/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-config.c - any bytes as an inquest.conf, and rules asked about a crash with hostile names.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "store/config.h"
#include "store/config_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *data, const char *file, unsigned line, const char *message)
{
    (void)data, (void)file, (void)line, (void)message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_CONFIG struct config *config = NULL;
    if (config_parse("fuzz", (const char *)data, size, ignore, NULL, &config) < 0)
        return 0;

    const struct config_subject subject = {
        .exe = "/usr/bin/aaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        .comm = "\xff[]*?\n",
        .user = "user",
        .uid = 1000,
        .signal = SIGSEGV,
    };
    const struct config_settings *settings;
    const char *rule;
    config_for(config, &subject, &settings, &rule);
    if (settings->capture.mode > CONFIG_MODE_IGNORE || settings->store.max_use.percent > 100)
        __builtin_trap();
    if (config_under_rule(config, rule) != settings)
        __builtin_trap();
    for (size_t i = 0; i < config_key_count; i++)
        if (!config_origin(config, i).text)
            __builtin_trap();
    return 0;
}
