# SPDX-License-Identifier: GPL-2.0-or-later
# One libFuzzer target a parser of untrusted bytes: run.sh builds them with clang in a tree of their
# own and runs each for a moment on its corpus; `make fuzz FUZZ_SECONDS=3600` runs longer.

TESTS += tests/fuzz/run.sh
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/run.sh tests/fuzz/corpus
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

fuzz_programs += fuzz-config
fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_config_LDADD = $(librecord_libs)

fuzz_programs += fuzz-plan
fuzz_plan_SOURCES = tests/fuzz/fuzz-plan.c
fuzz_plan_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_plan_LDADD = $(hook_libs)

fuzz_programs += fuzz-report
fuzz_report_SOURCES = tests/fuzz/fuzz-report.c
fuzz_report_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_report_LDADD = $(libstore_libs)

fuzz_programs += fuzz-when
fuzz_when_SOURCES = tests/fuzz/fuzz-when.c
fuzz_when_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_when_LDADD = $(libstore_libs)

fuzz_programs += fuzz-match
fuzz_match_SOURCES = tests/fuzz/fuzz-match.c
fuzz_match_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_match_LDADD = $(libstore_libs)

fuzz_programs += fuzz-core
fuzz_core_SOURCES = tests/fuzz/fuzz-core.c
fuzz_core_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_core_LDADD = $(librecord_libs)

fuzz_programs += fuzz-bundle
fuzz_bundle_SOURCES = tests/fuzz/fuzz-bundle.c cli/bundle_reader.c cli/module_file.c cli/temporary.c
fuzz_bundle_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_bundle_LDADD = $(libstore_libs)

fuzz_programs += fuzz-explain
fuzz_explain_SOURCES = tests/fuzz/fuzz-explain.c
fuzz_explain_CPPFLAGS = $(libanalyzer_a_CPPFLAGS)
fuzz_explain_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_explain_LDADD = $(libanalyzer_libs)

fuzz_programs += fuzz-inflate
fuzz_inflate_SOURCES = tests/fuzz/fuzz-inflate.c
fuzz_inflate_CPPFLAGS = $(libanalyzer_a_CPPFLAGS)
fuzz_inflate_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_inflate_LDADD = $(libanalyzer_libs)

fuzz_programs += fuzz-broker
fuzz_broker_SOURCES = tests/fuzz/fuzz-broker.c
fuzz_broker_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_broker_LDADD = $(libstore_libs)

.PHONY: fuzz fuzz-programs fuzz-names
fuzz-programs: $(fuzz_programs)
fuzz-names:
	@echo $(fuzz_programs)
fuzz:
	top_srcdir='$(abs_top_srcdir)' FUZZ_SECONDS='$(or $(FUZZ_SECONDS),600)' \
	  $(SHELL) $(srcdir)/tests/fuzz/run.sh
