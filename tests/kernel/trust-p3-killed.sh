#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-killed - the sweep of collect-p5-killed under this point's name: 1,000 kills with
# ./runtests --long, a few without.
if [ -n "${INQUEST_LONG:-}" ]; then KILLS=334; else KILLS=4; fi
export KILLS POINT=trust-p3-killed
exec bash "$(dirname "$0")/collect-p5-killed.sh"
