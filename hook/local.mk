# SPDX-License-Identifier: GPL-2.0-or-later
# The hook: librecord and nothing bigger. Its rooms are a library too, so that tests can enter them.

libexec_PROGRAMS += inquest-hook
noinst_LIBRARIES += libhook.a

libhook_a_CPPFLAGS = $(AM_CPPFLAGS) $(CAPNG_CFLAGS) $(SECCOMP_CFLAGS)
libhook_a_SOURCES = \
	hook/access.c hook/access.h \
	hook/arguments.c hook/arguments.h \
	hook/budget.c hook/budget.h \
	hook/buffer.c hook/buffer.h \
	hook/build_id.c hook/build_id.h \
	hook/cage.c hook/cage.h \
	hook/capture.c hook/capture.h \
	hook/cgroup.c hook/cgroup.h \
	hook/conclude.c hook/conclude.h \
	hook/core_head.c hook/core_head.h \
	hook/extents.c hook/extents.h \
	hook/facts.c hook/facts.h \
	hook/log.c hook/log.h \
	hook/mappings.c hook/mappings.h \
	hook/memory.c hook/memory.h \
	hook/modules.c hook/modules.h \
	hook/pagemap.c hook/pagemap.h \
	hook/part.c hook/part.h \
	hook/plan.c hook/plan.h \
	hook/policy.c hook/policy.h \
	hook/process.c hook/process.h \
	hook/rescue.c hook/rescue.h \
	hook/rights.c hook/rights.h \
	hook/room.c hook/room.h \
	hook/runtime.c hook/runtime.h \
	hook/source.h \
	hook/source_memory.c hook/source_memory.h \
	hook/source_pipe.c hook/source_pipe.h \
	hook/sparse.c hook/sparse.h \
	hook/storm.c hook/storm.h \
	hook/take.c hook/take.h \
	hook/threads.c hook/threads.h \
	hook/victim.c hook/victim.h \
	hook/watch.c hook/watch.h
hook_libs = libhook.a $(librecord_libs) $(CAPNG_LIBS) $(SECCOMP_LIBS)

inquest_hook_CPPFLAGS = $(libhook_a_CPPFLAGS)
inquest_hook_SOURCES = hook/main.c
inquest_hook_LDADD = $(hook_libs)
EXTRA_DIST += hook/README.md
