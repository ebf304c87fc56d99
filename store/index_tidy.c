/* SPDX-License-Identifier: GPL-2.0-or-later */
/* index_tidy.c - gives back what removed crashes have left in the index. */
#include "store/index.h"

enum {
    TEXTS_MIN = 20000, /* new texts since the last time, beside two for each crash */
    PAGES_MIN = 1024,  /* free ones */
    PAGES_STEP = 512,  /* given back at once, so that nobody waits long for the lock */
};

static const char drop_texts[] = "DELETE FROM text WHERE seq NOT IN ("
                                 " SELECT user FROM crash WHERE user IS NOT NULL"
                                 " UNION SELECT comm FROM crash WHERE comm IS NOT NULL"
                                 " UNION SELECT exe FROM crash WHERE exe IS NOT NULL"
                                 " UNION SELECT name FROM crash WHERE name IS NOT NULL"
                                 " UNION SELECT hostname FROM crash WHERE hostname IS NOT NULL"
                                 " UNION SELECT container FROM crash WHERE container IS NOT NULL"
                                 " UNION SELECT unit FROM crash WHERE unit IS NOT NULL"
                                 " UNION SELECT package FROM crash WHERE package IS NOT NULL"
                                 " UNION SELECT function FROM crash WHERE function IS NOT NULL"
                                 " UNION SELECT reason FROM crash WHERE reason IS NOT NULL"
                                 " UNION SELECT rule FROM crash WHERE rule IS NOT NULL"
                                 " UNION SELECT function FROM stack WHERE function IS NOT NULL"
                                 " UNION SELECT function FROM frame)";

static int tidy_texts(struct index *index, struct error *error)
{
    struct database *database = index_database(index);
    int64_t last, before, rows;
    int r = database_get(database, error, &last, "SELECT ifnull(max(seq), 0) FROM text", "");
    if (r == 0)
        r = index_meta(index, INDEX_TIDIED, &before, error);
    if (r == 0)
        r = database_get(database, error, &rows, "SELECT ifnull(sum(rows), 0) FROM usage", "");
    if (r != 0 || last - before < TEXTS_MIN + 2 * rows)
        return r;

    r = index_begin(index, error);
    if (r < 0)
        return r;
    r = database_script(database, drop_texts, error);
    if (r == 0)
        r = index_set_meta(index, INDEX_TIDIED, last, error);
    /* A number may be given again, so names that are remembered mean nothing any more. */
    index_forget_names(index);
    if (r == 0)
        return index_commit(index, error);
    index_rollback(index);
    return r;
}

/* Where a quarter of the file is free. */
static int tidy_pages(struct index *index, struct error *error)
{
    struct database *database = index_database(index);
    int64_t unused, all;
    int r = database_get(database, error, &unused, "PRAGMA freelist_count", "");
    if (r == 0)
        r = database_get(database, error, &all, "PRAGMA page_count", "");
    if (r != 0 || unused < PAGES_MIN || unused < all / 4)
        return r;
    for (; unused > 0 && r == 0; unused -= PAGES_STEP)
        r = database_script(database, "PRAGMA incremental_vacuum(512)", error);
    return r;
}

int index_tidy(struct index *index, struct error *error)
{
    int r = tidy_texts(index, error);
    return r < 0 ? r : tidy_pages(index, error);
}
