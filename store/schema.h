/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - the tables of an index.
 *
 * An index is made of files and can be made again: one of another version is not brought up to
 * date but made anew, as one that is damaged.
 */
#pragma once

#include "store/base/error.h"
#include "store/database.h"

enum {
    SCHEMA_APPLICATION_ID = 0x494e5154, /* "INQT" */
    SCHEMA_VERSION = 5,
};

/* -EUCLEAN: no index of ours, or one of another version than this program's. */
int schema_check(struct database *database, struct error *error);

enum schema_size {
    SCHEMA_LARGE,
    SCHEMA_SMALL, /* a few rows, read once: without most indexes, which take longer to make */
};

/* Makes the tables of an empty database. -EUCLEAN likewise. */
int schema_make(struct database *database, enum schema_size size, struct error *error);
