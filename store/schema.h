/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema.h - the tables of an index, and how an older index becomes a current one.
 */
#pragma once

#include "store/base/error.h"
#include "store/database.h"

enum {
    SCHEMA_APPLICATION_ID = 0x494e5154, /* "INQT" */
    SCHEMA_VERSION = 4,
};

/* -EUCLEAN: no index of ours, or one newer than this program. */
int schema_check(struct database *database, struct error *error);

/* Makes the tables of an empty database, or brings an older index up to date. -EUCLEAN likewise. */
int schema_upgrade(struct database *database, struct error *error);
