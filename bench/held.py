#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""held.py - how long crash handlers hold a dying process, side by side through the real core_pattern.

Every handler gets the same victim in turn (interleaved, so that a busy moment of the machine hits
all alike). One line of JSON a run goes to OUT/runs.jsonl; the end is a table of medians and of
ratios to `drain`, which reads the pipe to nowhere, and OUT/held.svg.

  held        fault until the parent's waitpid returns: what a restart waits for
  released    the handler's start until it lets the process go, as its record says: what is left of
              `held` is the kernel's own, before (starting the handler) and after (freeing memory)
  backtrace   fault until a backtrace is there for who asks at once: `inquest bt` on the record that
              is still being written, journald's entry of systemd-coredump, eu-stack on a core
  report      fault until it is there by itself, with everything that the whole core can tell
  cpu, rss    of the handler and all it waited for       written, stored   bytes on disk
"""
import argparse
import fcntl
import glob
import json
import mmap
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import chart
import systemd_peer

PATTERN = '/proc/sys/kernel/core_pattern'
PIPE_LIMIT = '/proc/sys/kernel/core_pipe_limit'
LOCK = '/run/lock/core_pattern.lock'
SPECIFIERS = '%P %I %p %i %u %g %s %t %c %d %F %h %E'
WAIT_S = 120


def read(path):
    with open(path) as file:
        return file.read().strip()


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


class Bench:
    """A directory of its own with the programs, the store and what the handlers write."""

    def __init__(self, build, out, realtime=False, cold=False):
        self.cold = cold
        self.build = os.path.abspath(build)
        self.out = os.path.abspath(out)
        self.has_analyzer = os.path.exists(self.build + '/inquest-analyzer')
        # Short, for core_pattern has 127 bytes; open to those who work without privileges.
        self.dir = tempfile.mkdtemp(prefix='iqb.', dir='/var/tmp')
        os.chmod(self.dir, 0o755)
        self.store = self.dir + '/store'
        self.realtime = realtime
        if realtime:
            write(self.dir + '/realtime', '')
        os.makedirs(self.out, exist_ok=True)
        for sub, mode in ('', 0o751), ('/new', 0o700), ('/crashes', 0o751), ('/modules', 0o750):
            os.mkdir(self.store + sub, mode)
        shutil.copy(self.build + '/bench/handler', self.dir + '/handler')
        os.symlink(self.build + '/inquest-hook', self.dir + '/inquest')
        self.script('cat', 'exec cat >"$DIR/core.$1"')
        self.script('zstd', 'exec zstd -1 -q -c >"$DIR/core.$1.zst"')
        self.script('zstd-T0', 'exec zstd -1 -T0 -q -c >"$DIR/core.$1.zst"')

    def script(self, name, body):
        path = f'{self.dir}/{name}'
        write(path, f'#!/bin/sh\nDIR={self.dir}\n{body}\n')
        os.chmod(path, 0o755)

    def config(self, name, text=''):
        """A config without storm rules, for many crashes of one program are the point here."""
        write(f'{self.dir}/{name}', f'[store]\npath = {self.store}\nmax_use = 50G\n'
                                    f'[capture]\nmax_core = 100T\n[storm]\nwindow = 0\n{text}')

    def records(self, pid):
        return glob.glob(f'{self.store}/new/*-{pid}.core.zst') + \
            glob.glob(f'{self.store}/crashes/*/*-{pid}.core.zst')

    def logged(self, pid, since=0):
        """What bench/handler.c says of the handler for `pid`, once it has ended."""
        try:
            with open(self.dir + '/handler.log') as file:
                for line in file:
                    fields = line.split()
                    if fields[1] == str(pid) and float(fields[2]) > since:
                        return dict(ended=float(fields[2]), cpu=float(fields[4]) + float(fields[5]),
                                    rss=int(fields[6]) * 1024, written=int(fields[7]) * 512)
        except FileNotFoundError:
            pass
        return None

    def clear(self, pid):
        for path in self.records(pid) + glob.glob(f'{self.dir}/core.{pid}*') + \
                glob.glob(f'{self.store}/crashes/*/*-{pid}.report.json'):
            os.unlink(path)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Handler:
    """One way to handle a core. Subclasses say what stands in core_pattern and what came of it."""
    name = ''
    pipe_limit = 16

    def __init__(self, bench):
        self.bench = bench

    def pattern(self):
        return f'|{self.bench.dir}/handler {self.name} %P'

    def stored(self, pid):
        return None

    def ask(self, pid, fault):
        """Asks for a backtrace as soon as the process is gone: seconds from the fault, or None."""
        return None

    def report(self, pid, fault):
        """The same, of the backtrace that comes by itself."""
        return None

    def usage(self, pid, fault):
        """What others have spent on the kernel's handler's behalf."""
        return {}

    def released(self, pid):
        """Seconds from the handler's start until it let the process go, where it says so."""
        return None

    def clear(self, pid):
        self.bench.clear(pid)


