#!/usr/bin/env python3
"""bench.py [SCENARIO...] - the program beside others, in front of the same relays.

It runs as root, in a network of its own, and leaves nothing behind but
bench.csv and *.svg in the build's directory. All that is compared takes turns in
one run. BENCH_RUNS: how often; BENCH_DELAY: of the far link, in milliseconds.

    cold        one small message: round trips, time
    cpu         the same: what it costs the machine
    warm        100 of them, in one session
"""
import csv
import os
import random
import re
import statistics
import subprocess
import sys
import time

import peers
from lab import BUILD, Lab

RUNS = int(os.environ.get("BENCH_RUNS", "9"))
DELAY = int(os.environ.get("BENCH_DELAY", "50"))
RECIPIENT = "discard@example.net"


class Results:
    """Every run, for the table of its file; and medians."""
    fields = ("scenario relay link peer run milliseconds cpu_milliseconds "
              "peak_kib status").split()

    def __init__(self, path):
        self.rows = []
        self.file = open(path, "w", newline="")
        self.writer = csv.writer(self.file)
        self.writer.writerow(self.fields)

    def add(self, *row):
        self.rows.append(dict(zip(self.fields, row)))
        self.writer.writerow(row)
        self.file.flush()

    def of(self, scenario, relay, link, peer):
        return [row for row in self.rows
                if (row["scenario"], row["relay"], row["link"], row["peer"])
                == (scenario, relay, link, peer)]

    def median(self, field, *which):
        values = [row[field] for row in self.of(*which)]
        return statistics.median(values) if values else None


def measure(command, stdin, also="-", timeout=300):
    """(milliseconds, of the processor, KiB, status)"""
    said = subprocess.run(
        [f"{BUILD}/tests/bench/measure", stdin, also, *command],
        stdout=subprocess.PIPE, text=True, timeout=timeout, check=True)
    wall, cpu, peak, status = map(int, said.stdout.split())
    return wall / 1000, cpu / 1000, peak, status


class Case:
    """One peer, with its own input, at one relay by one link."""

    def __init__(self, lab, peer, relay, link):
        self.lab, self.peer, self.relay, self.link = lab, peer, relay, link
        self.command = peer.prepare(relay, link, RECIPIENT)
        self.input = getattr(peer, "input", lab.message)
        self.also = peer.also

    def run(self, *wrap):
        self.peer.before(self.relay, self.link)
        return measure([*wrap, *self.command], self.input, self.also)

    def complaint(self):
        """Of a run that fails: its last line."""
        said = self.lab.place("said", "")
        os.environ["MEASURE_OUTPUT"] = said
        status = self.run()[3]
        del os.environ["MEASURE_OUTPUT"]
        if status == 0:
            return None
        with open(said, errors="replace") as file:
            return f"{status}, " + " / ".join(file.read().split("\n"))[:200]

    def calls(self):
        """How many system calls."""
        path = self.lab.place("calls")
        self.run("strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", path)
        with open(path) as file:
            for line in file:
                if line.split()[1:] == ["total"]:
                    return int(line.split()[0])
        return None

    def octets(self):
        """How many on the wire, of packets with all they have."""
        before = self.lab.octets()
        self.run()
        time.sleep(6 * DELAY / 1000)
        return self.lab.octets() - before


def relays(lab, names):
    return [name for name in names if lab.start(name)]


def cases_of(lab, kinds, names, links):
    """What works is compared; what does not is named."""
    found = peers.present(lab, kinds)
    for peer in found:
        print(f"# {peer.name}: {peer.version()}")
    cases = []
    for relay in relays(lab, names):
        for peer in found:
            these = [Case(lab, peer, relay, link) for link in links]
            complaint = these[0].complaint()
            if complaint is None:
                cases += these
            else:
                print(f"# {peer.name} is left out at {relay}: {complaint}")
    return cases


def take_turns(results, scenario, cases):
    for number in range(RUNS):
        random.shuffle(cases)
        for case in cases:
            results.add(scenario, case.relay, case.link, case.peer.name, number,
                        *case.run())


