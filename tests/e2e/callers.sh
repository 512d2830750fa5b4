#!/bin/sh
# Programs that call sendmail: what they pass and what they see, and that what they
# were given arrives as it was. One file for each is in callers/; see
# callers-machine, which they run in. The table of all stands at the end.
. "$(dirname "$0")/lib.sh"
need_root
need postfix dovecot unshare setpriv gdbus
has_machine || skip_all "this kernel or container gives no mount namespace"
for name in /usr/sbin/sendmail /usr/lib/sendmail /usr/bin/mailq; do
  [ -e $name ] || skip_all "there is no $name that ours could stand in for"
done
begin 600
start_relay postfix
# Copies, for others may run them: what is above the build may be closed to them.
cp "$build/postrider" "$build/tests/e2e/recorder" "$work/bin"
G_TEST_SRCDIR=$source G_TEST_BUILDDIR=$build
export G_TEST_SRCDIR G_TEST_BUILDDIR
provide_sysconfdir
echo 0 1 >"$work/counts"
in_machine "$source/tests/e2e/callers-machine"
read -r count failures <"$work/counts"
check "the machine did its work" [ "$count" != 0 ]
end
