"""What a sendmail had the scripted relay take, of tests/relay/record.h."""
import collections
import glob
import re

Arrival = collections.namedtuple('Arrival',
                                 'senders recipients fields body traced')
Arrival.__doc__ = """One message: reverse-paths and forward-paths of all its
transactions (sets; domains in lower case), fields as (name, octets), body;
whether a Received field of Postfix's stood before them."""

# What Postfix puts before the message: on submission, and for each alias.
TRACE = re.compile(rb'(?:Received: by mail\.example\.org \(Postfix[^\n]*\n'
                   rb'|Delivered-To: [^\n]*@(?:example\.org|local[a-z.]*)\n)'
                   rb'(?:[ \t][^\n]*\n)*')
FIELD = re.compile(rb'([^\s:]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*')


def statuses(directory):
    """Exit status and first line printed, for each number."""
    with open(directory + '/statuses') as file:
        lines = [line.rstrip('\n').split(' ', 2) for line in file]
    return {int(number): (int(status), text)
            for number, status, text in lines}


def fold(path):
    local, at, domain = path.rpartition('@')
    return local + at + domain.lower()


def unescape(text):
    """As record_line wrote it; octets above 127 alone are unambiguous."""
    octets = re.sub(rb'\\x([89a-f][0-9a-f])',
                    lambda match: bytes.fromhex(match.group(1).decode()),
                    text.encode())
    return octets.decode(errors='backslashreplace')


def path_of(command):
    """MAIL FROM:<path> and what follows; a local-part may be quoted."""
    return fold(re.search(r':<((?:"(?:\\.|[^"\\])*"|[^">])*)>', command)[1])


def transactions(directory):
    """(MAIL command, paths, content) of every message that was taken."""
    for log in glob.glob(directory + '/*.log'):
        mail, paths = None, []
        with open(log) as file:
            for line in map(unescape, file):
                if line.startswith('tls < MAIL '):
                    mail, paths = line, []
                elif line.startswith('tls < RCPT '):
                    paths.append(path_of(line))
                elif re.match(r'tls > [45].*', line) and paths:
                    raise ValueError('%s: refused: %s' % (log, line))
                taken = re.match(r'tls - message (\d+) whole: .*, 0 bare CR,'
                                 r' 0 bare LF,', line)
                if taken:
                    name = '%s.message-%s' % (log[:-len('.log')], taken[1])
                    with open(name, 'rb') as content:
                        yield mail, paths, content.read()
                    mail, paths = None, []


def split(content):
    """Fields and body without the trace fields, and whether there were any."""
    text = content.replace(b'\r\n', b'\n')
    at = 0
    while match := TRACE.match(text, at):
        at = match.end()
    fields, traced = [], at > 0
    while match := FIELD.match(text, at):
        fields.append((match[1].decode().lower(), match[0]))
        at = match.end()
    assert text[at:at + 1] in (b'\n', b''), content
    return tuple(fields), text[at + 1:], traced


def read(directory):
    """The arrivals, a list for each number: what is the same but for its
    recipients is one arrival."""
    found = collections.defaultdict(list)
    for mail, paths, content in transactions(directory):
        number = re.search(r' ENVID=c(\d+)', mail)
        if number is None:
            continue
        fields, text, traced = split(content)
        for arrival in found[int(number[1])]:
            if (arrival.fields, arrival.body) == (fields, text):
                arrival.senders.add(path_of(mail))
                arrival.recipients.update(paths)
                break
        else:
            found[int(number[1])].append(
                Arrival({path_of(mail)}, set(paths), fields, text, traced))
    return found
