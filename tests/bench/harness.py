"""What the scenarios share: one that takes part, its runs, and tables of them."""
import csv
import os
import random
import statistics
import subprocess
import time

from lab import BUILD

RUNS = int(os.environ.get("BENCH_RUNS", "9"))
DELAY = int(os.environ.get("BENCH_DELAY", "50"))
RECIPIENT = "discard@example.net"


class Results:
    """Every run, for a table that other programs read; and medians."""
    fields = ("scenario relay link size peer run milliseconds "
              "cpu_milliseconds peak_kib status").split()

    def __init__(self, path):
        self.rows = []
        self.file = open(path, "w", newline="")
        self.writer = csv.writer(self.file)
        self.writer.writerow(self.fields)

    def add(self, scenario, job, run, measured):
        row = (scenario, job.relay, job.link, job.size, job.name, run, *measured)
        self.rows.append(dict(zip(self.fields, row)))
        self.writer.writerow(row)
        self.file.flush()

    def of(self, scenario, **which):
        return [row for row in self.rows if row["scenario"] == scenario
                and all(row[name] == value for name, value in which.items())]

    def median(self, field, scenario, **which):
        values = [row[field] for row in self.of(scenario, **which)
                  if row["status"] == 0]
        return statistics.median(values) if values else None


def measure(command, stdin, also="-"):
    """(milliseconds, of the processor, KiB, status)"""
    said = subprocess.run(
        [f"{BUILD}/tests/bench/measure", stdin, also, *command],
        stdout=subprocess.PIPE, text=True, timeout=1200, check=True)
    wall, cpu, peak, status = map(int, said.stdout.split())
    return wall / 1000, cpu / 1000, peak, status


class Job:
    """A command that takes part, at one relay by one link."""
    relay = link = size = ""
    also = "-"

    def __init__(self, lab, name, command, **more):
        self.lab, self.name, self.command = lab, name, command
        self.input = lab.message
        vars(self).update(more)

    def before(self):
        """Is not measured."""

    def run(self, *wrap):
        self.before()
        return measure([*wrap, *self.command], self.input, self.also)

    def complaint(self):
        """Of a run that fails: what it says."""
        said = self.lab.place("said", "")
        os.environ["MEASURE_OUTPUT"] = said
        status = self.run()[3]
        del os.environ["MEASURE_OUTPUT"]
        if status == 0:
            return None
        with open(said, errors="replace") as file:
            return f"{status}, " + " / ".join(file.read().split("\n"))[:300]

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


class PeerJob(Job):
    """A peer, with one small message."""

    def __init__(self, lab, peer, relay, link):
        super().__init__(lab, peer.name, peer.prepare(relay, link, RECIPIENT),
                         relay=relay, link=link, also=peer.also)
        self.peer = peer
        self.input = getattr(peer, "input", lab.message)

    def before(self):
        self.peer.before(self.relay, self.link)


def relays(lab, names):
    return [name for name in names if lab.start(name)]


def present(lab, kinds):
    only = os.environ.get("BENCH_ONLY", "").split()
    made = [kind(lab) for kind in kinds if not only or kind.name in only]
    found = [peer for peer in made if peer.found()]
    for peer in found:
        print(f"# {peer.name}: {peer.version()}")
    return found


def that_work(jobs):
    """Those that succeed at the first link; what does not is named."""
    fine = []
    for job in jobs:
        complaint = job.complaint()
        if complaint is None:
            fine.append(job)
        else:
            print(f"# {job.name} is left out at {job.relay}: {complaint}")
    return fine


def peer_jobs(lab, kinds, names, links):
    found = present(lab, kinds)
    jobs = []
    for relay in relays(lab, names):
        for job in that_work([PeerJob(lab, peer, relay, links[0])
                              for peer in found]):
            jobs += [job] + [PeerJob(lab, job.peer, relay, link)
                             for link in links[1:]]
    return jobs


def take_turns(results, scenario, jobs, runs=RUNS):
    jobs = list(jobs)
    for number in range(runs):
        random.shuffle(jobs)
        for job in jobs:
            results.add(scenario, job, number, job.run())


def names_of(jobs):
    """In the order of their first appearance."""
    return list(dict.fromkeys(job.name for job in jobs))


def ratio(value, base):
    return value / base if value is not None and base else None


def table(title, head, rows):
    if not rows:
        return
    rows = [head] + [["-" if cell is None else f"{cell:.2f}"
                      if isinstance(cell, float) else str(cell)
                      for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    print(title)
    for row in rows:
        print("  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print(flush=True)




def names_of_rows(rows):
    """In the order of the alphabet, the program first."""
    return sorted({row["peer"] for row in rows},
                  key=lambda name: (not name.startswith("postrider"), name))
