#!/bin/sh
# What is below the queue: a file system that is read-only, full, or nearly so, is
# told as it is, and nothing is kept that the caller was told is not; one that
# lacks unnamed files, or even links, does.
. "$(dirname "$0")/lib.sh"
need_root "mount file systems"
need setpriv strace unshare
# Mounts of one's own, that end with the script.
if [ -z "${postrider_mounts-}" ]; then
  unshare --mount --propagation private mount -t tmpfs none /mnt 2>/dev/null ||
    skip_all "no file systems can be mounted here"
  postrider_mounts=yes
  export postrider_mounts
  exec unshare --mount --propagation private sh "$0"
fi
begin
at_end "umount '$XDG_STATE_HOME'; umount '$work/upper'"
make_certificates
start_scripted --serve --certificate "$work/certificates/good.pem"
scripted_account me
password me secret || exit 1

# nothing_kept: in no room, under no name.
nothing_kept () {
  ! find "$state/queue" "$state/held" "$state/corrupt" -type f 2>/dev/null |
    grep .
}

silent_out () {
  ! grep . "$work/out"
}

# refused NAME STATUS PATTERN: the last submit was; PATTERN is in what it said.
refused () {
  check "$1: the status is $2" exits "$2"
  check "$1: the reason is told" grep -q -- "$3" "$work/err"
  check "$1: nothing is printed as if all were well" silent_out
  check "$1: nothing is kept" nothing_kept
}

# works NAME [COMMAND...]: a message is queued, stays there when the relay is
# away, and is delivered, with COMMAND in front of the program.
works () {
  works_name=$1
  shift
  rm -rf "$work/record"
  mkdir "$work/record"
  timeout 60 "$@" "$sendmail" -odq you@example.net \
    <"$work/ordinary" >"$work/out" 2>"$work/err"
  status=$?
  check "$works_name: the status is 0" exits 0
  check "$works_name: nothing is printed" silent
  check "$works_name: the message is queued" queued 1
  check "$works_name: nothing else is there" files 1 "$state/queue"
  timeout 60 "$@" postrider run --once >"$work/out" 2>&1
  check "$works_name: it is delivered" each_once 1 1 "$work/record"
  check "$works_name: it is gone" nothing_kept
}

mount_tmpfs () { # mount_tmpfs OPTIONS
  mount -t tmpfs -o "mode=700,$1" none "$XDG_STATE_HOME"
}

numbered 1 >"$work/ordinary"
# So large that it goes to the disk as it is read.
{
  numbered 1
  yes 'a line of a large message' | head -n 60000
} >"$work/large"

setting () { # setting LINE: for [postrider]
  sed -i "2i$1" "$accounts"
}

no_setting () {
  sed -i 2d "$accounts"
}

# Read-only

rm -rf "$state"
mount --bind "$XDG_STATE_HOME" "$XDG_STATE_HOME"
mount -o remount,bind,ro "$XDG_STATE_HOME"
submit you@example.net <"$work/ordinary"
refused "read-only, no queue yet" 73 "$state.*Read-only file system"
umount "$XDG_STATE_HOME"
mkdir -m 700 "$state" "$state/queue" "$state/held" "$state/corrupt" \
  "$state/accounts"
mount --bind "$XDG_STATE_HOME" "$XDG_STATE_HOME"
mount -o remount,bind,ro "$XDG_STATE_HOME"
submit you@example.net <"$work/ordinary"
refused "read-only" 73 'Read-only file system'
umount "$XDG_STATE_HOME"

# No home

# Where the program was built need not be open to others.
rm "$sendmail"
cp "$build/postrider" "$sendmail"

no_home () { # no_home VARIABLE=VALUE...
  timeout 60 setpriv --reuid 54321 --regid 54321 --clear-groups \
    env -i PATH="$PATH" "$@" "$sendmail" you@example.net \
    <"$work/ordinary" >"$work/out" 2>"$work/err"
  status=$?
}

no_home
refused "no home" 73 'no home directory'
no_home HOME=/nonexistent
refused "a home that is not there" 73 'no home directory'
no_home HOME=/
refused "a home of another user" 73 'no home directory'

# Full

mount_tmpfs size=512k
setting 'reserve = 0'
submit you@example.net <"$work/large"
refused "full while stdin is read" 74 'No space left on device'
submit -odq you@example.net <"$work/ordinary"
check "a message that has room: the status is 0" exits 0
check "a message that has room is queued" queued 1
umount "$XDG_STATE_HOME"
mount_tmpfs size=512k,nr_inodes=6
submit you@example.net <"$work/ordinary"
refused "no inodes" 73 'No space left on device'
umount "$XDG_STATE_HOME"
no_setting

# As many octets as there are, and not one page for a record.
fill () {
  dd if=/dev/zero of="$XDG_STATE_HOME/filler" bs=4k 2>/dev/null
  ! echo >"$XDG_STATE_HOME/more"
} 2>/dev/null

complaints () { # complaints N: the log has so many, or more
  [ "$(grep -c 'No space left on device' "$work/log")" -ge "$1" ]
}

never () { # never COMMAND...: not for a second
  ! (
    await_seconds=1
    await "$@"
  )
}

# A verdict that cannot be recorded is not asked for: or the message would be sent
# twice.
mount_tmpfs size=512k
setting 'reserve = 0'
rm -rf "$work/record"
mkdir "$work/record"
# A page has room for some verdicts, so there are many.
submit -odq $(seq -f 'you%.0f@example.net' 20) <"$work/ordinary"
check "full after all: the status is 0" exits 0
check "the disk is full" fill
run_once
check "no room for the verdict: the relay is not asked" \
  each_once 1 0 "$work/record"
