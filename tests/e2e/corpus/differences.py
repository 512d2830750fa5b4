"""Where our sendmail is meant to differ from Postfix's, and why.

Each Difference has the reason, what is seen (ASPECT, as compare.py has it: an
fnmatch pattern), the messages it is seen with (patterns), and, where more can
be said, a test of our side: HOLDS (case, ours, theirs). What is seen and not
here fails, and so does what is here and not seen.
"""
import collections
import email
import email.policy
import re

Difference = collections.namedtuple('Difference',
                                    'reason aspect names holds')

DIFFERENCES = []


def differs(reason, *seen):
    """SEEN: (aspect, names) or (aspect, names, holds)."""
    for aspect, names, *holds in seen:
        DIFFERENCES.append(Difference(reason, aspect, names.split(),
                                      holds[0] if holds else None))


def to(*paths):
    """Our recipients are these."""
    return lambda case, ours, theirs: ours == set(paths)


def each(**paths):
    """Our recipients by message; NAME with _ for -."""
    return lambda case, ours, theirs: (
        ours == set(paths[case.name.replace('-', '_')].split()))


def own(case, ours, theirs):
    return ours.endswith(b' <me@example.org>\n')


def value(text):
    """Our side is this."""
    return lambda case, ours, theirs: ours == text


def fails(reason, status, names, theirs=0):
    """Nothing leaves, with that status; Postfix's is THEIRS."""
    differs(reason, ('status %d %d' % (status, theirs), names))


def refused(reason, status, names):
    """Nothing leaves, with that status, where Postfix sends it."""
    fails(reason, status, names)
    differs(reason, ('arrival theirs', names))


def body_of(case):
    """The body on stdin, with LF."""
    text = case.message.replace(b'\r\n', b'\n').replace(b'\r', b'\n')
    text = text.partition(b'\n\n')[2]
    return text if text.endswith(b'\n') or not text else text + b'\n'


def line_ends(case, ours, theirs):
    return ours == body_of(case)


def leaves(text):
    message = email.message_from_bytes(text, policy=email.policy.compat32)
    return [part.get_payload(decode=True) for part in message.walk()
            if not part.is_multipart()]


def decodes(case, ours, theirs):
    """Ours, (header and body), has parts that decode to those on stdin, and
    lines as short as they have to be."""
    return (max(map(len, ours.split(b'\n'))) <= 998
            and leaves(ours) == leaves(case.message))


def folded(case, ours, theirs):
    """Only line ends were added to the field, before blanks."""
    return (max(map(len, ours.split(b'\n'))) <= 998
            and ours.replace(b'\n', b'') in case.message.replace(b'\n', b''))


# What is added

differs('Postfix adds a Received field with the names of host and user; we tell'
        ' nobody of them', ('trace', '*'))
differs('Fields that are added stand first, not last', ('place', '*'))
differs('An empty From, Date or Message-ID is as good as none',
        ('field from', 'empty-from'), ('field date', 'empty-date'),
        ('field message-id', 'empty-message-id'))
differs('Two authors need a Sender (RFC 5322 section 3.6.2)',
        ('field sender', 'from-two-no-sender', value(
            b'Sender: me@example.org\n')))
differs('A name that is added is ASCII (RFC 2047)',
        ('field from', 'no-from-name-utf8', value(
            b'From: =?UTF-8?B?SsO2cmcgTcO8bGxlcg==?= <me@example.org>\n')))

# The sender

LOCAL = ('as-cron as-cronie as-systemd-cron as-at as-anacron as-sudo as-mdadm'
         ' as-logwatch as-fail2ban as-unattended as-rkhunter as-bsd-mailx')
differs('Without -f the sender is that of the message or of the account, not'
        ' the login at this host',
        ('sender', 'sender-absent sender-of-from sender-of-root as-nmh'
         ' as-nmh-bcc', to('me@example.org')),
        ('sender', 'as-php', to('web@example.org')))
differs('A local sender, whom no relay would take, becomes the address of the'
        ' account', ('sender', LOCAL, to('me@example.org')),
        ('field from', LOCAL + ' sender-of-root from-root from-cron'
         ' from-anacron from-mdadm from-localhost', own),
        ('field sender', 'unqualified-sender', own))

# Recipients

differs('Local parts differ in case',
        ('recipients', 'to-duplicate-local',
         to('you@example.net', 'You@example.net')))
differs('Postfix loses the first of two groups without a comma between',
        ('recipients', 'to-group-two', to('a@example.net', 'b@example.net')))
differs('A group that is not ended has its members nevertheless',
        ('recipients', 'to-group-unended',
         to('a@example.net', 'b@example.net')),
        ('field to', 'to-group-unended'))
differs('A recipient that begins with a minus is one; Postfix drops it',
        ('recipients', 'to-minus', to('one@example.net', '-you@example.net')))
