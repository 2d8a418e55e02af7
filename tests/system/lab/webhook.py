# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who is told of events by HTTP POST."""
import http.server
import json
import threading

from lab import wait


class Receiver:
    """Takes webhooks, as often as told with an error first."""

    def __init__(self, tls=None, port=0):
        self.requests, self.refuse, self.lock = [], 0, threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.requests.append((dict(self.headers), body))
                    status = 503 if receiver.refuse else 204
                    receiver.refuse = max(0, receiver.refuse - 1)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events?from=ringmail"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://localhost:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        with self.lock:
            return list(self.requests)

    def events(self, kind=None, **data):
        """Each once, by its id, in the order of arrival."""
        found = {}
        for _, body in self.taken():
            for event in json.loads(body):
                found.setdefault(event["id"], event)
        return [e for e in found.values() if kind in (None, e["type"]) and data.items() <= e["data"].items()]

    def wait_for(self, kind, **data):
        return wait.until(lambda: self.events(kind, **data), 15, f"{kind} {data}; there are {self.events()}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()
