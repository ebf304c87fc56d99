#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""explain.py - what a backtrace of all threads, with inlined calls and lines, costs beside others.

    threads   500 threads of 46 frames in a process of 60 libraries
    units     a C++ program with more than 100 MB of .debug_info, a frame in each of its units
    stored    compressed records of 20 MiB and of 2 GiB, 17 threads each; others unpack them first

Every tool reads the same cores, in turn (interleaved, so that a busy moment of the machine hits all
alike), after one run that nobody counts. A line of JSON a run goes to OUT/explain.jsonl.

  ms, ratio   the median of the runs, and how often Inquest's median fits into it
  min..max    of the runs: what the machine's noise is
  frames      that were printed, inlined ones too: whether it is the same work
  rss         of the largest process
"""
import argparse
import glob
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

from held import PATTERN, SPECIFIERS, Bench, Pattern, Victim

HERE = os.path.dirname(os.path.abspath(__file__))
SLOW_S, SLOW_RUNS = 5, 3  # who takes longer than this runs no oftener than that
ADOPT_S = 120
UNITS = 120
LIBRARIES = 60


class Tool:
    """A way to print a backtrace of a core: its command line, and what a frame looks like there."""

    def __init__(self, name, argv, frame):
        self.name = name
        self.argv = argv  # a function of the executable and the core
        self.frame = re.compile(frame, re.MULTILINE)

    def is_there(self):
        return shutil.which(self.argv('exe', 'core')[0]) is not None


def tools(build):
    """Ours first."""
    return [
        Tool('inquest', lambda exe, core: [build + '/inquest', 'bt', '--all', core], rb'^ *#\d'),
        Tool('inquest --json', lambda exe, core: [build + '/inquest', 'bt', '--all', '--json', core],
             rb'"trust":'),
        Tool('eu-stack', lambda exe, core: ['eu-stack', '-n', '0', '-i', '-s', '--core', core,
                                            '-e', exe], rb'^#\d'),
        Tool('gdb', lambda exe, core: ['gdb', '-q', '-nx', '-batch', '-iex',
                                       'set debuginfod enabled off', '-ex', 'thread apply all bt',
                                       exe, core], rb'^#\d'),
        Tool('lldb', lambda exe, core: ['lldb', '--no-lldbinit', '-b', '-o', 'bt all', '-c', core,
                                        exe], rb'^ +(\* )?frame #'),
    ]


def unpacking(build, directory):
    """For records: ours, and eu-stack as people without it have to."""
    raw = directory + '/unpacked.core'
    script = f'zstd -dqcf "$2" >{raw}; exec eu-stack -n 0 -i -s --core {raw} -e "$1"'
    return [tools(build)[0],
            Tool('zstd, eu-stack', lambda exe, core: ['sh', '-c', script, 'sh', exe, core],
                 rb'^#\d')]


def run_once(tool, exe, core):
    with open(os.environ['BENCH_OUTPUT'], 'w+b') as output:
        start = time.monotonic()
        process = subprocess.Popen(tool.argv(exe, core), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = status
        output.seek(0)
        frames = len(tool.frame.findall(output.read()))
    return dict(tool=tool.name, seconds=seconds, cpu=usage.ru_utime + usage.ru_stime,
                rss=usage.ru_maxrss * 1024, frames=frames)


def measure(bench, case, able, exe, core, runs):
    """Name of a tool to its runs."""
    results = {tool.name: [] for tool in able}
    first = {tool.name: run_once(tool, exe, core)['seconds'] for tool in able}
    for turn in range(runs):
        for tool in able[turn % len(able):] + able[:turn % len(able)]:
            if first[tool.name] > SLOW_S and len(results[tool.name]) >= SLOW_RUNS:
                continue
            result = run_once(tool, exe, core)
            results[tool.name].append(result)
            with open(bench.out + '/explain.jsonl', 'a') as file:
                file.write(json.dumps(dict(case=case, **result)) + '\n')
    return results


def median(runs, key='seconds'):
    return statistics.median(run[key] for run in runs)


def report(case, results):
    ours = median(results['inquest'])
    print(f'\n{case}')
    print(f'{"":<18}{"ms":>9}{"ratio":>8}{"min..max ms":>17}{"runs":>6}{"cpu ms":>9}{"frames":>9}'
          f'{"rss MiB":>9}')
    for name, runs in results.items():
        times = [run['seconds'] * 1e3 for run in runs]
        span = f'{min(times):.0f}..{max(times):.0f}'
        print(f'{name:<18}{median(runs) * 1e3:>9.0f}{median(runs) / ours:>8.2f}{span:>17}'
              f'{len(runs):>6}{median(runs, "cpu") * 1e3:>9.0f}{runs[0]["frames"]:>9}'
              f'{max(run["rss"] for run in runs) / (1 << 20):>9.0f}', flush=True)


def goal(text, value, limit, form='.2f'):
    print(f'  {text}: {value:{form}}, wanted at most {limit:{form}}: '
          f'{"met" if value <= limit else "NOT MET"}', flush=True)


def crash(bench, argv, core):
    """The kernel's own core of a program that dies by itself."""
    with Pattern(f'{bench.dir}/core.%P', 0):
        process = subprocess.Popen(['sh', '-c', 'ulimit -c unlimited; ulimit -s 8192; exec "$@"', 'sh',
                                    *argv], cwd=bench.dir, stderr=subprocess.DEVNULL)
        process.wait()
    os.rename(f'{bench.dir}/core.{process.pid}', core)


