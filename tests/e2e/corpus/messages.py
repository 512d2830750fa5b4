"""The messages that our sendmail and Postfix's are given side by side.

CASES is a list of Case: NAME, the arguments, and the octets of stdin.
"""
from collections import namedtuple

Case = namedtuple('Case', 'name arguments message')

CASES = []
BODY = b'Good morning,\nthis is a body.\n'
ARGUMENTS = ('-i', '-f', 'me@example.org', '-t')
NO_T = ARGUMENTS[:-1]


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


def raw(name, message, arguments=ARGUMENTS):
    """This and nothing else on stdin."""
    assert all(case.name != name for case in CASES), name
    CASES.append(Case(name, list(arguments), octets(message)))


def fields(name, *lines, body=BODY, arguments=ARGUMENTS):
    """A header with all it needs, and LINES in it."""
    complete = (b'From: Me <me@example.org>',
                b'Date: Thu, 01 Oct 2026 12:00:00 +0000',
                b'Message-ID: <%s@example.org>' % name.encode(),
                b'Subject: %s' % name.encode(), *map(octets, lines))
    raw(name, b''.join(line + b'\n' for line in complete) + b'\n'
        + octets(body), arguments)


def to(name, *bodies, **options):
    """To fields with these bodies."""
    fields(name, *(b'To: ' + octets(body) for body in bodies), **options)


def header(name, *lines, **options):
    """For you@example.net, with LINES in the header."""
    fields(name, 'To: you@example.net', *lines, **options)


def bare(name, *lines, body=BODY, arguments=ARGUMENTS):
    """A header of LINES alone."""
    raw(name, b''.join(octets(line) + b'\n' for line in lines) + b'\n'
        + octets(body), arguments)


def body(name, text, *lines, arguments=ARGUMENTS):
    header(name, *lines, body=text, arguments=arguments)


# Recipients: one field

to('to-one', 'you@example.net')
to('to-angle', '<you@example.net>')
to('to-name', 'You <you@example.net>')
to('to-quoted-name', '"Doe, John" <you@example.net>')
to('to-quoted-name-at', '"you@example.com" <you@example.net>')
to('to-name-escapes', r'"a \"quote\" and \\ a backslash" <you@example.net>')
to('to-name-dots', 'J. R. Doe <you@example.net>')
to('to-no-space', 'You<you@example.net>')
to('to-two', 'you@example.net, one@example.net')
to('to-two-close', 'you@example.net,one@example.net')
to('to-two-fields', 'you@example.net', 'one@example.net')
to('to-three-named', 'A <a@example.net>, "B" <b@example.net>, c@example.net')
to('to-trailing-comma', 'you@example.net,')
to('to-leading-comma', ', you@example.net')
to('to-many-commas', 'you@example.net,, ,one@example.net')
to('to-duplicate', 'you@example.net, you@example.net')
to('to-duplicate-domain', 'you@example.net, you@EXAMPLE.Net')
to('to-duplicate-local', 'you@example.net, You@example.net')
to('to-duplicate-fields', 'you@example.net, Y <you@example.net>',
   'you@example.net')
to('to-upper-domain', 'you@EXAMPLE.NET')
to('to-comment', 'you@example.net (You)')
to('to-comment-before', '(to) you@example.net')
to('to-comment-nested', 'you@example.net (you (and (only) you), really)')
to('to-comment-comma', 'you@example.net (one, two@example.net), a@example.net')
to('to-comment-inside', 'you (you) @ (at) example.net')
to('to-comment-escape', r'you@example.net (a \) b)')
to('to-comment-angle', 'You (the <real@example.com>) <you@example.net>')
to('to-group', 'Team: a@example.net, b@example.net;')
to('to-group-one', 'Team: <a@example.net>;')
to('to-group-and-more',
   'x@example.net, Team: A <a@example.net>, b@example.net;, y@example.net')
to('to-group-quoted', '"The team: all": a@example.net;')
to('to-group-two', 'A: a@example.net; B: b@example.net;')
to('to-group-unended', 'Team: a@example.net, b@example.net')
fields('to-group-empty', 'To: undisclosed-recipients:;',
       'Bcc: you@example.net')
fields('to-group-empty-blank', 'To: undisclosed-recipients: ;',
       'Bcc: you@example.net')
to('to-group-only-empty', 'undisclosed-recipients:;')
to('to-group-empty-and-argv', 'undisclosed-recipients:;',
   arguments=(*ARGUMENTS, 'you@example.net'))
to('to-quoted-local', '"john doe"@example.net')
to('to-quoted-local-comma', '"a,b"@example.net')
to('to-quoted-local-at', '"a@b"@example.net')
to('to-quoted-local-plain', '"john"@example.net')
to('to-quoted-local-dots', '"a..b"@example.net')
to('to-quoted-local-escape', r'"a\"b"@example.net')
to('to-quoted-local-named', 'John <"john doe"@example.net>')
to('to-dot-local', 'john.@example.net')
to('to-two-dots-local', 'a..b@example.net')
to('to-plus', 'you+tag=1@example.net')
to('to-odd-atoms', "!#$&'*+-/=?^_`{|}~@example.net")
to('to-percent', 'you%example.com@example.net')
to('to-route', '<@relay.example,@b.example:you@example.net>')
to('to-route-named', 'You <@relay.example:you@example.net>')
to('to-folded', 'you@example.net,\n one@example.net')
to('to-folded-tab', 'you@example.net,\n\tone@example.net')
to('to-folded-before-comma', 'you@example.net\n , one@example.net')
to('to-folded-first', '\n you@example.net')
to('to-folded-name', 'A long\n name\n <you@example.net>')
to('to-folded-many', 'a@example.net,\n b@example.net,\n c@example.net,\n'
   ' d@example.net,\n e@example.net')
