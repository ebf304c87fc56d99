/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runtime_fixture.h - a directory for what hooks share, as /run/inquest is.
 */
#pragma once

/* Setup and teardown of cmocka: *state is its descriptor, as an intptr_t. */
int make_directory(void **state);
int remove_directory(void **state);