def table(head, rows):
    if not rows:
        return
    rows = [head] + [["-" if cell is None else f"{cell:.2f}"
                      if isinstance(cell, float) else str(cell)
                      for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    print()
    for row in rows:
        print("  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print()


def ratio(value, base):
    return value / base if value is not None and base else None


def names_of(cases):
    return [name for name in (kind.name for kind in EVERYONE)
            if any(case.peer.name == name for case in cases)]


def one_of(cases, name, link):
    return next(case for case in cases
                if (case.peer.name, case.link) == (name, link))


EVERYONE = (*peers.ALL, peers.PostriderSystemTrust, peers.MsmtpSystemTrust,
            peers.CurlSystemTrust, peers.CurlRaw)


def cold(lab, results):
    every = cases_of(lab, peers.ALL, ("postfix", "exim", "dovecot"),
                     ("near", "far"))
    take_turns(results, "cold", every)
    for relay in relays(lab, ("postfix", "exim", "dovecot")):
        cases = [case for case in every if case.relay == relay]

        def median(field, link, name):
            return results.median(field, "cold", relay, link, name)

        rows = []
        for name in names_of(cases):
            near = median("milliseconds", "near", name)
            far = median("milliseconds", "far", name)
            failed = sum(row["status"] != 0 for link in ("near", "far")
                         for row in results.of("cold", relay, link, name))
            rows.append([
                name, near,
                ratio(near, median("milliseconds", "near", "msmtp")), far,
                ratio(far, median("milliseconds", "far", "msmtp")),
                (far - near) / DELAY,
                median("cpu_milliseconds", "near", name),
                median("peak_kib", "near", name) / 1024,
                one_of(cases, name, "near").calls(),
                one_of(cases, name, "far").octets(), failed])
        print(f"cold, {relay}: a message of 2 KiB")
        table(["", "0 ms", "x", f"{DELAY} ms", "x", "round trips", "CPU ms",
               "MiB", "calls", "octets", "failed"], rows)


def cpu(lab, results):
    kinds = (peers.Postrider, peers.PostriderSystemTrust, peers.Msmtp,
             peers.MsmtpSystemTrust, peers.Curl, peers.CurlSystemTrust,
             peers.Nullmailer, peers.SNail)
    cases = cases_of(lab, kinds, ("exim",), ("near",))
    take_turns(results, "cpu", cases)
    rows = []
    for name in names_of(cases):
        which = "cpu", "exim", "near", name
        spent = results.median("cpu_milliseconds", *which)
        rows.append([name, results.median("milliseconds", *which), spent, ratio(
            spent, results.median("cpu_milliseconds", *which[:3], "msmtp")),
            results.median("peak_kib", *which) / 1024])
    print("cpu, exim: a message of 2 KiB, at once; -bundle trusts all authorities "
          "of the system")
    table(["", "ms", "CPU ms", "x", "MiB"], rows)


SCENARIOS = {"cold": cold, "cpu": cpu}


def enclosed():
    """Runs again in a network, mounts and processes of its own."""
    if os.environ.get("BENCH_ENCLOSED"):
        return
    if os.geteuid() != 0:
        raise SystemExit("bench: only root can have a network of its own")
    os.environ["BENCH_ENCLOSED"] = "yes"
    # Others that work on this machine count for less then.
    wrap = os.environ.get("BENCH_WRAP", "").split()
    command = [*wrap, "unshare", "--mount", "--net", "--pid", "--fork",
               "--kill-child", "--mount-proc", "--propagation", "private",
               sys.executable, *sys.argv]
    os.execvp(command[0], command)


def main():
    chosen = sys.argv[1:] or list(SCENARIOS)
    for name in chosen:
        if name not in SCENARIOS:
            raise SystemExit(f"bench: {name} is none of: "
                             + " ".join(SCENARIOS))
    enclosed()
    lab = Lab(DELAY)
    os.environ.update(HOME=lab.home, USER="root", LOGNAME="root",
                      DBUS_SESSION_BUS_ADDRESS="disabled:")
    for name in "XDG_RUNTIME_DIR", "G_DEBUG", "EMAIL":
        os.environ.pop(name, None)
    lab.message = lab.place("message", message(2048))
    print(f"# {os.uname().release}, {os.cpu_count()} processors, load "
          f"{os.getloadavg()[0]:.1f}; {RUNS} runs, medians; delay {DELAY} ms")
    try:
        results = Results(f"{BUILD}/bench.csv")
        for name in chosen:
            SCENARIOS[name](lab, results)
    finally:
        lab.end()


def message(size):
    header = ("From: Me <me@example.org>\nTo: discard@example.net\n"
              "Subject: of a certain size\n"
              "Date: Thu, 01 Oct 2026 12:00:00 +0000\n"
              "Message-ID: <bench@example.org>\n\n")
    line = "A line of text, as there are many in messages that people write.\n"
    text = header + line * ((size - len(header)) // len(line) + 1)
    return text[:size - 1] + "\n"


if __name__ == "__main__":
    main()