to('to-folded-blank-line', 'you@example.net,\n \n one@example.net')
to('to-obs-spaces', 'you @ example . net')
to('to-obs-angle-spaces', 'You < you@example.net >')
to('to-obs-local', 'john . doe@example.net')
to('to-obs-name', 'John.Doe the 3rd. <you@example.net>')
to('to-literal', 'you@[192.0.2.1]')
to('to-literal-v6', 'you@[IPv6:2001:db8::1]')
to('to-final-dot', 'you@example.net.')
to('to-deep-domain', 'you@a.b.c.d.e.example.net')
to('to-semicolon', 'you@example.net; one@example.net')
to('to-semicolon-end', 'you@example.net;')
to('to-blank-list', 'you@example.net one@example.net')
to('to-angle-list', '<you@example.net> <one@example.net>')
to('to-angle-comma', '<you@example.net>, <one@example.net>')
to('to-unended-angle', 'You <you@example.net')
to('to-unended-angle-then', '<you@example.net, one@example.net')
to('to-unended-quote', '"You <you@example.net>, one@example.net')
to('to-unended-comment', 'you@example.net (You')
to('to-stray-angle', 'you@example.net>')
to('to-empty-angle', '<>, you@example.net')
to('to-empty', '')
to('to-empty-and-argv', '',
   arguments=(*ARGUMENTS, 'you@example.net'))
to('to-no-local', '@example.net, you@example.net')
to('to-no-domain', 'you@, one@example.net')
to('to-two-ats', 'you@example.com@example.net')
to('to-encoded-name', '=?UTF-8?Q?J=C3=B6rg?= <you@example.net>')
to('to-encoded-comma', '=?UTF-8?Q?Doe=2C_J=C3=B6rg?= <you@example.net>')
to('to-encoded-raw-comma', '=?UTF-8?Q?Doe,_J=C3=B6rg?= <you@example.net>')
to('to-encoded-base64', '=?UTF-8?B?SsO2cmc=?= <you@example.net>,'
   ' =?ISO-8859-1?Q?Ren=E9?= <one@example.net>')
to('to-encoded-injection',
   '=?UTF-8?Q?x=0D=0ABcc:_evil@example.com?= <you@example.net>')
to('to-encoded-address', '=?UTF-8?Q?evil=40example.com?= <you@example.net>')
to('to-utf8-name', 'Jörg Müller <you@example.net>')
to('to-utf8-quoted-name', '"Müller, Jörg" <you@example.net>')
to('to-utf8-comment', 'you@example.net (Jörg)')
to('to-utf8-local', 'jörg@example.net')
to('to-utf8-domain', 'you@bücher.example')
to('to-utf8-both', 'Jörg <jörg@bücher.example>')
to('to-a-label', 'you@xn--bcher-kva.example')
to('to-latin1-name', b'J\xf6rg <you@example.net>')
to('to-latin1-local', b'j\xf6rg@example.net, you@example.net')
to('to-long-local', 'x' * 64 + '@example.net')
to('to-too-long-local', 'x' * 65 + '@example.net')
to('to-uucp', 'host!you@example.net')
to('to-slash', '/etc/passwd@example.net')
to('to-minus', 'one@example.net, -you@example.net')
to('to-many', *(', '.join('r%d@example.net' % (20 * i + j)
                          for j in range(20)) for i in range(15)))
to('to-folded-100', ',\n '.join('r%d@example.net' % i for i in range(100)))
to('to-long-line', ', '.join('r%d@example.net' % i for i in range(100)))

# Recipients: which fields

fields('cc', 'To: you@example.net', 'Cc: one@example.net')
fields('cc-only', 'Cc: you@example.net')
fields('cc-two', 'Cc: you@example.net', 'CC: one@example.net')
fields('bcc-only', 'Bcc: you@example.net')
fields('bcc', 'To: you@example.net', 'Bcc: one@example.net')
fields('bcc-lower', 'to: you@example.net', 'bcc: one@example.net')
fields('bcc-upper', 'TO: you@example.net', 'BCC: one@example.net')
fields('bcc-mixed', 'tO: you@example.net', 'bCC: one@example.net')
fields('bcc-two', 'To: you@example.net', 'Bcc: one@example.net',
       'X-Between: yes', 'Bcc: two@example.net')
fields('bcc-folded', 'To: you@example.net', 'Bcc: one@example.net,\n'
       '\ttwo@example.net,\n  Three <three@example.net>', 'X-After: yes')
fields('bcc-empty', 'To: you@example.net', 'Bcc:')
fields('bcc-empty-folded', 'To: you@example.net', 'Bcc:\n ')
fields('bcc-space-colon', 'To: you@example.net', 'Bcc : one@example.net')
fields('bcc-tab-colon', 'To: you@example.net', 'Bcc\t: one@example.net')
fields('bcc-no-space', 'To:you@example.net', 'Bcc:one@example.net')
fields('bcc-group', 'To: you@example.net', 'Bcc: Secret: a@example.net;')
fields('bcc-duplicate', 'To: you@example.net', 'Bcc: you@example.net')
header('bcc-argv', 'Bcc: hidden@example.net',
       arguments=(*NO_T, 'one@example.net'))
header('bcc-argv-folded', 'bcc: hidden@example.net,\n more@example.net',
       arguments=(*NO_T, 'one@example.net'))
header('apparently-to', 'Apparently-To: one@example.net')
header('delivered-to', 'Delivered-To: one@example.net')
header('x-bcc', 'X-Bcc: one@example.net', 'Reply-To: two@example.net')
header('mail-followup-to', 'Mail-Followup-To: list@example.net',
       'Disposition-Notification-To: me@example.org',
       'Return-Receipt-To: me@example.org', 'Errors-To: me@example.org')
header('resent', 'Resent-From: me@example.org', 'Resent-To: one@example.net',
       'Resent-Date: Fri, 02 Oct 2026 12:00:00 +0000',
       'Resent-Message-ID: <resent@example.org>')
header('resent-incomplete', 'Resent-From: Me <me@example.org>',
       'Resent-To: one@example.net')
header('resent-no-from', 'Resent-To: one@example.net')
header('resent-cc-bcc', 'Cc: two@example.net', 'Bcc: three@example.net',
       'Resent-From: me@example.org', 'Resent-Cc: a@example.net',
       'Resent-Bcc: b@example.net,\n c@example.net')
header('resent-bcc-only', 'Resent-From: me@example.org',
       'Resent-Bcc: one@example.net')
header('resent-bcc-lower', 'resent-from: me@example.org',
       'resent-bcc: one@example.net')