class Drain(Handler):
    name = 'drain'


class ToFile(Handler):
    """A core in a file, and a backtrace as soon as somebody starts eu-stack on it."""
    suffix = ''

    def ask(self, pid, fault):
        end = time.monotonic() + WAIT_S
        while not self.bench.logged(pid) and time.monotonic() < end:
            time.sleep(0.005)
        return self.backtrace_of_core(pid, fault)

    def pattern(self):
        return f'{super().pattern()} %P'

    def core(self, pid):
        return f'{self.bench.dir}/core.{pid}{self.suffix}'

    def stored(self, pid):
        return os.stat(self.core(pid)).st_size

    def backtrace_of_core(self, pid, fault):
        core = self.core(pid)
        if self.suffix:
            subprocess.run(['zstd', '-dqf', core, '-o', core + '.raw'], check=True)
            core += '.raw'
        subprocess.run(['eu-stack', '-n', '0', '--core', core], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        return time.monotonic() - fault


class Cat(ToFile):
    name = 'cat'


class Zstd(ToFile):
    name = 'zstd'
    suffix = '.zst'


class ZstdThreads(Zstd):
    name = 'zstd-T0'


class Inquest(Handler):
    name = 'inquest'
    pipe_limit = 1024

    def __init__(self, bench, name='inquest', config=''):
        super().__init__(bench)
        self.name = name
        bench.config(name[-1] if name != 'inquest' else 'c', config)
        self.config = name[-1] if name != 'inquest' else 'c'

    def pattern(self):
        return f'|{self.bench.dir}/handler inquest %P -C {self.bench.dir}/{self.config} {SPECIFIERS}'

    def stored(self, pid):
        records = self.bench.records(pid)
        return os.stat(records[0]).st_size if records else None

    def released(self, pid):
        said = subprocess.run([self.bench.build + '/inquest', '-D', self.bench.store, 'info',
                               '--json', str(pid)], capture_output=True, text=True, check=False)
        try:
            info = json.loads(said.stdout)
            info = info[0] if isinstance(info, list) else info
            return int(info['metadata']['held_us']) / 1e6
        except (ValueError, LookupError, TypeError):
            return None

    def ask(self, pid, fault):
        """From the record that is still being written, by the stacks that were taken first."""
        end = time.monotonic() + 20
        while self.bench.has_analyzer and time.monotonic() < end:
            said = subprocess.run([self.bench.build + '/inquest', '-D', self.bench.store, 'bt',
                                   '--json', f'pid={pid}'], capture_output=True, check=False)
            if said.returncode in (0, 3) and b'"function"' in said.stdout:
                return time.monotonic() - fault
        return None

    def report(self, pid, fault):
        pattern = f'{self.bench.store}/crashes/*/*-{pid}.report.json'
        end = time.monotonic() + (20 if self.bench.has_analyzer else 0)
        while time.monotonic() < end:
            for path in glob.glob(pattern):
                # The file's own time: asking often would take the processor from it.
                since_epoch = os.stat(path).st_mtime
                return since_epoch - (time.time() - time.monotonic()) - fault
            time.sleep(0.01)
        return None


class Victim:
    """A process that crashes when told to."""

    def __init__(self, argv, realtime=False):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd='/', preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
        self.pid = self.process.pid
        if self.process.stdout.readline() != b'ready\n':
            sys.exit(f'{argv[0]}: the victim did not get ready')
        if realtime:
            os.sched_setscheduler(self.pid, os.SCHED_RR, os.sched_param(10))

    def resident(self):
        """Bytes of it in memory."""
        return int(read(f'/proc/{self.pid}/statm').split()[1]) * mmap.PAGESIZE

    def crash(self):
        """Seconds of CLOCK_MONOTONIC: when it faulted, and how long it was held."""
        self.process.stdin.write(b'x')
        self.process.stdin.flush()
        fault = int(self.process.stdout.readline()) / 1e9
        _, status, _ = os.wait4(self.pid, 0)
        held = time.monotonic() - fault
        self.process.returncode = status
        return fault, held, bool(status & 128)


class Pattern:
    """core_pattern for a moment, under the lock. A process of its own puts back what was there, as
    soon as ours lets go or is gone, however that may be, and holds the lock until then."""
    PUT_BACK = 'trap "" INT TERM HUP; read _; printf %s "$1" >"$3"; printf %s "$2" >"$4"'

    def __init__(self, pattern, pipe_limit):
        if len(pattern) > 127:
            sys.exit(f'core_pattern would be cut: {pattern}')
        self.wanted = pattern, str(pipe_limit)

    def __enter__(self):
        with open(LOCK, 'a') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.guard = subprocess.Popen(
                ['sh', '-c', self.PUT_BACK, 'sh', read(PATTERN), read(PIPE_LIMIT), PATTERN,
                 PIPE_LIMIT], stdin=subprocess.PIPE, pass_fds=[lock.fileno()],
                start_new_session=True)
        write(PIPE_LIMIT, self.wanted[1])
        write(PATTERN, self.wanted[0])

    def __exit__(self, *_):
        self.guard.stdin.close()
        self.guard.wait()


def fetch_memory(size):
    """Has the kernel own `size` bytes of free memory. A virtual machine that reports free pages to
    its host (virtio-balloon) loses them after two idle seconds, and gets them back at 0.4 GiB/s."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, size, mmap.PAGESIZE):
            memory[at] = 1


def run_once(bench, handler, argv):
    """One crash under one handler. The lock is held from before the fault until there is an answer."""
    victim = Victim(argv, bench.realtime)
    os.sync()
    if not bench.cold:
        fetch_memory(victim.resident() * 2 + (256 << 20))
    with Pattern(handler.pattern(), handler.pipe_limit):
        fault, held, dumped = victim.crash()
        result = dict(handler=handler.name, held=held, dumped=dumped)
        result['backtrace'] = handler.ask(victim.pid, fault)  # who asks at once
    end = time.monotonic() + WAIT_S
    while not (said := bench.logged(victim.pid)) and time.monotonic() < end:
        time.sleep(0.01)
    result['report'] = handler.report(victim.pid, fault)
    if said:
        more = handler.usage(victim.pid, fault)
        result.update(cpu=said['cpu'] + more.get('cpu', 0),
                      rss=max(said['rss'], more.get('rss', 0)),
                      written=said['written'] + more.get('written', 0))
    result['stored'] = handler.stored(victim.pid)
    result['released'] = handler.released(victim.pid)
    handler.clear(victim.pid)
    return result


def median(runs, key):
    values = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def shown(value, scale=1, digits=0):
    return '-' if value is None else f'{value / scale:.{digits}f}'


def report(case, results, file=sys.stdout):
    """Medians of one case, a line a handler."""
    drain = median(results.get('drain', []), 'held')
    print(f'\n{case}', file=file)
    print(f'{"handler":<18}{"held ms":>9}{"ratio":>7}{"min..max ms":>16}{"released ms":>13}'
          f'{"backtrace ms":>14}{"report ms":>11}'
          f'{"cpu ms":>8}{"rss MiB":>9}{"written MiB":>13}{"stored MiB":>12}', file=file)
    for name, runs in results.items():
        held = median(runs, 'held')
        span = f'{min(r["held"] for r in runs) * 1e3:.0f}..{max(r["held"] for r in runs) * 1e3:.0f}'
        print(f'{name:<18}{shown(held, 1e-3, 1):>9}'
              f'{shown(held / drain if drain else None, 1, 2):>7}{span:>16}'
              f'{shown(median(runs, "released"), 1e-3, 1):>13}'
              f'{shown(median(runs, "backtrace"), 1e-3):>14}'
              f'{shown(median(runs, "report"), 1e-3):>11}{shown(median(runs, "cpu"), 1e-3):>8}'
              f'{shown(median(runs, "rss"), 1 << 20):>9}'
              f'{shown(median(runs, "written"), 1 << 20, 1):>13}'
              f'{shown(median(runs, "stored"), 1 << 20, 1):>12}', file=file, flush=True)


def build_asan(bench):
    """The victim with AddressSanitizer's terabytes of shadow, or None where cc has none."""
    path = bench.dir + '/victim-asan'
    source = os.path.dirname(os.path.abspath(__file__)) + '/victim.c'
    made = subprocess.run(['cc', '-g', '-O1', '-fsanitize=address', '-pthread', '-D_GNU_SOURCE',
                           '-o', path, source], stderr=subprocess.DEVNULL, check=False)
    return path if made.returncode == 0 else None


def cases(options, bench):
    """Name and command line of each victim, and whether only Inquest can be asked to take it."""
    victim = bench.build + '/bench/victim'
    for size in filter(None, options.sizes.split(',')):
        yield f'{size} MiB', [victim, size, '4'], False
    if options.extreme:
        yield '500 threads, 8 MiB stacks', [victim, '0', '500', '8192'], False
        yield '4 GiB, 100 threads', [victim, '4096', '100'], True
        yield '64 GiB, 64 pages', [victim, '0', '4', '256', '64'], True
        asan = build_asan(bench)
        if asan:
            yield 'AddressSanitizer', ['env', 'ASAN_OPTIONS=handle_segv=0:disable_coredump=0:'
                                       'use_madv_dontdump=0', asan, '16', '4'], True


def handlers(options, bench):
    known = {'drain': Drain, 'cat': Cat, 'zstd': Zstd, 'zstd-T0': ZstdThreads,
             'inquest': Inquest,
             'inquest-stacks': lambda b: Inquest(b, 'inquest-stacks', '[capture]\nmode = stacks\n'),
             'inquest-0': lambda b: Inquest(b, 'inquest-0', '[capture]\nhold_buffer = 0\n')}
    for name in options.handlers.split(','):
        if name == 'systemd':
            peer = systemd_peer.start(Handler, bench, options.systemd_coredump)
            if peer:
                yield peer
        elif name in known:
            yield known[name](bench)
        else:
            sys.exit(f'no handler is called {name}')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default='.', help='build tree (.)')
    parser.add_argument('--out', default='bench-results', help='where results go')
    parser.add_argument('--sizes', default='16,256,1024,2048', help='MiB of the victims')
    parser.add_argument('--extreme', action='store_true',
                        help='also many threads, large and sparse processes')
    parser.add_argument('--realtime', action='store_true',
                        help='victims and handlers before all other load of the machine')
    parser.add_argument('--cold', action='store_true',
                        help='take free memory as it comes, from a hypervisor maybe')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--systemd-coredump', help='where that program is')
    parser.add_argument('--handlers', default='drain,inquest,inquest-0,inquest-stacks,cat,zstd,zstd-T0,systemd')
    return parser.parse_args()


def main():
    options = parse_arguments()
    if os.geteuid() != 0 or not os.access(PATTERN, os.W_OK):
        sys.exit('held.py needs root and a writable core_pattern')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the cleanup below
    bench = Bench(options.build, options.out, options.realtime, options.cold)
    try:
        peers = list(handlers(options, bench))
        summary = {}
        for case, argv, ours in cases(options, bench):
            # The others would take minutes, and terabytes of disk.
            able = [peer for peer in peers if not ours or peer.name.startswith('inquest')]
            results = {peer.name: [] for peer in able}
            for turn in range(options.runs):
                for peer in able[turn % len(able):] + able[:turn % len(able)]:
                    result = run_once(bench, peer, argv)
                    results[peer.name].append(result)
                    with open(bench.out + '/runs.jsonl', 'a') as file:
                        file.write(json.dumps(dict(case=case, **result)) + '\n')
            report(case, results)
            summary[case] = {name: median(runs, 'held') for name, runs in results.items()}
        chart.write(bench.out + '/held.svg', summary)
        print(f'\nwritten: {bench.out}/runs.jsonl, {bench.out}/held.svg')
    finally:
        systemd_peer.stop()
        bench.close()


if __name__ == '__main__':
    main()
