# SPDX-License-Identifier: GPL-2.0-or-later
# librecord: what the hook may link. libstore: the rest, on top of it.

noinst_LIBRARIES += librecord.a libstore.a

librecord_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS) $(INIH_CFLAGS)
librecord_a_SOURCES = \
	store/base/bytes.c store/base/bytes.h \
	store/base/cleanup.h \
	store/base/clock.h \
	store/base/error.c store/base/error.h \
	store/base/io.c store/base/io.h \
	store/base/parse.c store/base/parse.h \
	store/base/signals.c store/base/signals.h \
	store/base/text.c store/base/text.h \
	store/config.c store/config.h \
	store/config_keys.c store/config_keys.h \
	store/core_compose.c store/core_compose.h \
	store/core_elf.c store/core_elf.h \
	store/core_extent.c store/core_extent.h \
	store/core_facts.c store/core_facts.h \
	store/frame.c store/frame.h \
	store/keys.h \
	store/layout.c store/layout.h \
	store/ledger.c store/ledger.h \
	store/metadata.c store/metadata.h \
	store/programs.c store/programs.h \
	store/record.c store/record.h \
	store/record_writer.c store/record_writer.h \
	store/salvage.c store/salvage.h \
	store/seek_table.c store/seek_table.h
librecord_libs = librecord.a $(ZSTD_LIBS) $(INIH_LIBS)

libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(ACL_CFLAGS) \
	$(SECCOMP_CFLAGS)
libstore_a_SOURCES = \
	store/access.c store/access.h \
	store/adopt.c store/adopt.h \
	store/adopt_import.c \
	store/adopt_new.h \
	store/adopt_part.c \
	store/adopt_runtime.c \
	store/analysis.c store/analysis.h store/analysis_protocol.h \
	store/broker.c store/broker.h \
	store/cache_files.c store/cache_files.h \
	store/cage.c store/cage.h \
	store/check.c store/check.h \
	store/check_access.c store/check_files.c store/check_index.c store/check_work.h \
	store/crash_files.c \
	store/crash_row.c store/crash_row.h \
	store/database.c store/database.h \
	store/debug_cache.c store/debug_cache.h \
	store/debuginfod.c store/debuginfod.h \
	store/explain.c store/explain.h \
	store/filter.c store/filter.h \
	store/findings.c store/findings.h \
	store/groups.c \
	store/index.c store/index.h store/index_row.c store/index_tidy.c \
	store/module_store.c store/module_store.h \
	store/names.c store/names.h \
	store/ownership.c store/ownership.h \
	store/package_index.c store/package_index.h \
	store/pending.c store/pending.h \
	store/pin.c store/pin.h \
	store/prune.c store/prune.h \
	store/query.c store/query.h \
	store/report.c store/report.h \
	store/retention.c store/retention.h \
	store/scan.c store/scan.h \
	store/schema.c store/schema.h \
	store/served.c store/served.h \
	store/source.c store/source.h \
	store/stats.c \
	store/store.c store/store.h \
	store/usage.c store/usage.h \
	store/view.c store/view.h store/view_whole.c \
	store/when.c store/when.h
libstore_libs = libstore.a $(librecord_libs) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ACL_LIBS) \
	$(SECCOMP_LIBS)

libexec_PROGRAMS += inquest-keeper
inquest_keeper_SOURCES = \
	store/keeper.c \
	store/keeper_log.c store/keeper_log.h \
	store/keeper_process.c store/keeper_process.h \
	store/notify.c store/notify.h
inquest_keeper_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CAPNG_CFLAGS)
inquest_keeper_LDADD = $(libstore_libs) $(CAPNG_LIBS)