header('resent-two-blocks', 'Resent-From: me@example.org',
       'Resent-To: a@example.net', 'Resent-Message-ID: <2@example.org>',
       'Resent-From: you@example.net', 'Resent-To: b@example.net',
       'Resent-Message-ID: <1@example.org>')
header('resent-from-only', 'Resent-From: me@example.org')
header('resent-bcc-argv', 'Resent-From: me@example.org',
       'Resent-To: a@example.net', 'Resent-Bcc: b@example.net',
       arguments=(*NO_T, 'one@example.net'))
header('resent-and-argv', 'Resent-From: me@example.org',
       'Resent-To: a@example.net', arguments=(*ARGUMENTS, 'one@example.net'))

# Recipients: arguments

header('argv', arguments=(*NO_T, 'one@example.net'))
header('argv-union', arguments=(*ARGUMENTS, 'one@example.net'))
header('argv-union-same', arguments=(*ARGUMENTS, 'you@example.net'))
header('argv-t-last', arguments=('-i', '-f', 'me@example.org', '-t', '--',
                                 'one@example.net'))
header('argv-comma', arguments=(*NO_T, 'one@example.net,two@example.net'))
header('argv-comma-space',
       arguments=(*NO_T, 'A <one@example.net>, two@example.net'))
header('argv-name', arguments=(*NO_T, 'One <one@example.net>'))
header('argv-angle', arguments=(*NO_T, '<one@example.net>'))
header('argv-comment', arguments=(*NO_T, 'one@example.net (One)'))
header('argv-empty', arguments=(*NO_T, '', 'one@example.net'))
header('argv-duplicate', arguments=(*NO_T, 'one@example.net',
                                    'one@example.net', 'one@EXAMPLE.net'))
header('argv-quoted-local', arguments=(*NO_T, '"john doe"@example.net'))
header('argv-space-list', arguments=(*NO_T, 'one@example.net two@example.net'))
header('argv-route', arguments=(*NO_T, '<@relay.example:one@example.net>'))
header('argv-utf8', arguments=(*NO_T, 'jörg@bücher.example'))
header('argv-many', arguments=(*NO_T, *('r%d@example.net' % i
                                        for i in range(400))))
header('argv-none', arguments=NO_T)
header('argv-newline',
       arguments=(*NO_T, 'one@example.net>\r\nRCPT TO:<two@example.net'))
header('argv-quoted-newline',
       arguments=(*NO_T, '"a\r\nb"@example.net', 'one@example.net'))

# Local names

to('local-root', 'root')
to('local-case', 'Root')
to('local-named', 'The system <root>')
to('local-localhost', 'root@localhost')
to('local-localdomain', 'root@localhost.localdomain')
to('local-backslash', r'\root')
to('local-chain', 'webmaster')
to('local-list', 'team')
to('local-default', 'nobody-of-that-name')
to('local-and-remote', 'root, you@example.net')
to('local-loop', 'loop')
to('local-pipe', 'pipe')
to('local-file', 'file')
to('local-include', 'include')
to('local-pipe-and-remote', 'pipe, you@example.net')
to('local-self', 'self')
header('local-argv', arguments=(*NO_T, 'root'))
header('local-argv-backslash', arguments=(*NO_T, r'\root'))
header('local-argv-list', arguments=(*NO_T, 'team,one@example.net'))

# The sender

header('sender-absent', arguments=('-i', '-t'))
header('sender-null', arguments=('-i', '-t', '-f', '<>'))
header('sender-empty', arguments=('-i', '-t', '-f', ''))
header('sender-angle', arguments=('-i', '-t', '-f', '<me@example.org>'))
header('sender-name', arguments=('-i', '-t', '-f', 'N <me@example.org>'))
header('sender-attached', arguments=('-i', '-t', '-fme@example.org'))
header('sender-r', arguments=('-i', '-t', '-r', 'me@example.org'))
header('sender-twice',
       arguments=('-i', '-t', '-f', 'a@example.com', '-f', 'me@example.org'))
header('sender-unqualified', arguments=('-i', '-t', '-f', 'me'))
header('sender-foreign', arguments=('-i', '-t', '-f', 'them@example.com'))
header('sender-utf8', arguments=('-i', '-t', '-f', 'ich@bücher.example'))
header('sender-newline',
       arguments=('-i', '-t', '-f', 'me@example.org>\r\nRCPT TO:<x@y.test'))
bare('sender-of-from', 'From: Me <me@example.org>', 'To: you@example.net',
     arguments=('-i', '-t'))
bare('sender-of-root', 'From: root', 'To: you@example.net',
     arguments=('-i', '-t'))

# Fields that are added, completed, or removed

bare('no-from', 'To: you@example.net', 'Subject: x')
bare('no-from-name', 'To: you@example.net', 'Subject: x',
     arguments=(*ARGUMENTS, '-F', 'My Name'))
bare('no-from-name-quoted', 'To: you@example.net', 'Subject: x',
     arguments=(*ARGUMENTS, '-F', 'Doe, "J." (x)'))
bare('no-from-name-utf8', 'To: you@example.net', 'Subject: x',
     arguments=(*ARGUMENTS, '-F', 'Jörg Müller'))
header('from-beats-name', arguments=(*ARGUMENTS, '-F', 'My Name'))
bare('no-date', 'From: me@example.org', 'To: you@example.net',
     'Message-ID: <a@example.org>')
bare('no-message-id', 'From: me@example.org', 'To: you@example.net',
     'Date: Thu, 01 Oct 2026 12:00:00 +0000')
bare('only-to', 'To: you@example.net')
bare('only-subject', 'Subject: x', arguments=(*NO_T, 'you@example.net'))
bare('empty-from', 'From:', 'To: you@example.net')
bare('empty-date', 'From: me@example.org', 'Date:', 'To: you@example.net')
bare('empty-message-id', 'From: me@example.org', 'Message-ID:',
     'To: you@example.net')
bare('no-to', 'From: me@example.org', 'Subject: x',
     arguments=(*NO_T, 'you@example.net'))
