"""compare.py OURS THEIRS

What both sendmails did with the messages: directories with statuses and the
relay's record. Prints where they differ, and why, and what is not explained;
fails where there is such a thing, or an explanation that explains nothing.
"""
import collections
import fnmatch
import re
import sys
import textwrap

import arrivals
import differences
import messages

Seen = collections.namedtuple('Seen', 'aspect ours theirs')

DATE = re.compile(rb'(?i)(?:Resent-)?Date: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),'
                  rb' ? ?\d\d? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov'
                  rb'|Dec) 20\d\d \d\d:\d\d:\d\d [+-]\d{4}(?: \(\w+\))?\n')
MESSAGE_ID = (re.compile(rb'(?:Resent-)?Message-ID: <[a-z2-7]{26}'
                         rb'@example\.(?:org|com)>\n'),
              re.compile(rb'(?:Resent-)?Message-Id: <\d{14}\.[0-9A-F]+'
                         rb'@mail\.example\.org>\n'))


def made(field, side):
    """FIELD, or what stands for a value that is new in each message."""
    name, octets = field
    pattern = (DATE if name in ('date', 'resent-date')
               else MESSAGE_ID[side] if name in ('message-id',
                                                 'resent-message-id')
               else None)
    if pattern and pattern.fullmatch(octets):
        return name, b'(made)'
    return field


def fields_differ(case, ours, theirs):
    left, right = (collections.Counter(fields) for fields in (ours, theirs))
    for name in sorted({name for name, octets in left - right}
                       | {name for name, octets in right - left}):
        yield Seen('field ' + name, *(
            b''.join(octets for other, octets in fields if other == name)
            for fields in (ours, theirs)))
    both = left & right
    ours, theirs = ([field for field in fields if field in both]
                    for fields in (ours, theirs))
    if ours != theirs:
        given = case.message.replace(b'\r\n', b'\n') + b'\n'
        same = ([field for field in fields if field[1] in given]
                for fields in (ours, theirs))
        yield Seen('place' if next(same) == next(same) else 'order',
                   ours, theirs)


def whole(arrival):
    return (b''.join(octets for name, octets in arrival.fields) + b'\n'
            + arrival.body)


MIME = re.compile('field (?:mime-version|content-.*)$')


def contents_differ(case, ours, theirs):
    seen = list(fields_differ(
        case, *([made(field, side) for field in arrival.fields]
                for side, arrival in enumerate((ours, theirs)))))
    if theirs.traced and not ours.traced:
        yield Seen('trace', None, None)
    if ours.body == theirs.body:
        yield from seen
    elif any(MIME.match(one.aspect) for one in seen) or b'encoding' in \
            whole(ours).lower():
        yield Seen('decoded', whole(ours), whole(theirs))
        yield from (one for one in seen if not MIME.match(one.aspect))
    else:
        yield from seen
        yield Seen('body', ours.body, theirs.body)


def union(found, member):
    return set().union(*(getattr(arrival, member) for arrival in found))


def compare(case, returned, found):
    """All that differs for CASE, as Seen. Of a success we say nothing."""
    statuses, printed = zip(*returned)
    if statuses[0] != statuses[1]:
        yield Seen('status %d %d' % statuses, *statuses)
    if (printed[0] != '') != (statuses[0] != 0):
        yield Seen('printed', *printed)
    for side, name in enumerate(('ours', 'theirs')):
        if len(found[side]) > 1:
            yield Seen('contents ' + name, None, None)
        if found[side] and not found[1 - side]:
            yield Seen('arrival ' + name, None, None)
    if found[0] and found[1]:
        for member in ('senders', 'recipients'):
            ours, theirs = (union(side, member) for side in found)
            if ours != theirs:
                yield Seen({'senders': 'sender'}.get(member, member), ours,
                           theirs)
        yield from contents_differ(case, found[0][0], found[1][0])


def explanation(case, seen):
    """Its Difference. None where there is none, and where ours is not as it
    should be."""
    for difference in differences.DIFFERENCES:
        if (fnmatch.fnmatchcase(seen.aspect, difference.aspect)
                and any(fnmatch.fnmatchcase(case.name, name)
                        for name in difference.names)):
            if difference.holds is None or difference.holds(
                    case, seen.ours, seen.theirs):
                return difference
    return None


def wrap(text, indent):
    return textwrap.fill(text, 78, initial_indent=indent,
                         subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def print_explained(explained):
    reasons = collections.defaultdict(set)
    for difference, name in explained:
        reasons[difference.reason].add(name)
    for number, (reason, names) in enumerate(reasons.items(), 1):
        print('%3d. %3d x %s.' % (number, len(names), reason))
        if len(names) < 40:
            print(wrap(' '.join(sorted(names)), '           '))


def unneeded(explained):
    """What of the explanations was not seen, as (difference, pattern)."""
    for difference in differences.DIFFERENCES:
        names = [name for other, name in explained if other is difference]
        for pattern in difference.names:
            if not fnmatch.filter(names, pattern) and difference.aspect[-1] \
                    != '*':
                yield difference, pattern


def main():
    directories = sys.argv[1:]
    statuses = [arrivals.statuses(directory) for directory in directories]
    found = [arrivals.read(directory + '/record')
             for directory in directories]
    explained, unexplained, alike = [], [], 0
    for number, case in enumerate(messages.CASES):
        seen = list(compare(case, [side[number] for side in statuses],
                            [side[number] for side in found]))
        alike += not [one for one in seen
                      if one.aspect not in ('trace', 'place')]
        for one in seen:
            difference = explanation(case, one)
            if difference:
                explained.append((difference, case.name))
            else:
                unexplained.append((case, one))
    print('%d messages, %d alike but for fields that are added' % (
        len(messages.CASES), alike))
    pairs = collections.Counter(
        tuple(side[number][0] for side in statuses)
        for number in range(len(messages.CASES)))
    print('exit statuses, ours and theirs: ' + ', '.join(
        '%d x %d %d' % (count, *pair)
        for pair, count in sorted(pairs.items())))
    print_explained(sorted(explained, key=lambda pair:
                           differences.DIFFERENCES.index(pair[0])))
    for case, one in unexplained:
        print('not explained: %s: %s\n  ours:   %.300r\n  theirs: %.300r' % (
            case.name, *one))
    left = list(unneeded(explained))
    for difference, pattern in left:
        print('not seen: %s: %s (%s)' % (pattern, difference.aspect,
                                         difference.reason))
    sys.exit(bool(unexplained or left))


main()
