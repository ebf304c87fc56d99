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

# fuzz: bytes of any kind. Each target, with replay.c for a main, runs over its corpus and mutations
# of it in `make check`; with libFuzzer (configure --enable-fuzzing CC=clang), as long as
# `make fuzz FUZZ_SECONDS=600` says.
fuzz_cppflags = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
fuzz_targets =
EXTRA_DIST += tests/fuzz/corpus
if FUZZING
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
EXTRA_DIST += tests/fuzz/replay.c
else
fuzz_main = tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)

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

FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzz_targets)
if FUZZING
	@for target in $(fuzz_targets); do \
	  name=$${target#fuzz-}; mkdir -p fuzz/$$name || exit 1; \
	  echo "== $$name: $(FUZZ_SECONDS) s"; \
	  ./$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
	    -print_final_stats=1 -artifact_prefix=fuzz/$$name- \
	    fuzz/$$name $(top_srcdir)/tests/fuzz/corpus/$$name || exit 1; \
	done
else
	@echo "make fuzz needs: configure --enable-fuzzing CC=clang" >&2; exit 1
endif

include tests/kernel/local.mk

# fuzz: one libFuzzer target a parser of untrusted bytes; run.sh builds them with clang in a tree of
# their own and runs each for a moment on its corpus. `make fuzz FUZZ_SECONDS=3600` runs longer.
TESTS += tests/fuzz/run.sh
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus
fuzz_programs =
EXTRA_PROGRAMS += $(fuzz_programs)
FUZZ_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

fuzz_programs += fuzz-metadata
fuzz_metadata_SOURCES = tests/fuzz/fuzz-metadata.c
fuzz_metadata_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_metadata_LDADD = $(librecord_libs)

fuzz_programs += fuzz-record
fuzz_record_SOURCES = tests/fuzz/fuzz-record.c
fuzz_record_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_record_LDADD = $(librecord_libs)

fuzz_programs += fuzz-import
fuzz_import_SOURCES = tests/fuzz/fuzz-import.c
fuzz_import_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_import_LDADD = $(librecord_libs)

.PHONY: fuzz fuzz-programs fuzz-names
fuzz-programs: $(fuzz_programs)
fuzz-names:
	@echo $(fuzz_programs)
fuzz:
	top_srcdir='$(abs_top_srcdir)' FUZZ_SECONDS='$(or $(FUZZ_SECONDS),600)' $(SHELL) $(srcdir)/tests/fuzz/run.sh

# reports: what is printed of them, over the reports in tests/data/reports
check_PROGRAMS += render
render_SOURCES = tests/cli/render.c cli/json.c cli/terminal.c
render_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
render_LDADD = librender.a $(libstore_libs)
EXTRA_DIST += tests/data/reports
TESTS += tests/cli/render-golden.sh
TESTS += tests/cli/render-hostile.sh
EXTRA_DIST += tests/cli/render-golden.sh tests/cli/render-hostile.sh
