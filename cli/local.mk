# SPDX-License-Identifier: GPL-2.0-or-later
# inquest(1): a verb is one file here and one line in commands.h.

bin_PROGRAMS += inquest

inquest_CPPFLAGS = $(AM_CPPFLAGS) $(SMARTCOLS_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)
inquest_LDADD = librender.a $(libstore_libs) $(SMARTCOLS_LIBS)
inquest_SOURCES = \
	cli/arguments.c cli/arguments.h \
	cli/columns.c cli/columns.h \
	cli/command.h cli/commands.h \
	cli/crash.c cli/crash.h \
	cli/facts.c cli/facts.h \
	cli/help.c cli/help.h \
	cli/json.c cli/json.h \
	cli/lines.c cli/lines.h \
	cli/main.c \
	cli/nearest.c cli/nearest.h \
	cli/pager.c cli/pager.h \
	cli/selection.c cli/selection.h \
	cli/table.c cli/table.h \
	cli/terminal.c cli/terminal.h

bashcompletion_DATA = cli/completions/inquest
EXTRA_DIST += cli/completions/inquest

# Verbs.
inquest_SOURCES += cli/check.c
inquest_SOURCES += cli/dump.c
inquest_SOURCES += cli/import.c cli/bundle_reader.c cli/bundle_reader.h
inquest_SOURCES += cli/info.c
inquest_SOURCES += cli/list.c
inquest_SOURCES += cli/pin.c cli/rm.c cli/change.c cli/change.h
inquest_SOURCES += cli/prune.c
inquest_SOURCES += cli/reindex.c
inquest_SOURCES += cli/stats.c
inquest_SOURCES += cli/watch.c

# Reports: renderers over one model, and the verbs that explain.
inquest_SOURCES += \
	cli/analyze.c \
	cli/bt.c \
	cli/bundle.c cli/bundle.h cli/tar.c cli/tar.h \
	cli/core_file.c cli/core_file.h \
	cli/debug.c cli/debugger.c cli/debugger.h \
	cli/export.c \
	cli/module_file.c cli/module_file.h \
	cli/subject.c cli/subject.h \
	cli/temporary.c cli/temporary.h \
	cli/top.c
noinst_LIBRARIES += librender.a
librender_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
librender_a_SOURCES = \
	cli/render.c cli/render.h \
	cli/render_function.c \
	cli/render_html.c cli/render_html_style.h \
	cli/render_json.c \
	cli/render_markdown.c \
	cli/render_text.c \
	cli/render_ureport.c

# This machine: setup, unsetup, doctor.
inquest_SOURCES += \
	cli/boot_files.c cli/boot_files.h \
	cli/checks.h cli/checks_crash.c cli/checks_kernel.c cli/checks_store.c \
	cli/doctor.c \
	cli/checklist.c cli/checklist.h \
	cli/kernel_settings.c cli/kernel_settings.h \
	cli/machine.c cli/machine.h \
	cli/setup.c \
	cli/system_files.c cli/system_files.h \
	cli/system_users.c cli/system_users.h \
	cli/unsetup.c
