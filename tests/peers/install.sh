#!/bin/sh
# Installs the real peers the tests drive, from Debian: SIPp, Kamailio, baresip, dnsmasq, Prometheus,
# the tool that gives them addresses, PostgreSQL and Chromium. Safe to run again: what is there is
# left alone.
#
# Where it cannot (not root, no apt, no such package) it says why and succeeds, because the tests
# then skip with that reason; with REQUIRE_PEERS=1 it fails instead. No service is left running:
# the tests start their own instances on loopback ports.
set -u

# a command that must exist, and the package that brings it
NEEDED="sipp:sip-tester baresip:baresip-core prometheus:prometheus ip:iproute2
    initdb:postgresql chromium:chromium kamailio:kamailio-tls-modules dnsmasq:dnsmasq-base"
PATH="$PATH:/usr/sbin:/sbin"

missing_packages() {
    # Debian keeps the database server's programs out of the search path.
    for folder in /usr/lib/postgresql/*/bin; do PATH="$PATH:$folder"; done
    for pair in $NEEDED; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
    done
}

give_up() {
    echo "peers: $1" >&2
    if [ "${REQUIRE_PEERS:-0}" = 1 ]; then
        echo "peers: REQUIRE_PEERS=1, so this is an error" >&2
        exit 1
    fi
    echo "peers: tests that need them will be skipped" >&2
    exit 0
}

missing=$(missing_packages)
if [ -z "$missing" ]; then
    echo "peers: all there"
    exit 0
fi
command -v apt-get >/dev/null 2>&1 || give_up "no apt here; install by hand: $missing"
[ "$(id -u)" = 0 ] || give_up "not root; run 'sudo tests/peers/install.sh' for: $missing"

# Packages may start what they bring: forbid it for the time of the installation. A machine that
# has a policy of its own keeps it.
policy=/usr/sbin/policy-rc.d
placed=
if [ ! -e "$policy" ]; then
    placed=$policy
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
trap '[ -z "$placed" ] || rm -f "$placed"' EXIT
trap 'exit 1' HUP INT TERM

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
echo "peers: installing $missing"
# shellcheck disable=SC2086  # a list of words
if ! { apt-get -q update &&
    apt-get -q -y --no-install-recommends install $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    give_up "apt could not install: $missing"
fi
rm -f "$log"

# Where a policy of the machine's own let it start, or would at the next boot: not by our doing.
for service in prometheus postgresql kamailio; do
    case " $missing " in
    *" $service"*)
        if [ -d /run/systemd/system ]; then
            systemctl disable --now $service.service >/dev/null 2>&1 || true
        fi
        ;;
    esac
done

missing=$(missing_packages)
[ -z "$missing" ] || give_up "installed, and yet not found: $missing"
echo "peers: all there"
