# SPDX-License-Identifier: GPL-2.0-or-later
# packages.sh - installs what building and testing need; sourced by quickstart and runtests.
#
#   need_packages build            installs what is missing of tests/packages.DISTRIBUTION, or says
#   need_packages build test       why it cannot (1)
# shellcheck shell=sh
# shellcheck disable=SC2154 # here and log are the caller's

# The family that the names of packages go by.
distribution() {
    # shellcheck disable=SC1091 # a file of the system
    words=$(. /etc/os-release 2>/dev/null && echo "$ID ${ID_LIKE:-}")
    for word in $words; do
        case $word in
        debian | ubuntu) echo debian ;;
        fedora | rhel | centos) echo fedora ;;
        arch | archlinux) echo arch ;;
        alpine) echo alpine ;;
        *) continue ;;
        esac
        return
    done
    echo unknown
}

package_is_installed() { # DISTRIBUTION NAME
    case $1 in
    debian) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
    fedora) rpm -q --whatprovides "$2" >/dev/null 2>&1 ;;
    arch) pacman -T "$2" >/dev/null 2>&1 ;;
    alpine) apk info -e "$2" >/dev/null 2>&1 ;;
    esac
}

package_exists() { # DISTRIBUTION NAME
    case $1 in
    debian) apt-cache show "$2" >/dev/null 2>&1 ;;
    fedora) dnf -q list --available "$2" >/dev/null 2>&1 ;;
    arch) pacman -Si "$2" >/dev/null 2>&1 ;;
    alpine) [ -n "$(apk search -e "$2")" ] ;;
    esac
}

refresh_packages() { # DISTRIBUTION
    case $1 in
    debian) $as_root apt-get update -q ;;
    arch) $as_root pacman -Sy ;;
    alpine) $as_root apk update ;;
    esac
}

install_packages() { # DISTRIBUTION NAME…
    family=$1
    shift
    case $family in
    debian)
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
        ;;
    fedora) $as_root dnf install -qy "$@" ;;
    arch) $as_root pacman -S --noconfirm --needed "$@" ;;
    alpine) $as_root apk add "$@" ;;
    esac
}

# Those of the kinds that are not installed; "test?" ones only once their existence is known.
missing_packages() { # DISTRIBUTION optional|required KIND…
    list_of=$1 wanted=$2
    shift 2
    while read -r kind name; do
        for asked; do
            case $kind:$wanted in
            "$asked:required" | "$asked?:optional") ;;
            *) continue ;;
            esac
            package_is_installed "$list_of" "$name" && continue
            [ "$wanted" = required ] || package_exists "$list_of" "$name" || continue
            echo "$name"
        done
    done <"$here/tests/packages.$list_of"
}

# $here is the top of the source; $log is a file for the package manager's output.
need_packages() { # KIND…
    family=$(distribution)
    if [ "$family" = unknown ]; then
        echo "  This distribution is not known here: install what tests/packages.fedora lists."
        return 0
    fi
    required=$(missing_packages "$family" required "$@")
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=sudo
        else
            [ -z "$required" ] && return 0
            echo "  Missing, and only root can install them: $(echo "$required" | tr '\n' ' ')"
            return 1
        fi
    fi
    if [ -n "$required" ] || [ ! -e "$log.refreshed" ]; then
        refresh_packages "$family" >>"$log" 2>&1
        : >"$log.refreshed"
    fi
    # shellcheck disable=SC2046,SC2086 # lists of words
    set -- $required $(missing_packages "$family" optional "$@")
    if [ $# -eq 0 ]; then
        echo "  All there."
        return 0
    fi
    echo "  Installing: $*"
    install_packages "$family" "$@" >>"$log" 2>&1 && return 0
    tail -n 20 "$log"
    return 1
}
