#!/usr/bin/env python3
"""between.py CERTIFICATE KEY PORT [KEYWORD...]: somebody between us and a relay.

Speaks TLS from the first octet with both: with the client by CERTIFICATE, with the
relay at PORT of the loopback interface without a look at its own. Passes on every
octet, but takes the KEYWORDs (mechanisms) out of what the relay offers. Prints its
own port.
"""
import re
import socket
import ssl
import sys
import threading

certificate, key, port, *hidden = sys.argv[1:]


def without_hidden(octets):
    for word in hidden:
        octets = re.sub(rb"(\r\n250[ -]AUTH\b[^\r]*?) " + word.encode()
                        + rb"(?=[ \r])", rb"\1", octets)
    return octets


def pass_on(source, target, change):
    try:
        while octets := source.recv(65536):
            target.sendall(change(octets))
    except OSError:
        pass
    for connection in source, target:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(raw):
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    there.check_hostname = False
    there.verify_mode = ssl.CERT_NONE
    try:
        client = here.wrap_socket(raw, server_side=True)
        relay = there.wrap_socket(
            socket.create_connection(("127.0.0.1", int(port))))
    except OSError:
        return
    threading.Thread(target=pass_on, args=(client, relay, bytes),
                     daemon=True).start()
    pass_on(relay, client, without_hidden)


here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
here.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],),
                     daemon=True).start()