bare('from-root', 'From: root', 'To: you@example.net')
bare('from-cron', 'From: root (Cron Daemon)', 'To: you@example.net')
bare('from-anacron', 'From: Anacron <root>', 'To: you@example.net')
bare('from-mdadm', 'From: mdadm monitoring <root>', 'To: you@example.net')
bare('from-localhost', 'From: root@localhost', 'To: you@example.net')
bare('from-foreign', 'From: Them <them@example.com>', 'To: you@example.net')
bare('from-two', 'From: me@example.org, you@example.net',
     'Sender: me@example.org', 'To: you@example.net')
bare('from-two-no-sender', 'From: me@example.org, you@example.net',
     'To: you@example.net')
bare('from-group', 'From: Nobody:;', 'To: you@example.net')
bare('from-comment', 'From: me@example.org (Me, myself)',
     'To: you@example.net')
bare('from-folded', 'From: My very long\n name <me@example.org>',
     'To: you@example.net')
bare('from-encoded', 'From: =?UTF-8?Q?J=C3=B6rg?= <me@example.org>',
     'To: you@example.net')
bare('from-no-space', 'From:me@example.org', 'To:you@example.net',
     'Subject:x')
bare('from-lower', 'from: me@example.org', 'to: you@example.net')
header('unqualified-cc', 'Cc: root')
header('unqualified-reply-to', 'Reply-To: me')
header('unqualified-sender', 'Sender: root')
header('unqualified-among', 'Cc: One <one@example.net>, root (R), team')
header('return-path', 'Return-Path: <other@example.com>')
header('content-length', 'Content-Length: 30')
header('status-lines', 'Lines: 2', 'Status: RO', 'X-Status: A')
raw('return-path-first', b'Return-Path: <a@example.com>\n'
    b'Delivered-To: a@example.com\n'
    b'Received: from a by b; Thu, 01 Oct 2026 12:00:00 +0000\n'
    b'From: me@example.org\nTo: you@example.net\n\nx\n',
    (*NO_T, 'one@example.net'))
header('two-to', 'To: one@example.net')
header('two-subject', 'Subject: another')
header('two-from', 'From: you@example.net')
header('two-date', 'Date: Fri, 02 Oct 2026 12:00:00 +0000')
header('two-message-id', 'Message-ID: <other@example.org>')
header('received', 'Received: from a by b; Thu, 01 Oct 2026 12:00:00 +0000')
bare('odd-date', 'From: me@example.org', 'To: you@example.net',
     'Date: Do, 1. Oktober 2026')

# The header section

raw('mbox-from', b'From me@example.org Thu Oct  1 12:00:00 2026\n'
    b'From: me@example.org\nTo: you@example.net\n\nx\n')
raw('mbox-quoted-from', b'>From me@example.org Thu Oct  1 12:00:00 2026\n'
    b'From: me@example.org\nTo: you@example.net\n\nx\n')
raw('mbox-from-second', b'Subject: x\nFrom me@example.org Thu Oct 1\n'
    b'To: you@example.net\n\nx\n', (*NO_T, 'you@example.net'))
raw('mbox-from-argv', b'From me@example.org Thu Oct  1 12:00:00 2026\n\nx\n',
    (*NO_T, 'you@example.net'))
raw('no-header', b'just text\nand more of it\n', (*NO_T, 'you@example.net'))
raw('no-header-t', b'just text\nand more of it\n')
raw('no-header-blank-first', b'\njust text\n', (*NO_T, 'you@example.net'))
raw('no-header-blank-lines', b'\n\n\njust text\n',
    (*NO_T, 'you@example.net'))
raw('no-header-dot', b'.\nafter the dot\n', (*NO_T, 'you@example.net'))
raw('no-blank-line', b'From: me@example.org\nTo: you@example.net\n'
    b'this is the body\n\nand more\n')
raw('no-blank-line-colon', b'From: me@example.org\nTo: you@example.net\n'
    b'the result of this: good\nmore: text\n')
raw('no-blank-line-zfs', b'Subject: ZFS scrub_finish event\n'
    b'ZFS has finished a scrub:\n\n   eid: 12\n',
    (*NO_T, 'you@example.net'))
raw('first-line-note', b'note: this looks like a field\nand this not\n',
    (*NO_T, 'you@example.net'))
raw('first-line-path', b'/etc/cron.daily/foo:\nfoo: cannot do it\n',
    (*NO_T, 'you@example.net'))
raw('first-line-words', b'Backup finished: ok\nbye\n',
    (*NO_T, 'you@example.net'))
raw('first-line-time', b'12:30 the job began\n', (*NO_T, 'you@example.net'))
raw('first-line-url', b'http://example.org/ is down\n',
    (*NO_T, 'you@example.net'))
raw('first-line-colon', b': what\n', (*NO_T, 'you@example.net'))
raw('first-line-blank-lead', b'  indented text\nmore\n',
    (*NO_T, 'you@example.net'))
raw('first-line-tab-field', b'\tTo: you@example.net\n\nx\n',
    (*NO_T, 'you@example.net'))
raw('first-line-utf8', 'Grüße: alle\n'.encode(), (*NO_T, 'you@example.net'))
raw('whitespace-line-ends', b'From: me@example.org\nTo: you@example.net\n'
    b'  \nthis is the body\n')
raw('whitespace-line-tab', b'From: me@example.org\nTo: you@example.net\n'
    b'\t\nBcc: two@example.net\n\nx\n')
raw('dot-in-header', b'From: me@example.org\nTo: you@example.net\n.\n\nx\n')
raw('header-only', b'From: me@example.org\nTo: you@example.net\n')
raw('header-only-blank', b'From: me@example.org\nTo: you@example.net\n\n')
raw('header-only-no-newline', b'From: me@example.org\nTo: you@example.net')
raw('header-subject-no-newline', b'To: you@example.net\nSubject: the last')
raw('empty', b'', (*NO_T, 'you@example.net'))
raw('empty-t', b'')
raw('newline-only', b'\n', (*NO_T, 'you@example.net'))
raw('newline-only-t', b'\n')
header('space-before-colon', 'X-Odd : yes', 'Subject2 \t: more')
header('no-space-after-colon', 'X-Odd:yes', 'X-Empty:')
header('odd-names', 'X-!#$%&*+: yes', '123: yes', 'x_y/z: yes')
header('empty-fields', 'X-Empty: ', 'X-Tab:\t', 'Keywords:')
header('trailing-blanks', 'X-Blanks: yes  \t ')
header('folded-subject', 'X-Folded: one\n two\n\tthree\n   four')
header('folded-blank-inside', 'X-Folded: one\n \n two')
header('long-subject', 'X-Long: ' + ' '.join(['word'] * 190))
header('long-field-998', 'X-Long: ' + 'x' * 990)
header('long-field-folds', 'X-Long: ' + ' '.join(['word'] * 400))
header('long-field-unfoldable', 'X-Long: ' + 'x' * 1200)
header('many-fields', *('X-Field-%d: %d' % (i, i) for i in range(500)))
header('big-header', *('X-Big-%d: %s' % (i, 'word ' * 100)
                       for i in range(140)))
