# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd_peer.py - systemd-coredump as a handler to be measured, also where systemd is not PID 1.

Its first process takes the core's facts from the kernel and hands the pipe to a socket,
/run/systemd/coredump, where a second one does the work and logs the backtrace to the journal. Where
systemd runs, socket and journal are there; elsewhere (containers, small virtual machines) both are
started by hand here, and ended again.
"""
import glob
import json
import os
import socket
import subprocess
import sys
import time

PROGRAMS = ('/lib/systemd/systemd-coredump', '/usr/lib/systemd/systemd-coredump')
JOURNALD = ('/lib/systemd/systemd-journald', '/usr/lib/systemd/systemd-journald')
SOCKET = '/run/systemd/coredump'
JOURNAL = '/run/systemd/journal/socket'
JOURNAL_CONF = '/run/systemd/journald.conf.d/50-inquest-bench.conf'
STORE = '/var/lib/systemd/coredump'
# The id of journal entries about cores (sd-messages.h).
MESSAGE_ID = 'fc2e22bc6ee647b6b90729ab34a250b1'

started = []
made = []


def first_of(paths):
    return next((path for path in paths if path and os.access(path, os.X_OK)), None)


def is_journal_alive():
    """Whether somebody listens; the socket's name outlives a journald that was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(JOURNAL)
            return True
        except OSError:
            return False


def run(argv, **more):
    started.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, **more))


def start_services(bench, program, journald):
    """What systemd would have started: a journal, and a socket that starts a process each."""
    os.makedirs('/run/systemd/journal', exist_ok=True)
    os.makedirs(os.path.dirname(JOURNAL_CONF), exist_ok=True)
    with open(JOURNAL_CONF, 'w') as file:
        file.write('[Journal]\nStorage=volatile\nAudit=no\nRateLimitIntervalSec=0\n'
                   'ForwardToSyslog=no\nReadKMsg=no\n')
    made.append(JOURNAL_CONF)
    if not is_journal_alive():
        run([journald])
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    os.makedirs(STORE, exist_ok=True)
    os.symlink(program, bench.dir + '/parser')
    # nice 9 is what systemd-coredump@.service has
    run(['nice', '-n', '9', 'systemd-socket-activate', '--seqpacket', '--accept', '-l', SOCKET,
         bench.dir + '/handler', 'parser', '0', '0'])
    made.append(SOCKET)
    for _ in range(100):
        if os.path.exists(SOCKET) and is_journal_alive():
            return
        time.sleep(0.05)
    sys.exit('systemd-coredump: its socket or the journal did not come up')


def start(handler_class, bench, program=None):
    """A Handler, or None where systemd-coredump is not installed."""
    program = first_of((program,) + PROGRAMS)
    journald = first_of(JOURNALD)
    if not program or not journald:
        print('systemd-coredump is not installed: left out', file=sys.stderr)
        return None
    by_hand = not os.path.isdir('/run/systemd/system')
    if by_hand:
        start_services(bench, program, journald)
    os.symlink(program, bench.dir + '/systemd')

    class SystemdCoredump(handler_class):
        name = 'systemd'

        def pattern(self):
            return f'{super().pattern()} %P %u %g %s %t 9223372036854775808 %h %d'

        def files(self, pid):
            return glob.glob(f'{STORE}/*.{pid}.*')

        def stored(self, pid):
            files = self.files(pid)
            return os.stat(files[0]).st_size if files else None

        def usage(self, pid, fault):
            """The second process's share, which the kernel doesn't know as the handler's."""
            said = self.bench.logged('0', fault) if by_hand else None
            return said or {}

        def ask(self, pid, fault):
            """When the journal got the entry: the backtrace is in it."""
            end = time.monotonic() + 60
            while time.monotonic() < end:
                found = subprocess.run(
                    ['journalctl', '-o', 'json', '-n', '1', '--output-fields=COREDUMP_PID',
                     'MESSAGE_ID=' + MESSAGE_ID, f'COREDUMP_PID={pid}'],
                    capture_output=True, text=True, check=False).stdout
                if found.startswith('{'):
                    return int(json.loads(found)['__MONOTONIC_TIMESTAMP']) / 1e6 - fault
                time.sleep(0.1)
            return None

        def report(self, pid, fault):
            return self.ask(pid, fault)

        def clear(self, pid):
            for path in self.files(pid):
                os.unlink(path)

    return SystemdCoredump(bench)


def stop():
    for process in started:
        process.terminate()
        process.wait()
    for path in made:
        if os.path.exists(path):
            os.unlink(path)
