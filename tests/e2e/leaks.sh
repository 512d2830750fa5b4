#!/bin/sh
# What is sent tells nothing of the machine: neither its name, nor its addresses,
# nor who is logged in (RFC 5322 section 3.6.4 and RFC 5321 section 4.1.1.1 leave
# that to us).
. "$(dirname "$0")/lib.sh"
need_root
need ip
has_machine || skip_all "there are no private namespaces here"
begin
export sendmail
make_certificates
start_scripted --certificate "$work/certificates/good.pem" --serve
scripted_account me
password me secret || exit 1

cat >"$work/named" <<'END2'
sed 's/^root:\([^:]*:[^:]*:[^:]*\):[^:]*:/tell-tale-login:\1:Some Body:/' \
  /etc/passwd >"$work/machine/names"
mount --bind "$work/machine/names" /etc/passwd
echo tell-tale-mailname.example >"$work/machine/mailname"
[ ! -e /etc/mailname ] || mount --bind "$work/machine/mailname" /etc/mailname
hostname tell-tale-host
LOGNAME=tell-tale-variable
USER=$LOGNAME EMAIL=$LOGNAME HOSTNAME=tell-tale-shell
export LOGNAME USER EMAIL HOSTNAME
echo "$(id -un) $(hostname)" >"$work/names"

sends () { # sends ARGUMENT...
  timeout 60 "$sendmail" "$@" 2>&1
  echo $?
}
{
  echo 'no header at all' | sends you@example.net
  printf 'Subject: s\n\nGr\303\274\303\237e\n' | sends -F Me -i you@example.net
  printf 'To: you@example.net\nResent-To: you@example.net\n\nb\n' | sends -t
  printf 'From: me@tell-tale-host\n\nb\n' |
    sends -f me@tell-tale-host you@example.net
  printf 'Subject: none\n\nb\n' | sends -f '<>' you@example.net
  printf 'Subject: refused\n\nb\n' | sends you@example.net reject@example.net
  timeout 60 "$sendmail" -q
} >"$work/printed" 2>&1
END2
echo 'exec unshare --uts sh "$work/named"' >"$work/inside"
in_machine "$work/inside" >"$work/inside.log" 2>&1

check "the machine has telling names" \
  [ "$(cat "$work/names")" = 'tell-tale-login tell-tale-host' ]
check "all was sent, and nothing printed" \
  [ "$(cat "$work/printed")" = "$(printf '0\n0\n0\n0\n0\n0')" ]
check "with a notification of what was refused" heard 7 'MAIL FROM:.*'
check "none of them is sent" sh -c '! grep -ri tell-tale "$1"' - "$work/record"
check "the greeting names the loopback address" heard 7 'EHLO \[127\.0\.0\.1\]'
ip -o address show scope global | sed 's/.* inet6* \([^ /]*\).*/\1/' \
  >"$work/addresses"
check "no address of the machine is sent" \
  sh -c '! grep -rF -f "$1/addresses" "$1/record"' - "$work"
check "Message-IDs have the sender's domain" \
  sh -c '! cat "$1"/*.message-* | grep -i "^[a-z-]*Message-ID:" |
    grep -v "<[a-z2-7]\{26\}@example\.org>"' - "$work/record"
check "nothing is added that says more" \
  sh -c '! cat "$1"/*.message-* | grep -iE "^(Received|User-Agent|X-[a-z-]*):"' \
  - "$work/record"
end
