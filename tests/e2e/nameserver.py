"""A DNS server on 127.0.0.1: alias.example is a CNAME of target.example, which is
127.0.0.1. Says "ready" once it listens."""
import socket
import struct

A, CNAME, IN = 1, 5, 1


def encode(name):
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(x)]) + x.encode() for x in labels) + b"\0"


def record(name, kind, data):
    return encode(name) + struct.pack("!HHIH", kind, IN, 60, len(data)) + data


def question(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
        at += packet[at] + 1
    kind, _ = struct.unpack("!HH", packet[at + 1:at + 5])
    return ".".join(labels), kind, packet[12:at + 5]


def answer(packet):
    name, kind, asked = question(packet)
    answers = []
    if name == "alias.example":
        answers.append(record(name, CNAME, encode("target.example")))
    if name in ("alias.example", "target.example") and kind == A:
        answers.append(record("target.example", A, bytes([127, 0, 0, 1])))
    code = 0 if name.endswith("example") else 3
    head = packet[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(answers), 0, 0)
    return head + asked + b"".join(answers)


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, client = server.recvfrom(512)
    server.sendto(answer(query), client)