differs('Of an address list that is broken, the good addresses count; Postfix'
        ' quotes what it cannot read',
        ('recipients', 'to-unended-angle-then to-unended-quote to-no-local',
         each(to_unended_angle_then='one@example.net',
              to_unended_quote='one@example.net',
              to_no_local='you@example.net')))
refused('With no good address, it is refused; Postfix quotes what it cannot'
        ' read, or guesses', 65, 'to-unended-angle to-unended-comment'
        ' to-stray-angle to-two-ats')
refused('A local part of more than 64 octets is refused (RFC 5321 section'
        ' 4.5.3.1.1)', 65, 'to-too-long-local')
differs('Addresses that stand in the header are left as they were written',
        ('field to', 'to-quoted-local-plain to-route to-route-named'
         ' to-final-dot to-dot-local to-two-dots-local to-unended-angle-then'
         ' to-unended-quote to-no-local to-encoded-raw-comma'
         ' to-encoded-injection local-backslash', lambda case, ours, theirs:
         ours in case.message))
fails('No recipient at all: a wrong call', 64, 'argv-none', 75)
fails('-t, and no recipient in the header: wrong data', 65,
        'to-group-only-empty to-empty no-header-t empty-t newline-only-t', 75)
refused('Control characters in an address are an attack; Postfix makes'
        ' blanks and addresses of them', 65,
        'argv-newline argv-quoted-newline sender-newline')

# Local names

fails('A name of this host without an alias: 67 at once, and no bounce', 67,
      'local-default')
INSIDE = 'No program is run for an alias, no file written, none included, and' \
         ' no loop followed'
fails(INSIDE, 78, 'local-loop local-pipe local-file local-include')
refused(INSIDE, 78, 'local-pipe-and-remote')

# Domains

differs('A domain is told as its A-label, which every relay takes',
        ('recipients', 'to-utf8-domain', to('you@xn--bcher-kva.example')),
        ('sender', 'sender-utf8', to('ich@xn--bcher-kva.example')))

# The header section

WHITE = 'whitespace-line-ends whitespace-line-tab to-folded-blank-line' \
        ' folded-blank-inside bcc-empty-folded'
differs('A line of blanks ends the header; for Postfix it continues a field',
        ('recipients', 'whitespace-line-tab to-folded-blank-line',
         each(whitespace_line_tab='you@example.net',
              to_folded_blank_line='you@example.net')),
        ('field *', WHITE),
        ('body', WHITE.replace('whitespace-line-ends', '')))
refused('Two From, Date or Message-ID fields are refused (RFC 5322 section'
        ' 3.6)', 65, 'two-from two-date two-message-id')
refused('A NUL or a bare CR in the header is refused; Postfix cuts the field'
        ' there, or makes a blank of it', 65, 'nul-header bare-cr-header')
differs('A field of more than 998 octets is folded at a blank; Postfix breaks'
        ' it wherever it is that long',
        ('field x-long', 'long-field-folds', folded),
        ('field to', 'to-long-line', folded))
refused('And where it has no blank, it is refused', 65,
        'long-field-unfoldable')

# The body

differs('A dot on a line of its own ends the message where a person types it,'
        ' and nowhere else',
        ('body', 'body-dot-no-i', line_ends))
differs('A bare CR ends a line; for Postfix it is a blank',
        ('body', 'body-bare-cr body-bare-cr-end body-bare-cr-dot body-smuggle'
         ' multipart-bare-cr', line_ends))
differs('A line of more than 998 octets is encoded; Postfix breaks it, and so'
        ' alters the text',
        ('decoded', 'body-999 body-5000 body-100000 long-8bit-line'
         ' html-long-line multipart-long-line base64-one-line', decodes))
differs('A NUL is encoded; Postfix sends it as it is',
        ('decoded', 'body-nul body-nul-only', decodes))
refused('What is signed and cannot be sent as it is, is refused; Postfix'
        ' breaks the signature', 65,
        'signed-long-line signed-bare-cr signed-nul')

# Charsets

differs('A header in an unknown charset is encoded, and its charset named as'
        ' far as it is known; Postfix sends the octets',
        ('field to', 'to-latin1-name', value(
            b'To: =?unknown-8bit?B?SvZyZw==?= <you@example.net>\n')),
        ('field from', 'from-latin1', value(
            b'From: =?unknown-8bit?B?SvZyZw==?= <me@example.org>\n')),
        ('field x-subject', 'subject-latin1', value(
            b'X-Subject: =?unknown-8bit?B?R3L832U=?=\n')),
        ('field x-subject', 'subject-latin1-charset', value(
            b'X-Subject: =?UTF-8?B?R3LDvMOfZQ==?=\n')),
        ('field x-subject', 'subject-broken-utf8', value(
            b'X-Subject: =?unknown-8bit?B?YeKC?= b\n')))
refused('An address cannot be encoded so: it is UTF-8, or refused', 65,
        'to-latin1-local')
