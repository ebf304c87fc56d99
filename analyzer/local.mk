# SPDX-License-Identifier: GPL-2.0-or-later
# inquest-analyzer: a leaf. The rooms are in libanalyzer.a, so that tests and fuzzers reach them.

noinst_LIBRARIES += libanalyzer.a
libanalyzer_a_CPPFLAGS = $(AM_CPPFLAGS) $(DW_CFLAGS) $(ELF_CFLAGS) $(DEFLATE_CFLAGS) $(LZMA_CFLAGS) \
	$(ZSTD_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)
libanalyzer_a_SOURCES = \
	analyzer/cage.c analyzer/cage.h \
	analyzer/core.c analyzer/core.h \
	analyzer/debug_info.c analyzer/debug_info.h \
	analyzer/demangle.c analyzer/demangle.h \
	analyzer/elf_symbols.c analyzer/elf_symbols.h \
	analyzer/entries.c analyzer/entries.h \
	analyzer/explain.c analyzer/explain.h \
	analyzer/expression.c analyzer/expression.h \
	analyzer/files.c analyzer/files.h \
	analyzer/image.c analyzer/image.h \
	analyzer/inflate.c analyzer/inflate.h \
	analyzer/instruction.c analyzer/instruction.h \
	analyzer/json.c analyzer/json.h \
	analyzer/meanings.c analyzer/meanings.h \
	analyzer/messages.c analyzer/messages.h \
	analyzer/module_files.c analyzer/module_files.h \
	analyzer/modules.c analyzer/modules.h \
	analyzer/notes.c analyzer/notes.h \
	analyzer/packages.c analyzer/packages.h \
	analyzer/places.c analyzer/places.h \
	analyzer/reason.c analyzer/reason.h \
	analyzer/registers.c analyzer/registers.h \
	analyzer/report.c analyzer/report.h \
	analyzer/rows.c analyzer/rows.h \
	analyzer/scopes.c analyzer/scopes.h \
	analyzer/sha256.c analyzer/sha256.h \
	analyzer/signature.c analyzer/signature.h \
	analyzer/symbols.c analyzer/symbols.h \
	analyzer/threads.c analyzer/threads.h \
	analyzer/unwind.c analyzer/unwind.h
libanalyzer_libs = libanalyzer.a $(librecord_libs) $(DW_LIBS) $(ELF_LIBS) $(DEFLATE_LIBS) $(LZMA_LIBS) $(JANSSON_LIBS) \
	$(SECCOMP_LIBS) $(IBERTY_LIBS)

libexec_PROGRAMS += inquest-analyzer
inquest_analyzer_CPPFLAGS = $(libanalyzer_a_CPPFLAGS)
inquest_analyzer_SOURCES = analyzer/main.c
inquest_analyzer_LDADD = $(libanalyzer_libs)

EXTRA_DIST += analyzer/README.md
