"""What is measured; bench.py tells which there are."""
import base64
import glob
import os
import random
import shutil
import subprocess
import time

import peers
from harness import (DELAY, RECIPIENT, RUNS, Job, names_of, peer_jobs, present,
                     ratio, relays, table, take_turns, that_work)
from lab import BUILD, BUNDLE

FEW = max(1, RUNS // 3)  # of what takes long
BOTH = "near", "far"


def round_trips(near, far, count=1):
    return (far - near) / DELAY / count if near and far else None


def cold(lab, results):
    """One small message: round trips, time, and what it costs."""
    names = relays(lab, ("postfix", "exim", "dovecot"))
    every = peer_jobs(lab, peers.ALL, names, BOTH)
    take_turns(results, "cold", every)
    for relay in names:
        def median(field, link, name):
            return results.median(field, "cold", relay=relay, link=link,
                                  peer=name)

        rows = []
        jobs = {(job.name, job.link): job for job in every
                if job.relay == relay}
        for name in dict.fromkeys(name for name, _ in jobs):
            near = median("milliseconds", "near", name)
            far = median("milliseconds", "far", name)
            failed = sum(row["status"] != 0 for row in results.of(
                "cold", relay=relay, peer=name))
            rows.append([
                name, near, ratio(near, median("milliseconds", "near", "msmtp")),
                far, ratio(far, median("milliseconds", "far", "msmtp")),
                round_trips(near, far), median("cpu_milliseconds", "near", name),
                (median("peak_kib", "near", name) or 0) / 1024,
                jobs[name, "near"].calls(), jobs[name, "far"].octets(), failed])
        table(f"cold, {relay}: a message of 2 KiB",
              ["", "0 ms", "x", f"{DELAY} ms", "x", "round trips", "CPU ms",
               "MiB", "calls", "octets", "failed"], rows)


def cpu(lab, results):
    """One small message, at once: what it costs the machine."""
    kinds = (peers.Postrider, peers.PostriderSystemTrust, peers.Msmtp,
             peers.MsmtpSystemTrust, peers.Curl, peers.CurlSystemTrust,
             peers.Nullmailer, peers.SNail, peers.OpenSmtp)
    jobs = peer_jobs(lab, kinds, ("exim",), ("near",))
    take_turns(results, "cpu", jobs)
    cost_table(results, "cpu", "cpu, exim: a message of 2 KiB, at once; -bundle "
               "trusts all authorities of the system", jobs, "msmtp")


def cost_table(results, scenario, title, jobs, base):
    def median(field, name):
        return results.median(field, scenario, peer=name)

    table(title, ["", "ms", "CPU ms", "x", "MiB", "calls"],
          [[job.name, median("milliseconds", job.name),
            median("cpu_milliseconds", job.name),
            ratio(median("cpu_milliseconds", job.name),
                  median("cpu_milliseconds", base)),
            (median("peak_kib", job.name) or 0) / 1024, job.calls()]
           for job in jobs])


# Many messages.

def postrider(lab, name, relay, link, settings=""):
    """One of our own, with a queue of its own. (how it is called, its program)"""
    peer = peers.Postrider(lab)
    peer.name, peer.settings = name, settings
    command = peer.prepare(relay, link, RECIPIENT)
    return command, peer.program


class Queued(Job):
    """A run of the queue, with so many in it."""

    def before(self):
        for _ in range(self.count):
            subprocess.run([*self.enqueue], stdin=open(self.input), check=True)


def repeated(command, message, count):
    words = " ".join(f"'{word}'" for word in command)
    return ["sh", "-c", f"i=0; while [ $i -lt {count} ]; do {words} <{message} "
            "|| exit; i=$((i + 1)); done"]


def warm_jobs(lab, relay, link, count):
    at = {"relay": relay, "link": link, "size": count}
    command, program = postrider(lab, "postrider-queue", relay, link)
    environment, rest = command[:3], command[4:]
    yield Queued(lab, "postrider, queued", [*environment, program, "run",
                                            "--once"], count=count,
                 enqueue=[*command[:4], "-odq", *rest], **at)
    command, _ = postrider(lab, "postrider-calls", relay, link)
    yield Job(lab, "postrider, calls", repeated(command, lab.message, count),
              **at)
    for peer in present(lab, (peers.Msmtp, peers.Curl)):
        command = peer.prepare(relay, link, RECIPIENT)
        yield Job(lab, peer.name + ", calls",
                  repeated(command, lab.message, count), **at)
        if peer.name == "curl":
            parts = peer.part(relay, link, RECIPIENT, lab.message)
            yield Job(lab, "curl, one session", ["curl", "-s", *parts]
                      + ["--next", "-s", *parts] * (count - 1), **at)


def warm(lab, results, count=100):
    """100 small messages: in one session, and one after the other."""
    relay = "postfix"
    if not relays(lab, [relay]):
        return
    jobs = [job for link in BOTH for job in warm_jobs(lab, relay, link, count)]
    take_turns(results, "warm", jobs, FEW)
    many_table(results, "warm", f"warm, {relay}: {count} messages of 2 KiB", jobs,
               count, "msmtp, calls")


def many_table(results, scenario, title, jobs, count, base):
    def seconds(link, name):
        value = results.median("milliseconds", scenario, link=link, peer=name)
        return value and value / 1000

    rows = []
    for name in names_of(jobs):
        near, far = seconds("near", name), seconds("far", name)
        trips = round_trips(near and near * 1000, far and far * 1000, count)
        rows.append([name, near, ratio(near, seconds("near", base)), far,
                     ratio(far, seconds("far", base)), trips,
                     results.median("cpu_milliseconds", scenario, link="near",
                                    peer=name)])
    table(title, ["", "0 ms: s", "x", f"{DELAY} ms: s", "x",
                  "round trips each", "CPU ms"], rows)


def make_patches(lab, count):
    place = f"{lab.work}/patches"
    os.makedirs(place)
    for number in range(1, count + 1):
        with open(f"{place}/{number:04}.patch", "w") as file:
            file.write(
                f"From {number:040x} Mon Sep 17 00:00:00 2001\n"
                "From: Me <me@example.org>\n"
                "Date: Thu, 1 Oct 2026 12:00:00 +0000\n"
                f"Subject: [PATCH {number}/{count}] Change line {number}\n\n"
                "---\n file | 2 +-\n\ndiff --git a/file b/file\n"
                f"--- a/file\n+++ b/file\n@@ -{number} +{number} @@\n"
                "-before\n+after\n-- \n2.39\n")
    return sorted(glob.glob(f"{place}/*.patch"))


class Series(Job):
    """Waits until nobody holds a session from before."""
    rest = 0

    def before(self):
        time.sleep(self.rest)


LINGER = 2


def series_jobs(lab, relay, link, patches):
    at = {"relay": relay, "link": link, "size": len(patches)}

    def job(name, command, **more):
        words = " ".join(f"'{word}'" for word in command)
        return Series(lab, name, [
            "git", "-c", "user.name=Me", "-c", "user.email=me@example.org",
            "-c", f"sendemail.sendmailCmd={words}", "send-email",
            "--quiet", "--confirm=never", "--suppress-cc=all", "--no-validate",
            "--from=me@example.org", f"--to={RECIPIENT}", *patches],
            **at, **more)

    command, _ = postrider(lab, "postrider-series", relay, link)
    yield job("postrider", command[:4] + ["-i"])
    command, program = postrider(lab, "postrider-linger", relay, link,
                                 f"linger = {LINGER}s\n")
    known = subprocess.run([*command[:4], "-bv", RECIPIENT], text=True,
                           capture_output=True)
    if "linger" in known.stdout + known.stderr:
        print("# this program has no setting `linger'")
    else:
        yield job("postrider, linger", command[:4] + ["-i"], rest=LINGER + 0.5)
    for peer in present(lab, (peers.Msmtp,)):
        yield job(peer.name, peer.prepare(relay, link, RECIPIENT)[:-2])


def series(lab, results, count=50):
    """50 patches, by git send-email."""
    relay = "postfix"
    if not shutil.which("git-send-email", path=subprocess.getoutput(
            "git --exec-path")):
        print("# git send-email is not installed")
        return
    if not relays(lab, [relay]):
        return
    patches = make_patches(lab, count)
    jobs = [job for link in BOTH for job in series_jobs(lab, relay, link,
                                                        patches)]
    jobs = that_work_once(jobs)
    take_turns(results, "series", jobs, FEW)
    many_table(results, "series", f"series, {relay}: {count} patches by git "
               "send-email", jobs, count, "msmtp")


def that_work_once(jobs):
    near = {job.name for job in that_work(
        [job for job in jobs if job.link == "near"])}
    return [job for job in jobs if job.name in near]


# Large ones.

def make_large(lab, mebibytes):
    path = f"{lab.work}/large-{mebibytes}"
    block = base64.b64encode(random.randbytes(57 * 4096)).decode()
    block = "".join(block[i:i + 76] + "\n" for i in range(0, len(block), 76))
    header = ("From: Me <me@example.org>\nTo: discard@example.net\n"
              "Date: Thu, 01 Oct 2026 12:00:00 +0000\n"
              "Message-ID: <large@example.org>\nSubject: large\n\n")
    with open(path, "w") as file:
        file.write(header)
        for _ in range(mebibytes * 1048576 // len(block)):
            file.write(block)
    return path


def large_jobs(lab, mebibytes):
    relay, link = "postfix", "near"
    path = make_large(lab, mebibytes)
    at = {"relay": relay, "link": link, "size": mebibytes, "input": path}
    # Its own measure of a message is 50 MiB.
    kinds = [peers.Postrider, peers.Curl, peers.CurlRaw]
    if mebibytes <= 100:
        kinds.append(peers.Msmtp)
    for peer in present(lab, kinds):
        command = peer.prepare(relay, link, RECIPIENT)
        if command[0] == "curl":
            command[-1] = path
        yield Job(lab, peer.name, command, **at)
    yield Job(lab, "a bare pipe", [f"{BUILD}/tests/bench/pipe",
                                   f"{link}.postrider.test", "4433",
                                   str(mebibytes)], **at)


def large(lab, results):
    """100 MiB and 1 GiB, beside what GnuTLS alone can carry."""
    if not relays(lab, ["postfix"]):
        return
    lab.keep("nsenter", f"--net={lab.other}", f"{BUILD}/tests/bench/pipe",
             "sink", "4433", f"{lab.certificates}/good.pem",
             f"{lab.certificates}/good.key")
    sizes = [int(size) for size in
             os.environ.get("BENCH_SIZES", "100 1024").split()]
    for size in sizes:
        jobs = list(large_jobs(lab, size))
        take_turns(results, "large", jobs, FEW)

        def median(field, name):
            return results.median(field, "large", peer=name, size=size)

        rows = []
        for job in jobs:
            wall = median("milliseconds", job.name)
            rows.append([job.name, wall and wall / 1000, ratio(wall, median(
                "milliseconds", "curl")), size * 1000 / wall if wall else None,
                (median("cpu_milliseconds", job.name) or 0) / 1000,
                (median("peak_kib", job.name) or 0) / 1024])
        table(f"large, postfix: {size} MiB", ["", "s", "x", "MiB/s", "CPU s",
                                              "MiB of memory"], rows)
        os.unlink(f"{lab.work}/large-{size}")


# Queued only.

def enqueue_jobs(lab):
    command, _ = postrider(lab, "postrider-enqueue", "postfix", "near")
    yield Job(lab, "postrider -odq", [*command[:4], "-odq", *command[4:]])
    yield Job(lab, "Postfix's sendmail", [
        "/usr/sbin/sendmail", "-C", f"{lab.work}/postfix/etc", "-f",
        "me@example.org", RECIPIENT])
    daemon = peers.OpenSmtpDaemon(lab)
    if daemon.found() and daemon.start():
        print(f"# OpenSMTPD: {daemon.version()}")
        yield Job(lab, "OpenSMTPD's sendmail", daemon.command(RECIPIENT))


def enqueue(lab, results):
    """A small message that is only queued, on one file system."""
    if not relays(lab, ["postfix"]):
        return
    jobs = that_work(list(enqueue_jobs(lab)))
    take_turns(results, "enqueue", jobs, RUNS * 3)
    cost_table(results, "enqueue", "enqueue: a message of 2 KiB that is queued",
               jobs, "Postfix's sendmail")


# Many recipients.

def recipients(lab, results):
    """1000, 2000, ... 10,000 of them."""
    relay = "exim"
    if not relays(lab, [relay]):
        return
    jobs = []
    for count in range(1000, 10001, 1000):
        names = [f"discard@d{number}.example.net" for number in range(count)]
        at = {"relay": relay, "link": "near", "size": count}
        command, _ = postrider(lab, "postrider", relay, "near")
        jobs.append(Job(lab, "postrider", command[:-1] + names, **at))
        for peer in present(lab, (peers.Msmtp,)) if count == 1000 else ():
            msmtp = peer.prepare(relay, "near", RECIPIENT)[:-1]
        jobs.append(Job(lab, "msmtp", msmtp + names, **at))
    take_turns(results, "recipients", jobs, FEW)

    def median(field, name, size):
        return results.median(field, "recipients", peer=name, size=size)

    table(f"recipients, {relay}", ["", "postrider ms", "CPU ms",
                                   "CPU us each", "msmtp ms", "CPU ms", "MiB"], [
        [size, median("milliseconds", "postrider", size),
         median("cpu_milliseconds", "postrider", size),
         (median("cpu_milliseconds", "postrider", size) or 0) * 1000 / size,
         median("milliseconds", "msmtp", size),
         median("cpu_milliseconds", "msmtp", size),
         (median("peak_kib", "postrider", size) or 0) / 1024]
        for size in range(1000, 10001, 1000)])


SCENARIOS = {function.__name__: function for function in (
    cold, warm, series, large, cpu, enqueue, recipients)}
