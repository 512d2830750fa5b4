"""A SOCKS5 proxy (RFC 1928) that behaves badly, and listens on 127.0.0.1.

    ways.py FAULT PORT-FILE [TARGET-PORT]

code-N     refuses with N              method-N  chooses N
silent     says nothing                half      stops in the midst of its reply
close      hangs up at once            garbage   is another kind of server
endless    never ends its reply        drip      an octet every tenth of a second
quit-N     hangs up after N octets
lead       is no proxy, but leads standard input and output to TARGET-PORT
connected  connects to nothing: it says that it has, and nothing else
pieces     behaves, but each octet goes out alone, and so does the relay's first
"""

import os
import select
import socket
import sys
import threading
import time

GOOD = b"\5\0" + b"\5\0\0\3\7a.proxy\1\2"


def read(client, length):
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def request(client):
    read(client, 1)
    read(client, read(client, 1)[0])


def destination(client):
    kind = read(client, 4)[3]
    return read(client, {1: 4, 4: 16}.get(kind) or read(client, 1)[0]) + read(
        client, 2
    )


def wait(client):
    while client.recv(4096):
        pass


def pieces(client, octets, pause=0.0):
    for octet in octets:
        client.sendall(bytes([octet]))
        time.sleep(pause)


def splice(client, port):
    relay = socket.create_connection(("127.0.0.1", port))
    while True:
        for ready in select.select([client, relay], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (relay if ready is client else client).sendall(data)


# A socket, such as the input of a tunnel's command, is both.
def lead(port):
    splice(socket.socket(fileno=0), port)


def serve(client, fault, port):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name, _, number = fault.partition("-")
    if name == "close":
        return
    if name == "garbage":
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    elif name == "endless":
        client.sendall(GOOD[:6])
        while True:
            client.sendall(b"\377" * 4096)
    elif name == "drip":
        pieces(client, b"\5\0\5\0\0\3\377" + b"x" * 250, 0.1)
    elif name == "quit":
        client.sendall(GOOD[: int(number)])
        return
    elif name == "half":
        client.sendall(GOOD[:5])
    elif name == "method":
        request(client)
        client.sendall(bytes([5, int(number)]))
    elif name == "code":
        request(client)
        client.sendall(b"\5\0")
        destination(client)
        client.sendall(bytes([5, int(number), 0, 1, 0, 0, 0, 0, 0, 0]))
    elif name == "connected":
        client.sendall(GOOD)
    elif name == "pieces":
        request(client)
        pieces(client, b"\5\0")
        destination(client)
        pieces(client, GOOD[2:])
        splice(client, port)
        return
    wait(client)


def one(client, fault, port):
    try:
        serve(client, fault, port)
    except OSError:
        pass
    client.close()


def main():
    fault, port_file = sys.argv[1:3]
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if fault == "lead":
        return lead(port)
    listener = socket.create_server(("127.0.0.1", 0))
    with open(port_file + ".new", "w") as file:
        print(listener.getsockname()[1], file=file)
    os.rename(port_file + ".new", port_file)
    while True:
        client = listener.accept()[0]
        threading.Thread(target=one, args=(client, fault, port), daemon=True).start()


main()
