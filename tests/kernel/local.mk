# SPDX-License-Identifier: GPL-2.0-or-later
# kernel: real crashes through the real core_pattern

VICTIM_CFLAGS = -std=gnu11 -g -O0 -fno-omit-frame-pointer -pthread $(WARN_CFLAGS)
check_PROGRAMS += \
	tests/kernel/crash tests/kernel/handler tests/kernel/letgo-compare \
	tests/victims/kinds tests/victims/sparse \
	tests/victims/credentials tests/victims/deleted tests/victims/fuse \
	tests/victims/mappings tests/victims/memory tests/victims/namespaces \
	tests/victims/quick tests/victims/signals tests/victims/threads
tests_kernel_crash_SOURCES = tests/kernel/crash.c
tests_kernel_handler_SOURCES = tests/kernel/handler.c
tests_kernel_letgo_compare_SOURCES = tests/kernel/letgo-compare.c
tests_kernel_letgo_compare_LDADD = $(hook_libs)
victim_sources = tests/victims/victim.c tests/victims/victim.h
tests_victims_credentials_SOURCES = tests/victims/credentials.c $(victim_sources)
tests_victims_credentials_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_deleted_SOURCES = tests/victims/deleted.c $(victim_sources)
tests_victims_deleted_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_fuse_SOURCES = tests/victims/fuse.c $(victim_sources)
tests_victims_fuse_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_kinds_SOURCES = tests/victims/kinds.c $(victim_sources)
tests_victims_kinds_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_mappings_SOURCES = tests/victims/mappings.c $(victim_sources)
tests_victims_mappings_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_memory_SOURCES = tests/victims/memory.c $(victim_sources)
tests_victims_memory_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_namespaces_SOURCES = tests/victims/namespaces.c $(victim_sources)
tests_victims_namespaces_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_quick_SOURCES = tests/victims/quick.c $(victim_sources)
tests_victims_quick_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_signals_SOURCES = tests/victims/signals.c $(victim_sources)
tests_victims_signals_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_sparse_SOURCES = tests/victims/sparse.c $(victim_sources)
tests_victims_sparse_CFLAGS = $(VICTIM_CFLAGS)
tests_victims_threads_SOURCES = tests/victims/threads.c $(victim_sources)
tests_victims_threads_CFLAGS = $(VICTIM_CFLAGS)
EXTRA_DIST += tests/victims/crash.py tests/kernel/short.c

kernel_tests = tests/kernel/harness.sh
kernel_tests += tests/kernel/letgo-p2-sparse.sh
kernel_tests += tests/kernel/letgo-p3-bytes.sh
kernel_tests += tests/kernel/letgo-p4-early.sh
kernel_tests += tests/kernel/letgo-p5-stacks.sh
kernel_tests += tests/kernel/letgo-cut.sh
kernel_tests += tests/kernel/letgo-p6-storm.sh
kernel_tests += tests/kernel/letgo-p6-loop.sh
kernel_tests += tests/kernel/letgo-p7-equal.sh
kernel_tests += tests/kernel/letgo-p8-memory.sh
kernel_tests += tests/kernel/collect-p2-listed.sh
kernel_tests += tests/kernel/collect-p3-bytes.sh
kernel_tests += tests/kernel/collect-p4-storm.sh
kernel_tests += tests/kernel/collect-p5-full.sh
kernel_tests += tests/kernel/collect-p5-index.sh
kernel_tests += tests/kernel/collect-p5-killed.sh
kernel_tests += tests/kernel/collect-p5-live.sh
kernel_tests += tests/kernel/collect-p5-store.sh
kernel_tests += tests/kernel/collect-p6-user.sh
kernel_tests += tests/kernel/letgo-p1-released.sh
kernel_tests += tests/kernel/explain-cache.sh
kernel_tests += tests/kernel/trust-p1-cgroup.sh
kernel_tests += tests/kernel/trust-p1-chroot.sh
kernel_tests += tests/kernel/trust-p1-credentials.sh
kernel_tests += tests/kernel/trust-p1-fuse.sh
kernel_tests += tests/kernel/trust-p1-mounts.sh
kernel_tests += tests/kernel/trust-p1-names.sh
kernel_tests += tests/kernel/trust-p1-pager.sh
kernel_tests += tests/kernel/trust-p1-pid-reuse.sh
kernel_tests += tests/kernel/trust-p1-readable.sh
kernel_tests += tests/kernel/trust-p1-runtime.sh
kernel_tests += tests/kernel/trust-p1-text.sh
kernel_tests += tests/kernel/trust-p2-group.sh
kernel_tests += tests/kernel/trust-p2-infer.sh
kernel_tests += tests/kernel/trust-p2-names.sh
kernel_tests += tests/kernel/trust-p2-private.sh
kernel_tests += tests/kernel/trust-p2-privileges.sh
kernel_tests += tests/kernel/trust-p3-faults.sh
kernel_tests += tests/kernel/trust-p3-explained.sh
kernel_tests += tests/kernel/trust-p3-fsync.sh
kernel_tests += tests/kernel/trust-p3-killed.sh
kernel_tests += tests/kernel/trust-p3-live.sh
kernel_tests += tests/kernel/trust-p3-short.sh
kernel_tests += tests/kernel/trust-p5-loops.sh
kernel_tests += tests/kernel/trust-p6-cage.sh
kernel_tests += tests/kernel/explain-p4-top.sh
kernel_tests += tests/kernel/explain-p5-names.sh
kernel_tests += tests/kernel/explain-p6-html.sh
kernel_tests += tests/kernel/explain-bundle.sh
kernel_tests += tests/kernel/explain-debuggers.sh
kernel_tests += tests/kernel/explain-packages.sh
kernel_tests += tests/kernel/explain-verbs.sh
EXTRA_DIST += tests/victims/recipe.c tests/victims/intruder.c
TESTS += $(kernel_tests)
EXTRA_DIST += $(kernel_tests)

# Broken on purpose: run by hand, or by --long.
EXTRA_DIST += tests/mutants