header('references', 'References: ' + '\n '.join(
    '<%d@example.com>' % i for i in range(60)))
header('bare-cr-header', 'X-Odd: a\rBcc: evil@example.com')
header('nul-header', b'X-Odd: a\0b')
header('control-header', b'X-Odd: a\x07b\x1b[1mc')
header('delete-header', b'X-Odd: a\x7fb')

# Line ends and octets of the body

body('body-empty', '')
body('body-one-newline', '\n')
body('body-blank-lines', '\n\n\ntext\n\n\n')
body('body-no-newline', 'no newline at the end')
body('body-no-newline-dot', 'text\n.')
body('body-dots', '.\n..\n...\n.a\na.\n. \n\n.\n')
body('body-dot-first', '.\nand more\n')
body('body-dot-only', '.')
body('body-dot-no-i', 'before\n.\nafter\n', arguments=('-t', '-f',
                                                      'me@example.org'))
body('body-dotdot-no-i', 'before\n..\nafter\n',
     arguments=('-t', '-f', 'me@example.org'))
body('body-dot-oi', 'before\n.\nafter\n',
     arguments=('-t', '-oi', '-f', 'me@example.org'))
body('body-from-lines', 'From here\n>From there\nFrom \n')
body('body-trailing-blanks', 'one \ntwo\t\n   \n')
body('body-smtp', 'QUIT\nMAIL FROM:<a@example.com>\n.\nRSET\n')
body('body-header-like', 'Bcc: evil@example.com\nTo: evil@example.com\n')
body('body-form-feed', b'page\x0cpage\x08\x07\x1b[0m\x7f\n')
body('body-crlf', 'one\r\ntwo\r\n')
body('body-mixed', 'one\r\ntwo\nthree\r\n')
body('body-crlf-no-end', 'one\r\ntwo')
body('body-cr-cr-lf', 'one\r\r\ntwo\r\r\n')
body('body-bare-cr', '10%\r20%\r100%\ndone\n')
body('body-bare-cr-end', 'one\ntwo\r')
body('body-bare-cr-dot', 'one\r.\rtwo\r\n.\rthree\n')
body('body-smuggle', 'one\n.\r\ntwo\r\n.\nthree\n\r.\r\nfour\n')
body('body-nul', b'a\0b\n')
body('body-nul-only', b'\0\0\0\n')
body('body-all-octets', bytes(i for i in range(1, 256) if i not in (10, 13))
     + b'\n')
body('body-998', 'x' * 998 + '\n')
body('body-999', 'x' * 999 + '\n')
body('body-990-998', ''.join('x' * i + '\n' for i in range(990, 999)))
body('body-5000', 'word ' * 1000 + '\n')
body('body-100000', 'x' * 100000 + '\n')
body('body-998-dot', '.' + 'x' * 997 + '\n')
body('body-large', ''.join('%d of many lines\n' % i for i in range(20000)))
raw('crlf-all', b'From: me@example.org\r\nTo: you@example.net\r\n'
    b'Subject: x\r\n\r\nbody\r\n')
raw('crlf-header-lf-body', b'From: me@example.org\r\n'
    b'To: you@example.net,\r\n one@example.net\r\n\r\nbody\nmore\n')
raw('lf-header-crlf-body', b'From: me@example.org\nTo: you@example.net\n'
    b'\nbody\r\nmore\r\n')
raw('crlf-bcc', b'From: me@example.org\r\nTo: you@example.net\r\n'
    b'Bcc: one@example.net,\r\n\ttwo@example.net\r\nSubject: x\r\n\r\nx\r\n')
raw('crlf-mixed-header', b'From: me@example.org\r\nTo: you@example.net\n'
    b'Subject: x\r\n\nbody\n')
raw('crlf-dot', b'From: me@example.org\r\nTo: you@example.net\r\n\r\n'
    b'a\r\n.\r\nb\r\n')

# Charsets

MIME = ('MIME-Version: 1.0', 'Content-Type: text/plain; charset=UTF-8',
        'Content-Transfer-Encoding: 8bit')
LATIN = ('MIME-Version: 1.0', 'Content-Type: text/plain; charset=ISO-8859-1',
         'Content-Transfer-Encoding: 8bit')
body('utf8', 'Grüße €\n', *MIME)
body('utf8-no-mime', 'Grüße €\n')
body('latin1', b'Gr\xfc\xdfe\n', *LATIN)
body('latin1-no-mime', b'Gr\xfc\xdfe\n')
body('utf8-wrongly-7bit', 'Grüße\n', *MIME[:2],
     'Content-Transfer-Encoding: 7bit')
header('subject-encoded', 'X-Subject: =?UTF-8?B?R3LDvMOfZQ==?=')
header('subject-utf8', 'X-Subject: Grüße aus Köln')
header('subject-utf8-folded', 'X-Subject: Grüße\n aus Köln')
header('subject-latin1', b'X-Subject: Gr\xfc\xdfe')
body('subject-latin1-charset', b'Gr\xfc\xdfe\n', b'X-Subject: Gr\xfc\xdfe',
     *LATIN)
header('subject-long-utf8', 'X-Subject: ' + 'Grüße ' * 40)
header('subject-broken-utf8', b'X-Subject: a\xe2\x82 b')
bare('from-utf8', 'From: Jörg <me@example.org>', 'To: you@example.net')
bare('from-latin1', b'From: J\xf6rg <me@example.org>', 'To: you@example.net')
body('long-8bit-line', 'ü' * 700 + '\n', *MIME)

