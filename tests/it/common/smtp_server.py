"""A mail relay of the tests: STARTTLS, AUTH, refused recipients; what it takes is kept in files.

Usage: smtp_server.py HOME MODE, where HOME has server.pem and server.key, and MODE is `submission`
(STARTTLS and a login are required), `tls` (TLS from the first byte on, and a login), `stripped` (as
if somebody on the way had taken the offer of STARTTLS out) or `open` (neither). HOME/refuse, later
and greedy list addresses that are refused for good, for now, and after the text; they are read for
each mail. HOME/mails gets one file for each mail that was taken. The port is printed first.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

home, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
USER, PASSWORD = b"exeunt", b"open sesame of the tests"


def listed(name, address):
    path = home / name
    lines = path.read_text().split() if path.exists() else []
    return address in lines or "*" in lines


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if listed("refuse", address):
            return f"550 5.1.1 <{address}>: no such mailbox"
        if listed("later", address):
            return "451 4.2.1 try again later"
        if listed("policy", address):
            return "554 5.7.1 relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if any(listed("greedy", address) for address in envelope.rcpt_tos):
            return "552 5.3.4 the text is too large"
        Handler.count += 1
        head = f"X-Envelope: {envelope.mail_from} -> {' '.join(envelope.rcpt_tos)}\r\n"
        secure = "yes" if session.ssl else "no"
        signed_in = "yes" if session.authenticated else "no"
        head += f"X-Secure: {secure}; signed in: {signed_in}\r\n"
        (home / "mails" / f"{Handler.count:04}.eml").write_bytes(head.encode() + envelope.content)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == USER and data.password == PASSWORD
    # not handled: the server answers 535 itself
    return AuthResult(success=good, handled=False)


def make():
    options = {"hostname": "relay.house.test", "enable_SMTPUTF8": False}
    if mode in ("submission", "tls"):
        options |= {"authenticator": authenticate, "auth_required": True}
    if mode == "submission":
        options |= {"tls_context": tls(), "require_starttls": True}
    if mode == "tls":
        options |= {"auth_require_tls": False}
    if mode == "stripped":
        options |= {"authenticator": authenticate, "auth_require_tls": False}
    return SMTP(Handler(), **options)


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "server.pem", home / "server.key")
    return context


async def main():
    (home / "mails").mkdir(exist_ok=True)
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    wrapped = tls() if mode == "tls" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", port, ssl=wrapped)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
