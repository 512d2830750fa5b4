"""The examples of the guide, for manual-examples.sh.

  manual-examples.py extract GUIDE DIRECTORY
      Each example, without Texinfo, as DIRECTORY/N; a line "N LINE KIND..." in
      DIRECTORY/index for each, of its mark. One without a mark is an error.
  manual-examples.py says EXAMPLE SOURCE...
      Each line of EXAMPLE is what the program may say: of a string in SOURCEs, or of
      its beginning or its end. "..." and "%s" stand for anything.
  manual-examples.py account FILE PORT AUTHORITY NAME
      The accounts FILE, with account NAME led to localhost:PORT, and its password to
      the keyring.
  manual-examples.py list FILE
      "NAME ADDRESS TLS USER" for each account of FILE.
  manual-examples.py shows EXAMPLE OUTPUT
      Each line of EXAMPLE stands in OUTPUT, but for numbers, identifiers, addresses
      of hosts, and blanks.
"""
import os
import re
import sys


def extract(guide, directory):
    index, mark, text, start = [], None, None, 0
    for number, line in enumerate(open(guide, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("@c test: "):
            mark = line[9:]
        elif line in ("@example", "@smallexample"):
            text, start = [], number
            if mark is None:
                sys.exit(f"{guide}:{number}: this example has no `@c test:'")
        elif line in ("@end example", "@end smallexample"):
            with open(os.path.join(directory, str(len(index) + 1)), "w",
                      encoding="utf-8") as f:
                f.write("\n".join(text) + "\n")
            index.append(f"{len(index) + 1} {start} {mark}")
            text = mark = None
        elif text is not None and line not in ("@group", "@end group"):
            plain = re.sub(r"@([@{}])", r"\1", line)
            if re.search(r"(?<!@)@[a-z]+\{", line):
                sys.exit(f"{guide}:{number}: an example is plain text")
            text.append(plain)
    with open(os.path.join(directory, "index"), "w", encoding="utf-8") as f:
        f.write("\n".join(index) + "\n")


def strings(sources):
    """Strings of C, those that stand side by side joined."""
    literal = r'"(?:[^"\\]|\\.)*"'
    for source in sources:
        with open(source, encoding="utf-8") as f:
            for group in re.findall(rf"{literal}(?:\s*{literal})*", f.read()):
                yield "".join(part[1:-1] for part in re.findall(literal, group))


def says(example, sources):
    def within(line, text):
        """LINE is a part of what TEXT may become."""
        place = 0
        for part in filter(None, (p.strip() for p in line.split("..."))):
            place = text.find(part, place)
            if place < 0:
                return False
            place += len(part)
        return True

    def around(line, text):
        """What TEXT may become is LINE, but for marks at its ends."""
        pattern = ".*".join(map(re.escape, text.split("\0")))
        match = re.search(pattern, line)
        letters = [len(re.findall(r"[a-z]", t)) for t in (text, line)]
        return match and letters[0] > 0.8 * letters[1] and not re.search(
            r"\w", line[:match.start()] + line[match.end():])

    texts = [re.sub(r"%(?:\d\$)?[a-z%]", "\0", s).replace('\\"', '"')
             for s in strings(sources)]
    wrong = [line for line in open(example, encoding="utf-8").read().splitlines()
             if not any(within(line, text) or around(line, text) for text in texts)]
    if wrong:
        sys.exit("no source says: " + "\n".join(wrong))


def sections(file):
    """[(NAME, [line])], what stands before the first as the one of ''."""
    found = [("", [])]
    for line in open(file, encoding="utf-8").read().splitlines():
        head = re.match(r"\[(.*)\]", line)
        if head:
            found.append((head[1], []))
        else:
            found[-1][1].append(line)
    return found


def value(lines, name):
    for line in lines:
        setting = re.match(r"([a-z-]+)\s*=\s*(.*)", line)
        if setting and setting[1] == name:
            return setting[2]
    return None


def accounts(file):
    return [s for s in sections(file) if s[0] not in ("", "defaults", "postrider")]


def list_accounts(file):
    for name, lines in accounts(file):
        own = [a.strip() for a in value(lines, "from").split(",")]
        address = next(a for a in own if "*" not in a and "?" not in a)
        print(name, address, value(lines, "tls") or "implicit",
              value(lines, "user") or "me")


# What leads to another relay, or to another place for the password.
REPLACED = {"host", "port", "user", "trust-file", "pin", "proxy", "tunnel", "auth",
            "socket", "certificate", "key", "password-command", "password-file",
            "password-credential", "token-command", "log", "start-runner",
            "aliases"}


def rewritten(lines):
    return [line for line in lines
            if line.split("=")[0].strip() not in REPLACED]


def account(file, port, authority, wanted):
    for name, lines in sections(file):
        if name and not (name == wanted or name in ("defaults", "postrider")):
            continue
        if name and name != "postrider":
            print(f"[{name}]")
        elif name:
            continue
        print("\n".join(rewritten(lines)))
        if name == wanted:
            print(f"host = localhost\nport = {port}\n"
                  f"user = {value(lines, 'user') or 'me'}\n"
                  f"trust-file = {authority}")


def shows(example, output):
    def plain(text):
        text = text.replace("localhost", "smtp.work.example")
        text = re.sub(r"\n {20,}", " ", text)  # wherever it is folded
        text = re.sub(r"\b[0-9A-F]{16}\b", "ID", text)
        text = re.sub(r"\[?::1\]?|\b\d+\.\d+\.\d+\.\d+\b", "IP", text)
        text = re.sub(r"IP(, IP)+", "IP", text)
        text = re.sub(r"queued as \S+", "queued", text)
        text = re.sub(r"\bby CN=\S+", "by CN", text)
        text = re.sub(r"\d+", "0", text)
        return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]

    have = plain(open(output, encoding="utf-8").read()
                 .replace(os.environ["HOME"], "/home/me"))
    place = 0
    for line in plain(open(example, encoding="utf-8").read()):
        if line not in have[place:]:
            sys.exit(f"this is not shown: {line}\nbut:\n" + "\n".join(have))
        place = have.index(line, place) + 1


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "extract":
        extract(*arguments)
    elif what == "says":
        says(arguments[0], arguments[1:])
    elif what == "account":
        account(*arguments)
    elif what == "list":
        list_accounts(*arguments)
    elif what == "shows":
        shows(*arguments)
    else:
        sys.exit(__doc__)
