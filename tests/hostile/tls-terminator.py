#!/usr/bin/env python3
"""tls-terminator.py CERTIFICATE KEY PORT SAID - TLS before a server that knows none.

Says at which port of the loopback interface it listens, and hands the octets of
each connection on to PORT there, and back; where one side ends, so does the
other. What the client said goes to the file SAID.

smtp-sink accepts a login with 250, which is no yes (RFC 4954): it becomes 235.
"""
import asyncio
import ssl
import sys

CERTIFICATE, KEY, PORT, SAID = sys.argv[1:]


class Login:
    asked = False


async def to_server(reader, writer, said, login):
    while octets := await reader.read(16384):
        said.write(octets)
        said.flush()
        login.asked = octets.startswith(b"AUTH")
        writer.write(octets)
        await writer.drain()


async def to_client(reader, writer, login):
    while octets := await reader.read(16384):
        if login.asked and octets.startswith(b"250"):
            octets = b"235" + octets[3:]
        writer.write(octets)
        await writer.drain()


async def copy(how, *arguments):
    try:
        await how(*arguments)
    except OSError:
        pass
    finally:
        arguments[1].close()


async def serve(reader, writer):
    try:
        server_reader, server_writer = await asyncio.open_connection(
            "127.0.0.1", int(PORT))
    except OSError:
        writer.close()
        return
    with open(SAID, "ab") as said:
        login = Login()
        await asyncio.gather(
            copy(to_server, reader, server_writer, said, login),
            copy(to_client, server_reader, writer, login))


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
