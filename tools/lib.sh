# What ./run and ./test share: packages, configuring, building. Sourced, not run.
# The caller has changed to the repository's root.

say() { printf '%s\n' "foyer: $*"; }
fail() { printf '%s\n' "foyer: $*" >&2; exit 1; }

# A minimal system has no locale and may have no HOME; tools warn or fail without.
export LC_ALL=C.UTF-8
export HOME="${HOME:-/root}"

# packages LIST...: the names in tools/packages/LIST.txt, without those whose command is there
packages() {
  local list name command
  for list in "$@"; do
    while read -r name _; do
      case $name in '' | '#'*) continue ;; *:*) command=${name#*:} ;; *) command= ;; esac
      [ -n "$command" ] && command -v "$command" >/dev/null || printf '%s\n' "${name%:*}"
    done <"tools/packages/$list.txt"
  done
}

# missing LIST...: those that are not installed
missing() {
  local names installed
  names=$(packages "$@")
  # shellcheck disable=SC2086 # one argument per name
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $names 2>/dev/null | awk '$1 == "ii" { print $2 }' || true)
  printf '%s\n' "$names" | grep -vxF -e "${installed:-none}" || true
}

# as_root COMMAND...: with sudo unless we are root; never waits for a password without a terminal
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# apt ARGS...: apt-get without questions; waits up to five minutes for another apt
# to finish (DPkg::Lock::Timeout covers only one of the two locks).
apt() {
  local log=build/apt.log tries=150 status options=()
  mkdir -p build
  # In a container or chroot nobody boots from these files: skip the flush per file, which
  # makes hundreds of small packages several times quicker.
  [ -d /run/systemd/system ] || options=(-o DPkg::Options::=--force-unsafe-io)
  while :; do
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
      -o DPkg::Use-Pty=0 "${options[@]}" "$@" </dev/null >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] && return 0
    grep -q 'Could not get lock\|Unable to lock' "$log" || return "$status"
    [ $((tries -= 1)) -gt 0 ] || return "$status"
    [ "$tries" = 149 ] && say "another apt is at work; waiting for it"
    sleep 2
  done
}

# install LIST...: everything in these lists is installed when this returns
install() {
  local wanted list name reason started
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this system has no apt; if the build stops, install the equivalents of tools/packages/*.txt"
    return 0
  fi
  wanted=$(missing "$@")
  [ -n "$wanted" ] || return 0
  say "these Debian packages are missing and will be installed with apt-get:"
  for list in "$@"; do
    while read -r name reason; do
      name=${name%:*}
      if grep -qxF -e "$name" <<<"$wanted"; then printf '         %-22s %s\n' "$name" "$reason"; fi
    done <"tools/packages/$list.txt"
  done
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "that takes root, and there is no sudo. As root: apt-get install $(echo $wanted)"
  fi
  started=$SECONDS
  # shellcheck disable=SC2086
  if ! apt install --no-install-recommends $wanted; then
    # The usual reason is a stale or empty package index.
    apt update || apt_failed "apt-get update"
    apt install --no-install-recommends $wanted || apt_failed "apt-get install"
  fi
  wanted=$(missing "$@")
  [ -z "$wanted" ] || fail "apt-get reported success, but these are still missing: $(echo $wanted)"
  say "installed in $((SECONDS - started)) s"
}

apt_failed() {
  tail -n 15 build/apt.log >&2
  if [ "$(id -u)" != 0 ] && grep -q 'password is required' build/apt.log; then
    fail "sudo wants a password and there is no terminal. Run this in a terminal, or as root."
  fi
  grep -q 'Unable to locate package' build/apt.log &&
    fail "$1 does not know a package above. Foyer is built on Debian 12 (bookworm); this is ${PRETTY_NAME:-$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")}."
  grep -q 'Temporary failure resolving\|Could not connect\|Failed to fetch' build/apt.log &&
    fail "$1 could not reach the package server. Check the network and /etc/apt/sources.list, then try again."
  grep -q 'No space left' build/apt.log && fail "$1 ran out of disk space."
  fail "$1 failed; its last lines are above, all of them in build/apt.log"
}

# configure PRESET [CMAKE-ARGS]: once; again if the checkout has moved
configure() {
  local preset=$1 dir=build/$1
  shift
  if [ -f "$dir/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$(pwd -P)" "$dir/CMakeCache.txt"; then
    rm -rf "$dir"
  fi
  [ -f "$dir/build.ninja" ] && [ "$#" = 0 ] && return 0
  mkdir -p build
  cmake --preset "$preset" "$@" >"build/$preset.log" 2>&1 || {
    tail -n 30 "build/$preset.log" >&2
    fail "cmake could not configure the preset $preset; the whole log is build/$preset.log"
  }
}

# jobs: one per core, but not more than memory allows (a heavy file takes about 1.2 GB)
jobs_that_fit() {
  local cores kib fit
  cores=$(nproc 2>/dev/null || echo 1)
  kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)
  fit=$((${kib:-2000000} / 1200000))
  [ "$fit" -ge 1 ] || fit=1
  [ "$fit" -lt "$cores" ] && echo "$fit" || echo "$cores"
}

# quietly PRESET: passes ninja's output on, once there is work in it
quietly() {
  local line told=
  while IFS= read -r line; do
    case $line in
      'ninja: Entering directory'* | *'Re-checking globbed directories'* | 'ninja: no work to do.') continue ;;
    esac
    [ -n "$told" ] || { told=yes; say "building $1"; }
    printf '%s\n' "$line"
  done
}

# build PRESET [TARGETS]
build() {
  local preset=$1 dir=build/$1 started=$SECONDS
  shift
  # A build with nothing to do deserves no words; what there is to do is known only after
  # ninja has looked for new files, so the words wait for its first step.
  ninja -C "$dir" -j "$(jobs_that_fit)" "$@" | quietly "$preset" || fail "the build of $preset failed"
  [ $((SECONDS - started)) -lt 3 ] || say "built $preset in $((SECONDS - started)) s"
}

# The binary that is shipped, at build/foyer.
build_release() {
  configure release
  build release foyer
  ln -sfn release/src/foyer build/foyer
}
