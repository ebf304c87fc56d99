# SPDX-License-Identifier: GPL-2.0-or-later
# Tests speak TAP. One line a test, in a block an area, so that additions merge.

TEST_EXTENSIONS = .sh
# C tests run under it themselves (--enable-valgrind), lib.sh runs the programs under it.
LOG_COMPILER = $(VALGRIND)
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	VALGRIND='$(VALGRIND)'; export VALGRIND; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir;

EXTRA_DIST += tests/README.md tests/lib.sh tests/faults.sh

# unit: parsers and formats, with cmocka
if HAVE_CMOCKA
unit_tests =
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

unit_tests += test-base
test_base_SOURCES = tests/unit/test-base.c
test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_base_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-layout
test_layout_SOURCES = tests/unit/test-layout.c
test_layout_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_layout_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-metadata
test_metadata_SOURCES = tests/unit/test-metadata.c
test_metadata_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_metadata_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-record
test_record_SOURCES = tests/unit/test-record.c
test_record_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_record_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-plan
test_plan_SOURCES = tests/unit/test-plan.c
test_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_plan_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-memory
test_memory_SOURCES = tests/unit/test-memory.c
test_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_memory_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-core
test_core_SOURCES = tests/unit/test-core.c
test_core_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_core_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-config
test_config_SOURCES = tests/unit/test-config.c
test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
test_config_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-access
test_access_SOURCES = tests/unit/test-access.c
test_access_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_access_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-storm
test_storm_SOURCES = tests/unit/test-storm.c tests/unit/runtime_fixture.c tests/unit/runtime_fixture.h
test_storm_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_storm_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-hook
test_hook_SOURCES = tests/unit/test-hook.c tests/unit/runtime_fixture.c tests/unit/runtime_fixture.h
test_hook_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(SECCOMP_CFLAGS)
test_hook_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-take
test_take_SOURCES = tests/unit/test-take.c
test_take_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_take_LDADD = $(hook_libs) $(CMOCKA_LIBS)

unit_tests += test-report
test_report_SOURCES = tests/unit/test-report.c
test_report_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
test_report_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-when
test_when_SOURCES = tests/unit/test-when.c
test_when_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_when_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-query
test_query_SOURCES = tests/unit/test-query.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_query_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_query_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-adopt
test_adopt_SOURCES = tests/unit/test-adopt.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_adopt_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ACL_CFLAGS)
test_adopt_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-change
test_change_SOURCES = tests/unit/test-change.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_change_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_change_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

retention_fixture = tests/unit/retention_fixture.c tests/unit/retention_fixture.h \
	tests/unit/store_fixture.c tests/unit/store_fixture.h

unit_tests += test-retention
test_retention_SOURCES = tests/unit/test-retention.c $(retention_fixture)
test_retention_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_retention_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-retention-files
test_retention_files_SOURCES = tests/unit/test-retention-files.c $(retention_fixture)
test_retention_files_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_retention_files_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-modules
test_modules_SOURCES = tests/unit/test-modules.c $(retention_fixture)
test_modules_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_modules_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-cache
test_cache_SOURCES = tests/unit/test-cache.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_cache_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_cache_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-ledger
test_ledger_SOURCES = tests/unit/test-ledger.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_ledger_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_ledger_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-served
test_served_SOURCES = tests/unit/test-served.c
test_served_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_served_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-temporary
test_temporary_SOURCES = tests/unit/test-temporary.c cli/temporary.c
test_temporary_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_temporary_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mkdtemp -Wl,--wrap=geteuid
test_temporary_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-owner
test_owner_SOURCES = tests/unit/test-owner.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_owner_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_owner_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-check
test_check_SOURCES = tests/unit/test-check.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_check_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_check_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-view
test_view_SOURCES = tests/unit/test-view.c tests/unit/store_fixture.c tests/unit/store_fixture.h
test_view_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_view_LDADD = $(libstore_libs) $(CMOCKA_LIBS)

unit_tests += test-signature
test_signature_SOURCES = tests/unit/test-signature.c
test_signature_CPPFLAGS = $(libanalyzer_a_CPPFLAGS) $(CMOCKA_CFLAGS)
test_signature_LDADD = $(libanalyzer_libs) $(CMOCKA_LIBS)

unit_tests += test-demangle
test_demangle_SOURCES = tests/unit/test-demangle.c
test_demangle_CPPFLAGS = $(libanalyzer_a_CPPFLAGS) $(CMOCKA_CFLAGS)
test_demangle_LDADD = $(libanalyzer_libs) $(CMOCKA_LIBS)

unit_tests += test-instruction
test_instruction_SOURCES = tests/unit/test-instruction.c
test_instruction_CPPFLAGS = $(libanalyzer_a_CPPFLAGS) $(CMOCKA_CFLAGS)
test_instruction_LDADD = $(libanalyzer_libs) $(CMOCKA_LIBS)
endif

include tests/fuzz/local.mk

include tests/kernel/local.mk

