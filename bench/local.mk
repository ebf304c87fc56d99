# SPDX-License-Identifier: GPL-2.0-or-later

# Made-up crashes for measuring lists and queries.
noinst_PROGRAMS += inquest-fill
inquest_fill_SOURCES = bench/fill.c
inquest_fill_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
inquest_fill_LDADD = $(libstore_libs)
