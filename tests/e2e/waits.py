#!/usr/bin/env python3
"""How often a command waits for the relay, whatever the machine is doing.

    waits.py ACCOUNTS RELAY-PID COMMAND ARGUMENT...

Stands in between: what one side says is held back until it has said all it can,
and then goes to the other at once, as if the way were very long. A wait is an
answer that the command goes on with, and each TCP connection. The port in ACCOUNTS is the relay's; for a while it
is ours instead. Prints a line for each turn: octets and TLS records of the flight,
octets of the answer; and in the end the number of waits. Ends with the status of
COMMAND.
"""
import os
import re
import select
import socket
import subprocess
import sys
import time

PATIENCE = 30


def family(pid):
    """It, its children, theirs, and so on."""
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            for child in file.read().split():
                yield from family(child)


def activity(pid):
    """What every thread of a family is doing, and how often it has slept."""
    seen = {}
    try:
        for member in family(pid):
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/status") as file:
                    text = file.read()
                seen[task] = (re.search(r"^State:\s*(\S)", text, re.M)[1],
                              re.findall(r"ctxt_switches:\s*(\d+)", text))
    except OSError:
        return None
    return seen


def idle(pid):
    """Everybody sleeps, and has slept all along."""
    before = activity(pid)
    if before is None or any(state not in "SZ" for state, _ in before.values()):
        return False
    return activity(pid) == before


def on_the_way(ports):
    """Whether something that was sent has not arrived yet."""
    with open("/proc/net/tcp") as file:
        for line in file.readlines()[1:]:
            _, local, remote, state, queues = line.split()[:5]
            if ({int(end.split(":")[1], 16) for end in (local, remote)} & ports
                    and (state == "02" or int(queues.split(":")[0], 16))):
                return True
    return False


class Side:
    """One end of a connection, and what it has said."""

    def __init__(self, own):
        self.socket, self.said, self.ended = own, b"", False

    def hear(self):
        try:
            octets = self.socket.recv(1 << 20)
        except OSError:
            octets = b""
        self.said += octets
        self.ended = self.ended or not octets

    def tell(self, other):
        """Says it to the other end. Returns how much."""
        said, self.said = self.said, b""
        try:
            if said:
                other.socket.sendall(said)
            if self.ended:
                other.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return len(said)


def records(octets):
    """How many TLS records begin here; None: it is something else."""
    count = 0
    while octets:
        if octets[0] not in range(20, 24) or len(octets) < 5:
            return None
        octets = octets[5 + int.from_bytes(octets[3:5], "big"):]
        count += 1
    return count


class Proxy:
    def __init__(self, accounts, relay_pid):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.relay_pid, self.accounts = relay_pid, accounts
        self.pairs, self.waits, self.answered = [], 0, False
        with open(accounts) as file:
            self.text = file.read()
        self.relay = int(re.search(r"^port = (\d+)", self.text, re.M)[1])

    def port_of_accounts(self, number):
        with open(self.accounts, "w") as file:
            file.write(re.sub(r"(?m)^port = \d+", f"port = {number}", self.text))

    def accept(self):
        client, _ = self.listener.accept()
        relay = socket.create_connection(("127.0.0.1", self.relay))
        self.pairs.append((Side(client), Side(relay)))
        self.waits += 1
        print("connected")

    def listen(self, which, pid):
        """Until that side has said all it can."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            sides = [pair[which] for pair in self.pairs if not pair[which].ended]
            every = [side.socket for side in sides]
            if which == 0:
                every.append(self.listener)
            ready = select.select(every, [], [], 0.002)[0]
            if self.listener in ready:
                self.accept()
            for side in sides:
                if side.socket in ready:
                    side.hear()
            if (not ready and self.quiet(pid)
                    and not select.select(every, [], [], 0)[0]):
                return
        raise SystemExit("waits: it is never quiet")

    def quiet(self, pid):
        # In this order: what has arrived has woken its reader.
        return (not on_the_way({self.relay, self.listener.getsockname()[1]})
                and idle(pid))

    def forward(self):
        """What the clients have said. An answer counts once it has made them say
        something: what ends a session may come after what nobody waits for."""
        flight = b"".join(client.said for client, _ in self.pairs)
        self.waits += bool(flight and self.answered)
        self.answered = self.answered and not flight
        for client, relay in self.pairs:
            client.tell(relay)
        return flight

    def turn(self):
        """One to the relay and back. False: nobody said anything."""
        flight = self.forward()
        self.listen(1, self.relay_pid)
        answer = sum(relay.tell(client) for client, relay in self.pairs)
        self.answered = self.answered or answer > 0
        print(f"{len(flight)} octets in {records(flight)} records, {answer} back")
        return bool(flight or answer)

    def run(self, command):
        self.port_of_accounts(self.listener.getsockname()[1])
        process = subprocess.Popen(command)
        silent = 0
        while True:
            self.listen(0, process.pid)
            if process.poll() is not None:
                break
            silent = 0 if self.turn() else silent + 1
            if silent > 200:
                raise SystemExit("waits: nobody says anything")
        self.forward()
        print(f"{self.waits} waits")
        return process.returncode


def main():
    proxy = Proxy(sys.argv[1], int(sys.argv[2]))
    try:
        status = proxy.run(sys.argv[3:])
    finally:
        proxy.port_of_accounts(proxy.relay)
    sys.exit(status)


if __name__ == "__main__":
    main()
