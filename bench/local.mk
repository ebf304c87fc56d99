# SPDX-License-Identifier: GPL-2.0-or-later

# Made-up crashes for measuring lists and queries.
noinst_PROGRAMS += inquest-fill
inquest_fill_SOURCES = bench/fill.c
inquest_fill_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
inquest_fill_LDADD = $(libstore_libs)

# held: how long a dying process is held, beside other handlers. `make bench` as root.
EXTRA_PROGRAMS += bench/victim bench/handler
bench_victim_SOURCES = bench/victim.c
bench_victim_CFLAGS = $(AM_CFLAGS) -O2 -g -fno-omit-frame-pointer
bench_handler_SOURCES = bench/handler.c
CLEANFILES += bench/victim$(EXEEXT) bench/handler$(EXEEXT)
EXTRA_DIST += bench/README.md bench/held.py bench/chart.py bench/systemd_peer.py \
	bench/held.svg

# explain: what a backtrace costs, beside other tools. index: what questions to a big store cost.
EXTRA_DIST += bench/explain.py bench/units.cc bench/index.sh

BENCH_HELD = --sizes 16,256,1024,2048 --extreme --runs 5
BENCH_EXPLAIN = --runs 7
BENCH_INDEX = 1000 1000000
RUN_BENCH = PYTHONDONTWRITEBYTECODE=1 python3

.PHONY: bench bench-held bench-explain bench-index
bench: bench-held bench-explain bench-index
bench-held: all bench/victim$(EXEEXT) bench/handler$(EXEEXT)
	$(RUN_BENCH) $(srcdir)/bench/held.py --build $(abs_top_builddir) --out bench-results $(BENCH_HELD)
bench-explain: all bench/victim$(EXEEXT) bench/handler$(EXEEXT)
	$(RUN_BENCH) $(srcdir)/bench/explain.py --build $(abs_top_builddir) --out bench-results \
		$(BENCH_EXPLAIN)
bench-index: all
	bash $(srcdir)/bench/index.sh $(BENCH_INDEX)