# Parts

MIXED = ('MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary="b"')
body('multipart', 'preamble\n--b\nContent-Type: text/plain\n\ntext\n'
     '--b\nContent-Type: application/octet-stream\n'
     'Content-Transfer-Encoding: base64\n\nAAEC\n--b--\nepilogue\n', *MIXED)
body('multipart-unended', '--b\n\ntext\n', *MIXED)
body('multipart-long-line', '--b\nContent-Type: text/plain\n\n'
     + 'x' * 1500 + '\n--b\nContent-Type: text/plain\n\nshort\n--b--\n',
     *MIXED)
body('multipart-8bit', '--b\nContent-Type: text/plain; charset=UTF-8\n'
     'Content-Transfer-Encoding: 8bit\n\nGrüße\n--b--\n', *MIXED)
body('multipart-bare-cr', '--b\n\na\rb\n--b--\n', *MIXED)
body('html-long-line', '<p>' + 'text <b>bold</b> ' * 120 + '\n',
     'MIME-Version: 1.0', 'Content-Type: text/html; charset=UTF-8')
body('base64-one-line', 'QUJD' * 400 + '\n', 'MIME-Version: 1.0',
     'Content-Type: application/octet-stream',
     'Content-Transfer-Encoding: base64')
body('quoted-printable', 'Gr=C3=BC=C3=9Fe=\n und mehr=20\n',
     'MIME-Version: 1.0', 'Content-Type: text/plain; charset=UTF-8',
     'Content-Transfer-Encoding: quoted-printable')
body('format-flowed', 'a line that \nflows \n-- \nme\n', 'MIME-Version: 1.0',
     'Content-Type: text/plain; charset=us-ascii; format=flowed')
body('message-rfc822', 'From: them@example.com\nTo: me@example.org\n'
     'Bcc: kept@example.com\nSubject: forwarded\n\nText\n',
     'MIME-Version: 1.0', 'Content-Type: message/rfc822')
SIGNED = ('MIME-Version: 1.0', 'Content-Type: multipart/signed; '
          'micalg=pgp-sha256;\n protocol="application/pgp-signature";'
          ' boundary="s"')
SIGNATURE = ('--s\nContent-Type: application/pgp-signature\n\n'
             '-----BEGIN PGP SIGNATURE-----\n\niQ==\n'
             '-----END PGP SIGNATURE-----\n--s--\n')
body('signed', '--s\nContent-Type: text/plain\n\nFrom me \n.\n'
     + SIGNATURE, *SIGNED)
body('signed-8bit', '--s\nContent-Type: text/plain; charset=UTF-8\n'
     'Content-Transfer-Encoding: 8bit\n\nGrüße\n' + SIGNATURE, *SIGNED)
body('signed-long-line', '--s\nContent-Type: text/plain\n\n' + 'x' * 1200
     + '\n' + SIGNATURE, *SIGNED)
body('signed-bare-cr', '--s\nContent-Type: text/plain\n\na\rb\n'
     + SIGNATURE, *SIGNED)
body('signed-nul', b'--s\nContent-Type: text/plain\n\na\0b\n'
     + SIGNATURE.encode(), *SIGNED)
body('encrypted', '--e\nContent-Type: application/pgp-encrypted\n\n'
     'Version: 1\n--e\nContent-Type: application/octet-stream\n\n'
     '-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n'
     '--e--\n', 'MIME-Version: 1.0',
     'Content-Type: multipart/encrypted;\n'
     ' protocol="application/pgp-encrypted"; boundary="e"')
body('smime', 'MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG\n',
     'MIME-Version: 1.0',
     'Content-Type: application/pkcs7-mime; smime-type=signed-data;\n'
     ' name="smime.p7m"', 'Content-Transfer-Encoding: base64')
body('inline-pgp', '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n'
     '- -- dash\ntext \n-----BEGIN PGP SIGNATURE-----\n\niQ==\n'
     '-----END PGP SIGNATURE-----\n')
header('dkim-signed', 'DKIM-Signature: v=1; a=rsa-sha256; d=example.org;\n'
       ' s=s; h=From:To; bh=AAAA; b=AAAA')

# As programs write them

raw('as-cron', 'From: root (Cron Daemon)\nTo: root\n'
    'Subject: Cron <root@host> test -x /usr/sbin/anacron\n'
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n'
    'Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n'
    'X-Cron-Env: <HOME=/root>\nX-Cron-Env: <PATH=/usr/bin:/bin>\n'
    'X-Cron-Env: <LOGNAME=root>\n\noutput\n',
    ('-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'))
raw('as-cronie', 'From: "(Cron Daemon)" <root>\nTo: root\n'
    'Subject: Cron <root@host> job\nAuto-Submitted: auto-generated\n'
    'Precedence: bulk\nX-Cron-Env: <LANG=C>\n\noutput\n',
    ('-FCronDaemon', '-i', '-odi', '-oem', '-oi', '-t', '-f', 'root'))
raw('as-systemd-cron', 'Date: Thu, 01 Oct 2026 12:00:00 +0000\n'
    'From: root (systemd-cron)\nTo: root\nSubject: [host] job failed: exit\n'
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n'
    'Content-Transfer-Encoding: quoted-printable\nAuto-Submitted: '
    'auto-generated\n\noutput=20\n', ('-i', '-B', '8BITMIME', 'root'))
raw('as-at', 'Subject: Output from your job        3\nTo: root\n\noutput\n',
    ('-i', 'root'))
raw('as-anacron', 'From: Anacron <root>\nTo: root\nContent-Type: text/plain;'
    ' charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n'
    "Subject: Anacron job 'cron.daily' on host\n\n/etc/cron.daily/x:\nfoo\n",
    ('-FAnacron', '-odi', 'root'))
raw('as-sudo', 'To: root\nFrom: me\nAuto-Submitted: auto-generated\n'
    'Subject: *** SECURITY information for host ***\n'
    'Content-Type: text/plain; charset=UTF-8\n'
    'Content-Transfer-Encoding: 8bit\n\n'
    'host : Oct  1 12:00:00 : me : 3 incorrect password attempts\n', ('-t',))
