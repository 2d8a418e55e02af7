# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves an MTA-STS policy over HTTPS (RFC 8461 3.3), or fails to in many ways."""
import http.server
import threading

from lab import hosts

PATH = "/.well-known/mta-sts.txt"


def policy(mode, *mx, max_age=86400):
    return "".join(f"{line}\r\n" for line in ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in mx), f"max_age: {max_age}"])


class PolicyHost:
    def __init__(self, issued, text, status=200, kind="text/plain", location=None):
        self.address = hosts.take()
        self.text, self.status, self.kind, self.location = text, status, kind, location
        self.asked = 0
        self.issued, self.server = issued, None

    def start(self):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked += 1
                body = host.text.encode() if self.path == PATH or self.path == host.location else b""
                status = host.status if self.path != host.location else 200
                self.send_response(status if body else 404)
                self.send_header("Content-Type", host.kind)
                self.send_header("Content-Length", str(len(body)))
                if host.location and self.path != host.location:
                    self.send_header("Location", host.location)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a client that does not like our certificate
                pass

            def get_request(self):
                connection, address = super().get_request()
                connection.settimeout(10)
                return host.issued.context().wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        self.server = Server((self.address, 443), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
