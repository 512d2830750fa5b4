#!/usr/bin/env python3
"""bench.py [SCENARIO...] - the program beside others, in front of the same relays.

It runs as root, in a network of its own, and leaves nothing behind but bench.csv
and plots in the build's directory. All that is compared takes turns in one run.
Scenarios:

%s
In the environment:

    BENCH_RUNS      how often (9); what takes long, a third of it
    BENCH_DELAY     of the far link, in milliseconds (50)
    BENCH_ONLY      names of peers
    BENCH_SIZES     of large messages, in MiB (100 1024)
    BENCH_PROGRAM   another build of the program
    BENCH_PEERS     where packages are unpacked that cannot be installed
    BENCH_OUT       where bench.csv and the plots go (the build's directory)
    BENCH_WRAP      what runs all of it: "chrt -f 10", where others work as well
"""
import os
import sys

import figures
from harness import DELAY, RUNS, Results
from lab import BUILD, Lab
from scenarios import SCENARIOS


def usage():
    lines = "".join(f"    {name:11} {function.__doc__}\n"
                    for name, function in SCENARIOS.items())
    return __doc__ % lines


def enclosed():
    """Runs again in a network, mounts and processes of its own."""
    if os.environ.get("BENCH_ENCLOSED"):
        return
    if os.geteuid() != 0:
        raise SystemExit("bench: only root can have a network of its own")
    os.environ["BENCH_ENCLOSED"] = "yes"
    command = [*os.environ.get("BENCH_WRAP", "").split(), "unshare", "--mount",
               "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
               "--propagation", "private", sys.executable, *sys.argv]
    os.execvp(command[0], command)


def message(size):
    header = ("From: Me <me@example.org>\nTo: discard@example.net\n"
              "Subject: of a certain size\n"
              "Date: Thu, 01 Oct 2026 12:00:00 +0000\n"
              "Message-ID: <bench@example.org>\n\n")
    line = "A line of text, as there are many in messages that people write.\n"
    text = header + line * ((size - len(header)) // len(line) + 1)
    return text[:size - 1] + "\n"


def main():
    chosen = sys.argv[1:] or list(SCENARIOS)
    if not set(chosen) <= set(SCENARIOS):
        raise SystemExit(usage())
    enclosed()
    lab = Lab(DELAY)
    os.environ.update(HOME=lab.home, USER="root", LOGNAME="root",
                      DBUS_SESSION_BUS_ADDRESS="disabled:")
    for name in "XDG_RUNTIME_DIR", "G_DEBUG", "EMAIL":
        os.environ.pop(name, None)
    lab.message = lab.place("message", message(2048))
    print(f"# Linux {os.uname().release}, {os.cpu_count()} processors, load "
          f"{os.getloadavg()[0]:.1f}; {RUNS} runs, medians; delay {DELAY} ms",
          flush=True)
    out = os.environ.get("BENCH_OUT", BUILD)
    results = Results(f"{out}/bench.csv")
    try:
        for name in chosen:
            SCENARIOS[name](lab, results)
        figures.draw(results, out)
    finally:
        lab.end()


if __name__ == "__main__":
    main()