raw('as-mdadm', 'From: mdadm monitoring <root>\nTo: root\n'
    'Subject: DegradedArray event on /dev/md0:host\n\n'
    'This is an automatically generated mail message.\n\nFaithfully yours,'
    ' etc.\n', ('-t',))
raw('as-logwatch', 'To: root\nFrom: Logwatch\nSubject: Logwatch for host'
    ' (Linux)\nAuto-Submitted: auto-generated\nPrecedence: bulk\n'
    'MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n'
    'Content-Type: text/plain; charset="UTF-8"\n\n ################### \n'
    ' sshd: 2 failed\n', ('-t',))
raw('as-fail2ban', 'Subject: [Fail2Ban] sshd: banned 192.0.2.1\n'
    'Date: Thu, 01 Oct 2026 12:00:00 +0000\nFrom: Fail2Ban <fail2ban>\n'
    'To: root\n\nHi,\n\nThe IP 192.0.2.1 has just been banned.\n',
    ('-f', 'fail2ban', 'root'))
raw('as-unattended', 'Subject: [package on hold] unattended-upgrades result'
    ' for host: SUCCESS\nTo: root\nFrom: root\nAuto-Submitted:'
    ' auto-generated\n\nAll upgrades installed', ('-oi', '-t'))
raw('as-rkhunter', 'Subject: [rkhunter] host - Daily report\nTo: root\n\n'
    'Warning: something\n', ('root',))
raw('as-bsd-mailx', 'To: <you@example.net>\nSubject: x\nCc:'
    ' <one@example.net>\nBcc: <two@example.net>\nUser-Agent: mail v14\n'
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n'
    'Content-Transfer-Encoding: 8bit\n\ntext\n', ('-i', '-t'))
raw('as-s-nail', 'Date: Thu, 01 Oct 2026 12:00:00 +0000\n'
    'From: me@example.org\nTo: you@example.net\nSubject: x\nMessage-ID:'
    ' <20261001120000.abcd%me@example.org>\nUser-Agent: s-nail v14.9.24\n'
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\ntext\n',
    ('-i', '-m', '-f', 'me@example.org', '--', 'you@example.net'))
raw('as-mailutils', 'Subject: x\nTo: <you@example.net>\nBcc:'
    ' <one@example.net>\nUser-Agent: mail (GNU Mailutils 3.15)\n'
    'Date: Thu,  1 Oct 2026 12:00:00 +0000\n\ntext\n',
    ('-oi', '-f', 'me@example.org', '-t'))
raw('as-mutt', 'Date: Thu, 1 Oct 2026 12:00:00 +0000\nFrom: Me'
    ' <me@example.org>\nTo: You <you@example.net>\nCc: one@example.net\n'
    'Subject: =?utf-8?B?R3LDvMOfZQ==?=\nMessage-ID: <Zv@host>\n'
    'References: <a@example.net>\nMIME-Version: 1.0\nContent-Type: text/plain;'
    ' charset=utf-8\nContent-Disposition: inline\nContent-Transfer-Encoding:'
    ' 8bit\nIn-Reply-To: <a@example.net>\n\nGrüße\n\n> quoted\n-- \nme\n',
    ('-oem', '-oi', '-B8BITMIME', '-f', 'me@example.org', '--',
     'you@example.net', 'one@example.net'))
raw('as-mutt-bounce', 'Resent-From: Me <me@example.org>\nResent-Date: Fri, 2'
    ' Oct 2026 12:00:00 +0000\nResent-Message-ID: <r@host>\nResent-To:'
    ' one@example.net\nReceived: from a.example by b.example; Thu, 1 Oct 2026'
    ' 12:00:00 +0000\nFrom: them@example.com\nTo: me@example.org\n'
    'Date: Thu, 1 Oct 2026 12:00:00 +0000\nMessage-ID: <o@example.com>\n'
    'Subject: original\n\ntext\n',
    ('-oem', '-oi', '-f', 'me@example.org', '--', 'one@example.net'))
raw('as-git', 'From: Me <me@example.org>\nTo: list@example.net\nCc: A U Thor'
    ' <author@example.com>,\n\t"C. O. Mitter" <committer@example.com>\n'
    'Subject: [PATCH 1/2] Fix it\nDate: Thu,  1 Oct 2026 12:00:00 +0000\n'
    'Message-Id: <20261001120000.1-1-me@example.org>\nX-Mailer: git-send-email'
    ' 2.39.5\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\n'
    'Why.\n\nSigned-off-by: Me <me@example.org>\n---\n a | 2 +-\n\n'
    'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x \n+y\n-- \n2.39.5\n'
    '\n',
    ('-i', '-f', 'me@example.org', 'list@example.net', 'author@example.com',
     'committer@example.com'))
raw('as-emacs', 'From: Me <me@example.org>\nTo: you@example.net\nSubject: x\n'
    'Gcc: sent\nDate: Thu, 01 Oct 2026 12:00:00 +0000\nMessage-ID:'
    ' <87.fsf@example.org>\nUser-Agent: Gnus/5.13 (Gnus v5.13)\n'
    'MIME-Version: 1.0\nContent-Type: text/plain\n\ntext\n',
    ('-oi', '-f', 'me@example.org', '-oem', '-odb', '-t'))
raw('as-php', b'To: you@example.net\r\nSubject: x\r\n'
    b'X-PHP-Originating-Script: 33:index.php\r\nFrom: web@example.org\r\n'
    b'Reply-To: visitor@example.com\r\nX-Mailer: PHP/8.2\r\n\r\n'
    b'one\ntwo\n', ('-t', '-i'))
raw('as-phpmailer', 'Date: Thu, 1 Oct 2026 12:00:00 +0000\nTo: You'
    ' <you@example.net>\nFrom: Me <me@example.org>\nBcc: one@example.net\n'
    'Subject: x\nMessage-ID: <abc@host>\nX-Mailer: PHPMailer 6.6.3\n'
    'MIME-Version: 1.0\nContent-Type: multipart/alternative;\n'
    ' boundary="b1_x"\nContent-Transfer-Encoding: 8bit\n\n'
    'This is a multi-part message in MIME format.\n\n--b1_x\nContent-Type:'
    ' text/plain; charset=us-ascii\n\ntext\n\n--b1_x\nContent-Type: text/html;'
    ' charset=us-ascii\n\n<b>text</b>\n\n\n--b1_x--\n',
    ('-t', '-i', '-oi', '-fme@example.org', '-t'))