check "no room for the verdict: the message stays queued" queued 1
start_runner
check "no room for the verdict: a runner says so" await complaints 2
check "no room for the verdict: it waits before it looks again" \
  never complaints 10
end_runner
rm "$XDG_STATE_HOME/filler" "$XDG_STATE_HOME/more"
postrider queue retry >"$work/out" 2>&1
run_once
check "room again: it is delivered" each_once 1 1 "$work/record"
check "room again: it is gone" nothing_kept
umount "$XDG_STATE_HOME"
no_setting

# Nor can it be stored that an account is to wait.
attempts () { # attempts N: for the account that is away, or more
  [ "$(grep -c 'account=away .*attempt=' "$work/log")" -ge "$1" ]
}

fill_inodes () {
  inode=0
  while (: >"$XDG_STATE_HOME/filler.$inode"); do
    inode=$((inode + 1))
  done
  [ "$inode" -gt 0 ]
} 2>/dev/null

mount_tmpfs size=512k,nr_inodes=50
setting 'reserve = 0'
account away 'host = localhost' 'port = 1' 'user = me'
password away secret
run_once # which makes what a runner needs
submit -odq -f away@example.org you@example.net <"$work/ordinary"
check "room for octets alone: the status is 0" exits 0
check "the inodes are used up" fill_inodes
start_runner
check "room for octets alone: a runner tries it" await attempts 1
check "room for octets alone: it waits before it tries again" never attempts 3
end_runner
umount "$XDG_STATE_HOME"
no_setting

# Nearly full

mount_tmpfs size=8m
submit you@example.net <"$work/ordinary"
refused "less than the reserve is free" 75 "$state/queue.*MiB"
setting 'reserve = 1M'
works "more than the reserve is free"
submit -odq you@example.net <"$work/large"
check "a large message that leaves the reserve: the status is 0" exits 0
umount "$XDG_STATE_HOME"
no_setting
mount_tmpfs size=2m
setting 'reserve = 1M'
submit you@example.net <"$work/large"
refused "a large message would take of the reserve" 75 "$state/queue.*MiB"
umount "$XDG_STATE_HOME"
no_setting

# Other file systems

setting 'reserve = 0'
mkdir "$work/lower" "$work/upper"
mount -t tmpfs none "$work/upper"
mkdir -m 700 "$work/upper/data" "$work/upper/work"
if mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/upper/data" \
  -o "workdir=$work/upper/work" none "$XDG_STATE_HOME" 2>/dev/null; then
  works "an overlay"
  umount "$XDG_STATE_HOME"
else
  skip "an overlay" "there are none here"
fi
image () { # image TYPE COMMAND...: a file system in a file
  image_type=$1
  shift
  truncate -s 64M "$work/image"
  if command -v "$1" >/dev/null && "$@" "$work/image" >/dev/null 2>&1 &&
    mount -t "$image_type" -o loop "$work/image" "$XDG_STATE_HOME" \
      2>/dev/null; then
    works "$image_type"
    umount "$XDG_STATE_HOME"
  else
    skip "$image_type" "it cannot be made or mounted here"
  fi
  rm "$work/image"
}
image ext2 mkfs.ext2 -q
image xfs mkfs.xfs -q
image btrfs mkfs.btrfs -q
image vfat mkfs.vfat

# What NFS and some others lack. An unnamed file gets its name through /proc, so
# without that there is none.
if with_sanitizers; then
  skip "no unnamed files" "sanitizers need /proc"
else
  cat >"$work/bin/bare" <<'END'
#!/bin/sh
mount -t tmpfs none /proc && exec "$@"
END
  chmod 755 "$work/bin/bare"
  works "no unnamed files" unshare --mount --propagation private \
    "$work/bin/bare"
  timeout 60 unshare --mount --propagation private \
    "$work/bin/bare" "$sendmail" --account unknown you@example.net \
    <"$work/ordinary" >"$work/out" 2>&1
  check "no unnamed files: a message is held" queued 1 held
  rm -rf "$state"
  works "neither unnamed files nor links" \
    strace -A -f -qq -o "$work/strace" -e trace=linkat,renameat2 \
    -e inject=linkat:error=EPERM \
    unshare --mount --propagation private "$work/bin/bare"
  check "neither unnamed files nor links: a name is given by renaming" \
    grep -q 'renameat2.*RENAME_NOREPLACE.* = 0' "$work/strace"
  timeout 60 strace -f -qq -o "$work/strace" \
    -e trace=linkat,renameat2 -e inject=linkat,renameat2:error=EPERM \
    unshare --mount --propagation private "$work/bin/bare" "$sendmail" -odq \
    you@example.net <"$work/ordinary" >"$work/out" 2>"$work/err"
  status=$?
  refused "no way to give a name" 73 'Operation not permitted'
fi
# Locks are what keeps two runners from sending a message twice.
if with_sanitizers; then
  skip "no locks" "a sanitizer and strace cannot both trace the program"
else
  timeout 60 strace -f -qq -o "$work/strace" -e trace=fcntl \
    -e inject=fcntl:error=ENOLCK:when=1+ "$sendmail" -odq you@example.net \
    <"$work/ordinary" >"$work/out" 2>"$work/err"
  status=$?
  refused "no locks" 74 'No locks available'
fi
end
