# SPDX-License-Identifier: GPL-2.0-or-later
# Tests speak TAP. One line a test, in a block an area, so that additions merge.

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir;

EXTRA_DIST += tests/README.md tests/lib.sh

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

unit_tests += test-config
test_config_SOURCES = tests/unit/test-config.c
test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
test_config_LDADD = $(librecord_libs) $(CMOCKA_LIBS)

unit_tests += test-report
test_report_SOURCES = tests/unit/test-report.c
test_report_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
test_report_LDADD = $(libstore_libs) $(CMOCKA_LIBS)
endif

# fuzz: one target a parser of untrusted bytes. With replay.c for a main it runs over its corpus and
# mutations of it, with any compiler; run.sh builds the same targets with libFuzzer in a tree of
# their own and runs each for a moment. `make fuzz FUZZ_SECONDS=3600` runs longer.
fuzz_cppflags = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
fuzz_targets =
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run.sh
if FUZZING
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
EXTRA_DIST += tests/fuzz/replay.c
else
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
TESTS += tests/fuzz/run.sh
endif
check_PROGRAMS += $(fuzz_targets)

.PHONY: fuzz fuzz-programs fuzz-names
fuzz-programs: $(fuzz_targets)
fuzz-names:
	@echo $(fuzz_targets)
fuzz:
	top_srcdir='$(abs_top_srcdir)' FUZZ_SECONDS="$${FUZZ_SECONDS:-600}" $(SHELL) $(srcdir)/tests/fuzz/run.sh

fuzz_targets += fuzz-config
fuzz_config_SOURCES = tests/fuzz/fuzz-config.c $(fuzz_main)
fuzz_config_CPPFLAGS = $(fuzz_cppflags)
fuzz_config_LDFLAGS = $(fuzz_ldflags)
fuzz_config_LDADD = $(librecord_libs)

fuzz_targets += fuzz-report
fuzz_report_SOURCES = tests/fuzz/fuzz-report.c $(fuzz_main)
fuzz_report_CPPFLAGS = $(fuzz_cppflags)
fuzz_report_LDFLAGS = $(fuzz_ldflags)
fuzz_report_LDADD = $(libstore_libs)

fuzz_targets += fuzz-metadata
fuzz_metadata_SOURCES = tests/fuzz/fuzz-metadata.c $(fuzz_main)
fuzz_metadata_CPPFLAGS = $(fuzz_cppflags)
fuzz_metadata_LDFLAGS = $(fuzz_ldflags)
fuzz_metadata_LDADD = $(librecord_libs)

fuzz_targets += fuzz-record
fuzz_record_SOURCES = tests/fuzz/fuzz-record.c $(fuzz_main)
fuzz_record_CPPFLAGS = $(fuzz_cppflags)
fuzz_record_LDFLAGS = $(fuzz_ldflags)
fuzz_record_LDADD = $(librecord_libs)

fuzz_targets += fuzz-import
fuzz_import_SOURCES = tests/fuzz/fuzz-import.c $(fuzz_main)
fuzz_import_CPPFLAGS = $(fuzz_cppflags)
fuzz_import_LDFLAGS = $(fuzz_ldflags)
fuzz_import_LDADD = $(librecord_libs)

include tests/kernel/local.mk

# reports: what is printed of them, over the reports in tests/data/reports
check_PROGRAMS += render
render_SOURCES = tests/cli/render.c cli/json.c cli/terminal.c
render_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
render_LDADD = librender.a $(libstore_libs)
EXTRA_DIST += tests/data/reports
TESTS += tests/cli/render-golden.sh
TESTS += tests/cli/render-hostile.sh
EXTRA_DIST += tests/cli/render-golden.sh tests/cli/render-hostile.sh