# reports: what is printed of them, over the reports in tests/data/reports
check_PROGRAMS += render
render_SOURCES = tests/cli/render.c cli/json.c cli/terminal.c
render_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
render_LDADD = librender.a $(libstore_libs)
EXTRA_DIST += tests/data/reports
TESTS += tests/cli/collect-p7-flat.sh
EXTRA_DIST += tests/cli/collect-p7-flat.sh
TESTS += tests/cli/collect-p6-own.sh
EXTRA_DIST += tests/cli/collect-p6-own.sh
TESTS += tests/cli/explain-p2-cores.sh
EXTRA_DIST += tests/cli/explain-p2-cores.sh tests/data/machines
TESTS += tests/cli/trust-p1-debug.sh
EXTRA_DIST += tests/cli/trust-p1-debug.sh
TESTS += tests/cli/trust-p1-import.sh
EXTRA_DIST += tests/cli/trust-p1-import.sh
TESTS += tests/cli/trust-p1-served.sh
EXTRA_DIST += tests/cli/trust-p1-served.sh
TESTS += tests/cli/render-golden.sh
TESTS += tests/cli/render-hostile.sh
EXTRA_DIST += tests/cli/render-golden.sh tests/cli/render-hostile.sh

# setup: this machine, and images of others
TESTS += tests/cli/doctor.sh
EXTRA_DIST += tests/cli/doctor.sh
TESTS += tests/cli/setup.sh
EXTRA_DIST += tests/cli/setup.sh

# what runs them, and what they need
EXTRA_DIST += quickstart runtests tests/packages.sh tests/packages.debian tests/packages.fedora \
	tests/packages.arch tests/packages.alpine tests/progress.awk tests/results.sh tests/points.sh tests/tap.sh \
	tests/skips.allowed

.PHONY: points
points:
	@sh $(srcdir)/tests/points.sh
TESTS += tests/kernel/collect-p1-quickstart.sh
EXTRA_DIST += tests/kernel/collect-p1-quickstart.sh
TESTS += tests/install.sh
TESTS += tests/style.sh
EXTRA_DIST += tests/install.sh tests/style.sh

# the analyzers of C: minutes, so by hand and before a release
.PHONY: lint
lint:
	@top_srcdir='$(abs_top_srcdir)' bash $(srcdir)/tests/lint.sh $(DEFS) -I$(abs_top_builddir) \
		-I$(abs_top_srcdir) $(AM_CPPFLAGS) -U_FORTIFY_SOURCE $(SMARTCOLS_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
EXTRA_DIST += tests/lint.sh .clang-tidy

# the command: stores of imported cores
check_PROGRAMS += make-core
make_core_SOURCES = tests/cli/make-core.c
TESTS += tests/cli/usage.sh
TESTS += tests/cli/list.sh
TESTS += tests/cli/dump.sh
TESTS += tests/cli/import.sh
TESTS += tests/cli/change.sh
TESTS += tests/cli/hostile.sh
TESTS += tests/cli/watch.sh
TESTS += tests/cli/keep.sh
TESTS += tests/cli/keep-free.sh
TESTS += tests/cli/keep-flat.sh
TESTS += tests/cli/prune.sh
TESTS += tests/cli/manual.sh
EXTRA_DIST += tests/cli/store.sh tests/cli/usage.sh tests/cli/list.sh tests/cli/dump.sh
EXTRA_DIST += tests/cli/import.sh tests/cli/change.sh tests/cli/hostile.sh tests/cli/watch.sh
EXTRA_DIST += tests/cli/keep.sh tests/cli/keep-free.sh tests/cli/keep-flat.sh
EXTRA_DIST += tests/cli/prune.sh tests/cli/manual.sh

# explain: backtraces of real cores
explain_tests = tests/kernel/explain-p1-debuginfod.sh tests/kernel/explain-p1-faults.sh tests/kernel/explain-p1-files.sh \
	tests/kernel/explain-p1-handlers.sh tests/kernel/explain-p1-languages.sh tests/kernel/explain-p1-names.sh tests/kernel/explain-p2-machines.sh \
	tests/kernel/explain-p3-speed.sh \
	tests/kernel/explain-p4-signatures.sh tests/kernel/explain-p5-hostile.sh
TESTS += $(explain_tests)
EXTRA_DIST += $(explain_tests) tests/kernel/explain.bash \
	tests/victims/explain/faults.c tests/victims/explain/faults.expected tests/victims/explain/faults.gdb \
	tests/victims/explain/names.cc tests/victims/explain/names.expected \
	tests/victims/explain/panic.rs tests/victims/explain/panic.go tests/victims/explain/shelf.d \
	tests/victims/explain/stacks.c

# store: the keeper, by its system calls
TESTS += tests/store/adopt-nfs.sh tests/store/trust-p3-broker.sh tests/store/trust-p3-check.sh tests/store/trust-p3-keeper.sh
EXTRA_DIST += tests/store/adopt-nfs.sh tests/store/trust-p3-broker.sh tests/store/trust-p3-check.sh tests/store/trust-p3-keeper.sh
