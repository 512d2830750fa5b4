"""plain.py OURS PLAIN

What of the messages arrived at a relay with all extensions, and at one with
neither 8BITMIME nor SMTPUTF8 (directories as compare.py has them): the latter
is ASCII, and says the same. Prints where it does not, and fails then.
"""
import email.header
import re
import sys

import arrivals
import differences
import messages

# The local-part cannot be ASCII; what is signed cannot be changed.
IMPOSSIBLE = {'to-utf8-local', 'to-utf8-both', 'argv-utf8', 'signed-8bit'}

PASSING = re.compile('(?:resent-)?(?:date|message-id)|mime-version'
                     '|content-transfer-encoding')

DOMAINS = {'bücher.example': 'xn--bcher-kva.example'}


def text(octets):
    """What a field says, without quotes, blanks and encodings."""
    said = octets.decode(errors='replace')
    said = ''.join(
        part if isinstance(part, str)
        else part.decode('latin-1' if charset in (None, 'unknown-8bit')
                         else charset)
        for part, charset in email.header.decode_header(said))
    for unicode, ascii_form in DOMAINS.items():
        said = said.replace(unicode, ascii_form)
    return re.sub(r'["\s]', '', said)


def said(arrival, original):
    """The fields, but for those that differ by themselves, and Content-Type
    where the ORIGINAL has none."""
    names = {name for name, field in original.fields}
    return [(name, text(field)) for name, field in arrival.fields
            if not PASSING.fullmatch(name)
            and (name != 'content-type' or name in names)]


def octets(arrival):
    return (b''.join(field for name, field in arrival.fields) + b'\n'
            + arrival.body)


def problems(name, ours, plain):
    if name in IMPOSSIBLE:
        if plain:
            yield 'it arrived'
        return
    if len(ours) != len(plain):
        yield '%d arrived, not %d' % (len(plain), len(ours))
    for one, other in zip(ours, plain):
        if not octets(other).isascii():
            yield 'it is not ASCII: %.300r' % octets(other)
        if max(map(len, octets(other).split(b'\n'))) > 998:
            yield 'it has long lines'
        if one.senders != other.senders or one.recipients != other.recipients:
            yield 'other addresses: %r %r' % (other.senders, other.recipients)
        if said(one, one) != said(other, one):
            yield 'other fields: %.300r' % said(other, one)
        if differences.leaves(octets(one)) != differences.leaves(
                octets(other)):
            yield 'another body: %.300r' % other.body


def main():
    found = [arrivals.read(directory + '/record')
             for directory in sys.argv[1:]]
    failed = False
    for number, case in enumerate(messages.CASES):
        for problem in problems(case.name,
                                *(side[number] for side in found)):
            print('%s: %s' % (case.name, problem))
            failed = True
    sys.exit(failed)


main()