raw('as-nodemailer', b'From: me@example.org\r\nTo: you@example.net\r\n'
    b'Bcc: hidden@example.net\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n'
    b'Date: Thu, 01 Oct 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n'
    b'Content-Type: text/plain; charset=utf-8\r\n'
    b'Content-Transfer-Encoding: 7bit\r\n\r\ntext\n',
    ('-i', '-f', 'me@example.org', 'you@example.net', 'hidden@example.net'))
raw('as-ruby', 'Date: Thu, 01 Oct 2026 12:00:00 +0000\nFrom: me@example.org\n'
    'To: you@example.net\nMessage-ID: <1.2.mail@host>\nSubject: x\n'
    'Mime-Version: 1.0\nContent-Type: text/plain;\n charset=UTF-8\n'
    'Content-Transfer-Encoding: 7bit\n\ntext\n',
    ('-i', '-f', 'me@example.org', '--', 'you@example.net'))
raw('as-mime-lite', 'MIME-Version: 1.0\nContent-Transfer-Encoding: binary\n'
    'Content-Type: text/plain\nX-Mailer: MIME::Lite 3.033\nDate: Thu, 1 Oct'
    ' 2026 12:00:00 UT\nFrom: me@example.org\nTo: you@example.net\nBcc:'
    ' one@example.net\nSubject: x\n\ntext\n',
    ('-t', '-oi', '-oem', '-fme@example.org'))
raw('as-python', 'Content-Type: text/plain; charset="utf-8"\nMIME-Version:'
    ' 1.0\nContent-Transfer-Encoding: base64\nSubject: x\nFrom:'
    ' me@example.org\nTo: you@example.net\n\nR3LDvMOfZQo=\n',
    ('-f', 'me@example.org', 'you@example.net'))
raw('as-list', 'Received: from a.example by lists.example; Thu, 1 Oct 2026'
    ' 12:00:00 +0000\nFrom: Them <them@example.com>\nTo: list@example.net\n'
    'Date: Thu, 1 Oct 2026 12:00:00 +0000\nMessage-ID: <t@example.com>\n'
    'Subject: [list] x\nSender: list-bounces@example.net\nErrors-To:'
    ' list-bounces@example.net\nList-Id: The list <list.example.net>\n'
    'List-Unsubscribe: <mailto:list-leave@example.net>,\n'
    ' <https://lists.example.net/leave>\nPrecedence: list\n\ntext\n\n'
    '_______________\nlist mailing list\n',
    ('-oi', '-odi', '-oem', '-f', 'list-bounces@example.net', '--',
     'a@example.com', 'b@example.com', 'c@example.com'))
raw('as-calendar', 'From: me@example.org\nTo: you@example.net\nSubject:'
    ' Invitation\nMIME-Version: 1.0\nContent-Type: multipart/alternative;'
    ' boundary="c"\n\n--c\nContent-Type: text/plain\n\nCome.\n--c\n'
    'Content-Type: text/calendar; method=REQUEST; charset=utf-8\n'
    'Content-Transfer-Encoding: 8bit\n\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n'
    'BEGIN:VEVENT\r\nSUMMARY:Grüße\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--c--\n',
    ('-t', '-i', '-f', 'me@example.org'))
raw('as-vacation', 'From: me@example.org\nTo: them@example.com\nSubject: away'
    '\nAuto-Submitted: auto-replied\nPrecedence: bulk\nIn-Reply-To:'
    ' <t@example.com>\n\nI am away.\n', ('-f', '', '--', 'them@example.com'))
raw('as-reportbug', 'Content-Type: text/plain; charset="us-ascii"\n'
    'MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\nFrom: Me'
    ' <me@example.org>\nTo: submit@example.net\nSubject: pkg: broken\n'
    'Message-ID: <1.reportbug@host>\nX-Mailer: reportbug 12.0.0\nDate: Thu, 01'
    ' Oct 2026 12:00:00 +0000\nX-Debbugs-Cc: me@example.com\n\nPackage: pkg\n'
    'Version: 1\n\ntext\n',
    ('-f', 'me@example.org', '-oi', '-oem', 'submit@example.net',
     'me@example.com'))
raw('as-fetchmail', 'Return-Path: <them@example.com>\nDelivered-To:'
    ' me@example.org\nReceived: from a.example by b.example; Thu, 1 Oct 2026'
    ' 12:00:00 +0000\nFrom: them@example.com\nTo: me@example.org\nDate: Thu, 1'
    ' Oct 2026 12:00:00 +0000\nMessage-ID: <t@example.com>\nStatus: RO\n\n'
    'text\n', ('-i', '-f', 'them@example.com', '--', 'one@example.net'))
raw('as-nmh', 'To: you@example.net\nBcc: one@example.net\nFcc: sent\n'
    'X-Mailer: MH-E 8.6; nmh 1.8; Emacs 28\nFrom: me@example.org\n'
    'Date: Thu, 01 Oct 2026 12:00:00 +0000\nMIME-Version: 1.0\n'
    'Content-Type: text/plain; charset="us-ascii"\nContent-ID: <1@host>\n\n'
    'text\n', ('-t', '-i'))
raw('as-nmh-bcc', 'Bcc: one@example.net\nFrom: me@example.org\nSubject: x\n\n'
    '------- Blind-Carbon-Copy\n\nTo: you@example.net\n\ntext\n\n'
    '------- End of Blind-Carbon-Copy\n', ('-t', '-i'))
raw('as-netdata', 'To: "you" <you@example.net>, <one@example.net>\n'
    'Subject: host needs attention\nMIME-Version: 1.0\nContent-Type:'
    ' multipart/alternative; boundary="multipart-boundary"\n'
    'X-Netdata-Severity: warning\n\nThis is a MIME-encoded multipart message\n'
    '\n--multipart-boundary\nContent-Type: text/plain; encoding=UTF-8\n\n'
    'load\n\n--multipart-boundary--\n',
    ('-t', '-f', 'me@example.org', '-F', 'netdata on host'))
