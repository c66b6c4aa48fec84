#!/usr/bin/env python3
"""Takes the alerts that Harbinger sends to a webhook, and prints each as a line of JSON.

usage: HARBINGER_WEBHOOK_SECRET=whsec_… webhook_receiver.py [--host HOST] [--port PORT]

One file for Python 3.11 and later, standard library only: copy it, and change `handle`. The secret
is the one that the saved search names as `signing_secret`. Messages are signed as Standard Webhooks
has it: what is not signed with the secret, or more than five minutes off, is refused.

Harbinger sends a message again, under the same id, until it is answered with 2xx; an id that was
handled is answered and not handled again. Ids are kept in memory: a service that must not repeat
itself after a restart keeps them where it keeps what it does with the alerts.
"""

import argparse
import base64
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

TOLERANCE_S = 5 * 60
"""A message whose timestamp is further off may be an old one that somebody repeats."""
BODY_BYTES_MAX = 16 * 1024 * 1024
IDS_MAX = 100_000
"""Ids that are remembered, the newest."""


def handle(event: dict[str, Any]) -> None:
    """What to do with a message; when it raises, Harbinger sends the message again later."""
    for alert in event["data"]["alerts"]:
        print(json.dumps(alert, ensure_ascii=False), flush=True)


def key_of(secret: str) -> bytes:
    """A secret as Harbinger reads it: `whsec_` and base64, or any text."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            pass
    return secret.encode()


def is_signed(key: bytes, message_id: str, timestamp: str, body: bytes, header: str) -> bool:
    """Whether one of the signatures in `header` is right, in constant time."""
    content = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, content, "sha256"))
    return any([hmac.compare_digest(expected, it.encode()) for it in header.split(" ")])


class Receiver(ThreadingHTTPServer):
    """Checks messages and hands each on once."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], key: bytes, handle: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__(address, Request)
        self.key = key
        self.handle_event = handle
        self.handled: dict[str, None] = {}
        self.lock = threading.Lock()

    def take(self, headers: Message, body: bytes) -> tuple[int, str]:
        """The status of the answer, and a word on it."""
        message_id = headers.get("webhook-id", "")
        timestamp = headers.get("webhook-timestamp", "")
        signature = headers.get("webhook-signature", "")
        if not message_id or not is_signed(self.key, message_id, timestamp, body, signature):
            return 401, "not signed with the secret"
        if not timestamp.isdecimal() or TOLERANCE_S < abs(time.time() - int(timestamp)):
            return 400, "the timestamp is more than five minutes off"
        # One after the other, so that a repetition waits for the first to be handled.
        with self.lock:
            if message_id in self.handled:
                return 200, "known"
            try:
                self.handle_event(json.loads(body))
            except Exception as error:
                return 500, f"not handled: {error!r}"
            self.handled[message_id] = None
            if IDS_MAX < len(self.handled):
                del self.handled[next(iter(self.handled))]
        return 200, "handled"


class Request(BaseHTTPRequestHandler):
    """One message on its way in."""

    timeout = 30.0

    def do_POST(self) -> None:
        """Reads the message, within bounds, and answers."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or BODY_BYTES_MAX < int(length):
            self.answer(413, "no length, or too long")
            return
        body = self.rfile.read(int(length))
        self.answer(*cast(Receiver, self.server).take(self.headers, body))

    def answer(self, status: int, word: str) -> None:
        """Sends an answer of one line."""
        text = f"{word}\n".encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Listens until it is interrupted."""
    parser = argparse.ArgumentParser(description="Prints the alerts that Harbinger sends.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8322, help="0 takes a free one")
    args = parser.parse_args()
    secret = os.environ.get("HARBINGER_WEBHOOK_SECRET", "")
    if not secret:
        sys.exit("HARBINGER_WEBHOOK_SECRET is not set: the secret that the saved search names")
    with Receiver((args.host, args.port), key_of(secret), handle) as receiver:
        url = f"http://{args.host}:{receiver.server_port}/"
        print(f"listening on {url}", file=sys.stderr, flush=True)
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