def bench_threads(bench, options):
    exe, core, library = bench.dir + '/threads', bench.dir + '/threads.core', bench.dir + '/link.so'
    compile_c = ['gcc', '-g', '-O1', '-pthread', '-D_GNU_SOURCE', HERE + '/../tests/victims/explain/stacks.c', '-o']
    subprocess.run([*compile_c, exe, '-ldl'], check=True)
    subprocess.run([*compile_c, library, '-DLINK', '-shared', '-fPIC'], check=True)
    for i in range(LIBRARIES):
        shutil.copy(library, f'{bench.dir}/link{i}.so')
    crash(bench, [exe, '500', '41', str(LIBRARIES)], core)
    results = measure(bench, 'threads', options.able, exe, core, options.runs)
    report(f'500 threads of 46 frames, inlined calls and lines, {LIBRARIES} libraries', results)
    goal('seconds', median(results['inquest']), 0.3)
    os.unlink(core)


def assemble_units(directory):
    """Two at a time, from one compilation: names of equal length can be exchanged in the text."""
    subprocess.run(['g++', '-std=c++17', '-g', '-O1', '-S', HERE + '/units.cc', '-o',
                    directory + '/units.s'], check=True)
    rename = ('sed "s/unit0000/unit@@$1/g; s/unit0001/unit@@$2/g; s/@@/0/g" units.s |'
              ' as -o unit$1.o -')
    numbers = '\n'.join(f'{i:03} {i + 1:03}' for i in range(UNITS))
    subprocess.run(['xargs', '-P', '2', '-L', '1', 'sh', '-c', rename, 'sh'], input=numbers,
                   text=True, cwd=directory, check=True)
    last = (f'namespace unit0000 {{ int run(int); }}\n'
            f'namespace unit0{UNITS:03} {{ int run(int n) {{ return *(volatile int *)8 + n; }} }}\n'
            f'int main() {{ return unit0000::run(1); }}\n')
    subprocess.run(['g++', '-g', '-O1', '-x', 'c++', '-', '-x', 'none', '-o', 'units',
                    *sorted(os.path.basename(path) for path in glob.glob(directory + '/unit*.o'))],
                   input=last, text=True, cwd=directory, check=True)
    for path in glob.glob(directory + '/unit*.[so]'):
        os.unlink(path)
    return directory + '/units'


def debug_info_size(exe):
    said = subprocess.run(['readelf', '-SW', exe], capture_output=True, text=True, check=True)
    return int(re.search(r' \.debug_info +\S+ +\S+ +\S+ +(\S+)', said.stdout).group(1), 16)


def bench_units(bench, options):
    core = bench.dir + '/units.core'
    exe = assemble_units(bench.dir)
    crash(bench, [exe], core)
    results = measure(bench, 'units', options.able, exe, core, options.runs)
    report(f'{UNITS} C++ units, {debug_info_size(exe) / 1e6:.0f} MB of .debug_info', results)
    if 'eu-stack' in results:
        goal("of eu-stack's time", median(results['inquest']) / median(results['eu-stack']), 0.2)
    os.unlink(core)
    os.unlink(exe)


def collect(bench, mib):
    """A record of a crash that our own hook took; its path."""
    bench.config('e', '[analyze]\nauto = no\n')
    victim = Victim([bench.build + '/bench/victim', str(mib), '16'])
    with Pattern(f'|{bench.dir}/inquest -C {bench.dir}/e {SPECIFIERS}', 1024):
        victim.crash()
    end = time.monotonic() + ADOPT_S
    while time.monotonic() < end:
        found = glob.glob(f'{bench.store}/crashes/*/*-{victim.pid}.core.zst')
        if found:
            return found[0]
        time.sleep(0.05)
    sys.exit(f'the crash of {mib} MiB was not adopted')


def bench_stored(bench, options):
    exe = bench.build + '/bench/victim'
    able = [tool for tool in unpacking(options.build, bench.dir) if tool.name == 'inquest' or
            shutil.which('eu-stack') and shutil.which('zstd')]
    times = {}
    for mib in 20, 2048:
        record = collect(bench, mib)
        results = measure(bench, f'stored {mib}', able, exe, record, options.runs)
        report(f'a stored core of {mib} MiB, 17 threads', results)
        times[mib] = median(results['inquest'])
    goal('2 GiB to 20 MiB', times[2048] / times[20], 1.3)
    goal('MiB of memory', max(run['rss'] for run in results['inquest']) / (1 << 20), 200, '.0f')


CASES = {'threads': bench_threads, 'units': bench_units, 'stored': bench_stored}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default='.', help='build tree (.)')
    parser.add_argument('--out', default='bench-results', help='where results go')
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--cases', default=','.join(CASES), help='of ' + ', '.join(CASES))
    parser.add_argument('--tools', help='beside ours: of eu-stack, gdb, lldb; those there are')
    return parser.parse_args()


def main():
    options = parse_arguments()
    if os.geteuid() != 0 or not os.access(PATTERN, os.W_OK):
        sys.exit('explain.py needs root and a writable core_pattern')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the cleanup below
    options.build = os.path.abspath(options.build)
    wanted = options.tools.split(',') if options.tools is not None else None
    options.able = [tool for tool in tools(options.build) if tool.name.startswith('inquest') or
                    (wanted is None or tool.name in wanted) and tool.is_there()]
    bench = Bench(options.build, options.out)
    os.environ['BENCH_OUTPUT'] = bench.dir + '/output'
    try:
        for case in options.cases.split(','):
            CASES[case](bench, options)
        print(f'\nwritten: {bench.out}/explain.jsonl')
    finally:
        bench.close()


if __name__ == '__main__':
    main()
