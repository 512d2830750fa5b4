"""Parts and DKIM signatures of the message on stdin.

signed.py first|second BOUNDARY       that part of its multipart, with CRLF
signed.py sign KEY CANONICALIZATION   the message with a signature
signed.py verify PUBLIC-KEY           fails unless the signature verifies
"""
import re
import sys


def part(number, boundary):
    text = re.sub(rb'\r?\n', b'\r\n', sys.stdin.buffer.read())
    return text.split(b'\r\n--' + boundary.encode())[number].partition(
        b'\r\n')[2]


def sign(key, canonicalization):
    import dkim
    text = re.sub(rb'\r?\n', b'\r\n', sys.stdin.buffer.read())
    how = canonicalization.encode()
    with open(key, 'rb') as file:
        field = dkim.sign(text, b'test', b'example.org', file.read(),
                          canonicalize=(how, how), include_headers=[
                              b'From', b'To', b'Date', b'Message-ID',
                              b'Subject', b'MIME-Version', b'Content-Type',
                              b'Content-Transfer-Encoding'])
    return (field + text).replace(b'\r\n', b'\n')


def verify(key):
    import dkim
    text = re.sub(rb'\r?\n', b'\r\n', sys.stdin.buffer.read())
    with open(key) as file:
        record = 'v=DKIM1; k=rsa; p=' + ''.join(
            line.strip() for line in file if not line.startswith('-'))
    if not dkim.verify(text, dnsfunc=lambda name, timeout=0: record.encode()):
        sys.exit('the signature does not verify')
    return b''


COMMANDS = {'first': lambda boundary: part(1, boundary),
            'second': lambda boundary: part(2, boundary),
            'sign': sign, 'verify': verify}
sys.stdout.buffer.write(COMMANDS[sys.argv[1]](*sys.argv[2:]))
