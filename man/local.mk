# SPDX-License-Identifier: GPL-2.0-or-later

dist_man_MANS += man/inquest.1
dist_man_MANS += man/inquest.conf.5
dist_man_MANS += man/inquest-keeper.8
dist_man_MANS += man/inquest-record.5
dist_man_MANS += man/inquest-hook.8
dist_man_MANS += man/inquest-analyzer.8
