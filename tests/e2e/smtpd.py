#!/usr/bin/python3
"""A client that hands over mail by `sendmail -bs'.

  smtpd.py SENDMAIL STATE FILE   runs a dialogue; STATE is the program's directory

A line of a dialogue is a verb and its text, in which \\r \\n \\t \\\\ \\xNN are octets:

  #: exit N          the status; 0 unless said
  #: arguments ...   besides -bs -odq
  #: held N          so many messages are held in the end; 0 unless said
  #: stderr REGEX    what is there matches; else there is nothing
  c TEXT             say a line, with CRLF
  n TEXT             say a line, with LF
  o TEXT             say octets
  s GLOB             the server says that; before it reads what it is told
  x N TEXT           say octets N times
  eof                nothing more will be said
  deaf               nothing more will be heard, either
  body TEXT          the next message in the queue has this body
  line GLOB          and such a line in its envelope

What is said goes out in one piece when something is expected, so a dialogue can
run ahead. In the end the server must be silent, and the queue hold no more
messages than there were bodies.
"""

import fnmatch
import os
import re
import subprocess
import sys

SECONDS = 20


def octets(text):
    def octet(match):
        found = match.group(1)
        if found[0] == "x":
            return bytes([int(found[1:], 16)])
        return {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}[found]

    parts = re.split(r"\\(x[0-9a-f]{2}|[rnt\\])", text)
    return b"".join(
        octet(re.match("(.*)", part)) if i % 2 else os.fsencode(part)
        for i, part in enumerate(parts))


def entries(state, room):
    directory = os.path.join(state, room)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    for name in names:
        with open(os.path.join(directory, name), "rb") as file:
            entry = file.read()
        sizes = dict(re.findall(rb"(\w+)=(\d+)", entry[:96]))
        body, header, envelope = (
            int(sizes[name]) for name in (b"body", b"header", b"envelope"))
        start = 96 + body + header
        yield (entry[96:96 + body],
               entry[start:start + envelope].decode(errors="replace"))


class Failure(Exception):
    pass


class Run:
    def __init__(self, sendmail, arguments):
        self.process = subprocess.Popen(
            [sendmail, "-bs", "-odq"] + arguments, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = b""

    def speak(self):
        if not self.said:
            return
        try:
            self.process.stdin.write(self.said)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        self.said = b""

    def hear(self, glob):
        self.speak()
        line = self.process.stdout.readline()
        if not line.endswith(b"\r\n"):
            raise Failure(f"{line!r} is not a whole line")
        text = line[:-2].decode()
        if not fnmatch.fnmatchcase(text, glob):
            raise Failure(f"`{text}' instead of `{glob}'")

    def verb(self, verb, text):
        if verb == "c":
            self.said += octets(text) + b"\r\n"
        elif verb == "n":
            self.said += octets(text) + b"\n"
        elif verb == "o":
            self.said += octets(text)
        elif verb == "x":
            count, text = text.split(" ", 1)
            self.said += octets(text) * int(count)
        elif verb == "s":
            self.hear(text)
        elif verb == "eof":
            self.speak()
            self.process.stdin.close()
        elif verb == "deaf":
            self.process.stdout.close()
        else:
            raise Failure(f"no verb {verb}")

    def end(self):
        self.speak()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        heard = b""
        if not self.process.stdout.closed:
            heard = self.process.stdout.read()
        errors = self.process.stderr.read().decode()
        status = self.process.wait(SECONDS)
        if heard:
            raise Failure(f"it went on: {heard!r}")
        return status, errors


def check_queue(state, wanted):
    bodies = list(entries(state, "queue"))
    index = -1
    for verb, text in wanted:
        if verb == "body":
            index += 1
            if index >= len(bodies):
                raise Failure(f"only {index} messages are queued")
            if bodies[index][0] != octets(text):
                raise Failure(f"body {bodies[index][0]!r}")
        elif not any(fnmatch.fnmatchcase(line, text)
                     for line in bodies[index][1].splitlines()):
            raise Failure(f"no line {text} in {bodies[index][1]}")
    if len(bodies) != index + 1:
        raise Failure(f"{len(bodies)} messages are queued")


def run_file(sendmail, state, name):
    head = {"exit": "0", "arguments": "", "held": "0", "stderr": None}
    script = []
    wanted = []
    with open(name, encoding="utf-8", errors="surrogateescape") as file:
        for line in file.read().split("\n"):
            if line.startswith("#: "):
                key, head[key] = line[3:].split(" ", 1)
            elif line and not line.startswith("#"):
                verb, _, text = line.partition(" ")
                (wanted if verb in ("body", "line") else script).append(
                    (verb, text))
    run = Run(sendmail, head["arguments"].split())
    try:
        for verb, text in script:
            run.verb(verb, text)
        status, errors = run.end()
    finally:
        run.process.kill()
        run.process.wait()
    if status != int(head["exit"]):
        raise Failure(f"status {status}, not {head['exit']}; {errors}")
    if head["stderr"] is None and errors or not re.search(
            head["stderr"] or "", errors):
        raise Failure(f"stderr: {errors}")
    check_queue(state, wanted)
    if len(list(entries(state, "held"))) != int(head["held"]):
        raise Failure("not so many are held")


if __name__ == "__main__":
    try:
        run_file(*sys.argv[1:])
    except Failure as failure:
        sys.exit(str(failure))
