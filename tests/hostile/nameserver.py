#!/usr/bin/env python3
"""nameserver.py ZONE QUESTIONS - answers at 127.0.0.1, port 53, over UDP and TCP.

ZONE is read anew for each question. Its lines:

  NAME A|AAAA|CNAME VALUE     one record; for A and AAAA also
  NAME A|AAAA first N         N addresses, from this one on
  NAME SRV PORT TARGET
  NAME A|AAAA silent          no reply to this question
  NAME is WHAT                servfail, refused, silent, garbled (octets that are
                              no reply) or forged (the reply to another question)

A name of which there is no line does not exist. The questions go to QUESTIONS,
"NAME TYPE" each. Says "ready" once it listens.
"""
import ipaddress
import socket
import struct
import sys
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
CODES = {"servfail": 2, "refused": 5}
NO_SUCH_NAME = 3
UDP_MAXIMUM = 1232


def wire_name(name):
    labels = [label.encode() for label in name.strip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    kind = struct.unpack_from(">H", query, at + 1)[0]
    return ".".join(labels).lower(), kind, query[12:at + 5]


def record_data(kind, values):
    if kind == "CNAME":
        return [wire_name(values[0])]
    if kind == "SRV":
        return [struct.pack(">HHH", 0, 0, int(values[0])) + wire_name(values[1])]
    first = ipaddress.ip_address(values[0])
    number = int(values[1]) if len(values) > 1 else 1
    return [(first + i).packed for i in range(number)]


def records(zone, name, kind):
    """Those of NAME that answer a question for KIND, and of what it stands for."""
    found = []
    for _ in range(8):
        aliases = [v[0] for n, k, *v in zone if n == name and k == "CNAME"]
        for owner, type_, *values in zone:
            if owner == name and (type_ == "CNAME" or TYPES.get(type_) == kind):
                found += [(name, TYPES[type_], data)
                          for data in record_data(type_, values)]
        if not aliases:
            break
        name = aliases[0]
    return found


def pack(query, question, code, answers, truncated=False):
    flags = 0x8580 | code | (0x0200 if truncated else 0)
    out = query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0)
    out += question
    for name, kind, data in answers:
        owner = b"\xc0\x0c" if question.startswith(wire_name(name)) \
            else wire_name(name)
        out += owner + struct.pack(">HHIH", kind, 1, 0, len(data)) + data
    return out


def answer(query, limit):
    name, kind, question = read_question(query)
    with open(sys.argv[2], "a", encoding="latin-1") as log:
        names = {number: text for text, number in TYPES.items()}
        log.write(f"{name} {names.get(kind, kind)}\n")
    with open(sys.argv[1], encoding="latin-1") as file:
        zone = [line.split() for line in file if line.strip()]
    what = [v[0] for n, k, *v in zone if n == name and k == "is"]
    if what == ["silent"] or [name, names.get(kind), "silent"] in zone:
        return None
    if what == ["garbled"]:
        return query[:2] + b"\x85\x80" + b"\xff" * 300
    if what == ["forged"]:
        return pack(bytes([query[0] ^ 1]) + query[1:], question, 0,
                    [(name, 1, b"\x7f\0\0\1")])
    if what:
        return pack(query, question, CODES[what[0]], [])
    if not any(line[0] == name for line in zone):
        return pack(query, question, NO_SUCH_NAME, [])
    answers = records(zone, name, kind)
    reply = pack(query, question, 0, answers)
    if len(reply) > limit:
        return pack(query, question, 0, [], truncated=True)
    return reply


def serve_client(client):
    with client:
        while length := client.recv(2, socket.MSG_WAITALL):
            query = client.recv(struct.unpack(">H", length)[0],
                                socket.MSG_WAITALL)
            reply = answer(query, 65535)
            if reply is not None:
                client.sendall(struct.pack(">H", len(reply)) + reply)


def serve_tcp(listener):
    while True:
        serve_client(listener.accept()[0])


def main():
    address = ("127.0.0.1", 53)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(address)
    listener = socket.create_server(address)
    threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
    print("ready", flush=True)
    while True:
        query, client = udp.recvfrom(4096)
        reply = answer(query, UDP_MAXIMUM)
        if reply is not None:
            udp.sendto(reply, client)


main()
