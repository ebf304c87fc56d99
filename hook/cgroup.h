/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - which unit, session and container a process belonged to, by the names of its cgroups.
 *
 * Names follow systemd's documentation (systemd.unit(5), CGROUP_DELEGATION.md), and what docker,
 * podman, containerd, cri-o, kubelet, lxc and systemd-nspawn call their cgroups. A cgroup's name is
 * chosen by whoever may make cgroups: these facts are hints, nothing is allowed because of them.
 */
#pragma once

#include <stddef.h>

#include "store/metadata.h"

/*
 * Reads the content of /proc/PID/cgroup and sets the facts that it gives: unit, user_unit, slice,
 * session, owner_uid, container, container_runtime, container_name, pod.
 */
int cgroup_facts(const char *text, size_t size, struct metadata *ret);
