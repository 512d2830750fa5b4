#!/usr/bin/env python3
"""Where in the memory of a process a secret is, in any of its shapes.

    memory.py PID SECRET [SCRAM-SALT ITERATIONS]
    memory.py --core FILE SECRET [SCRAM-SALT ITERATIONS]

Prints a line for each place: shape, mapping, whether that is kept out of core
files ("undumped"), and the octets around. The shapes are the text itself, its
UTF-16, its base64 at each of three places in a longer text, hexadecimal, and what
SCRAM derives from it.
"""
import base64
import hashlib
import hmac
import re
import sys


def shapes(secret, salt=None, iterations=None):
    yield "text", secret
    yield "UTF-16", secret.decode().encode("utf-16-le")
    yield "hexadecimal", secret.hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret)
        # What stands next to it has a part in the first and the last digits.
        yield f"base64 at {shift}", encoded[2 * shift:len(encoded) // 4 * 4 - 4]
    if salt is not None:
        for name in "sha1", "sha256":
            salted = hashlib.pbkdf2_hmac(
                name, secret, base64.b64decode(salt), int(iterations))
            yield f"salted {name}", salted
            yield (f"client key {name}",
                   hmac.digest(salted, b"Client Key", name))


def mappings(pid):
    """(start, end, name, undumped), of those that can be read."""
    current = None
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)",
                            line)
            if head:
                current = head
            elif line.startswith("VmFlags:") and current[3][0] == "r":
                yield (int(current[1], 16), int(current[2], 16),
                       current[4] or "anonymous", " dd" in line)


def pieces(pid):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end, name, undumped in mappings(pid):
            try:
                memory.seek(start)
                octets = memory.read(end - start)
            except (OSError, OverflowError):
                continue  # [vvar] and its kind
            yield f"{name}{' undumped' if undumped else ''}", start, octets


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--core":
        with open(arguments[1], "rb") as core:
            places = [("core", 0, core.read())]
        del arguments[0]
    else:
        places = pieces(arguments[0])
    needles = list(shapes(arguments[1].encode(), *arguments[2:]))
    scanned = 0
    for name, start, octets in places:
        scanned += len(octets)
        for shape, needle in needles:
            at = octets.find(needle)
            while at >= 0:
                around = octets[max(0, at - 24):at + len(needle) + 24]
                print(f"{shape}: {name} {start + at:x} {around!r}")
                at = octets.find(needle, at + 1)
    print(f"{scanned} octets were read", file=sys.stderr)


main()
