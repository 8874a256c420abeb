"""Starts the receiver: gRPC and HTTP on ports of 127.0.0.1, printed as one JSON line.

It ends when its standard input is closed, so that it never outlives the test that started it.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import threading
from collections import deque
from pathlib import Path

import grpc

from .control import ControlServer
from .grpc_receiver import GrpcReceiver
from .http_receiver import HttpReceiver
from .store import Store


class Receiver:
    """Both protocols over one store."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.store = Store()
        self._options = options
        # They keep their ports, which other tests' receivers would else be given.
        self._former: deque[tuple[GrpcReceiver, HttpReceiver]] = deque(maxlen=100)
        self.control = ControlServer(self)
        self._make()

    def _make(self) -> None:
        options = self._options
        tls = credentials = None
        if options.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(options.certificate, options.key)
            roots = None
            if options.client_authority:
                tls.verify_mode = ssl.CERT_REQUIRED
                tls.load_verify_locations(options.client_authority)
                roots = Path(options.client_authority).read_bytes()
            credentials = grpc.ssl_server_credentials(
                [(Path(options.key).read_bytes(), Path(options.certificate).read_bytes())],
                root_certificates=roots,
                require_client_auth=roots is not None,
            )
        self.grpc = GrpcReceiver(self.store, credentials, options.max_message_bytes)
        self.http = HttpReceiver(self.store, tls)
        self.listen(None)

    def _of(self, protocol: str | None) -> list[GrpcReceiver | HttpReceiver]:
        if protocol is None:
            return [self.grpc, self.http]
        return [{"grpc": self.grpc, "http": self.http}[protocol]]

    def refuse(self, protocol: str | None) -> None:
        for receiver in self._of(protocol):
            receiver.refuse()

    def listen(self, protocol: str | None) -> None:
        for receiver in self._of(protocol):
            receiver.listen()

    def renew(self) -> None:
        """Forget everything and move to new ports, out of reach of senders from before."""
        self.refuse(None)
        self._former.append((self.grpc, self.http))
        self.store = Store()
        self._make()

    def ports(self) -> dict[str, int]:
        return {
            "grpc": self.grpc.port,
            "http": self.http.port,
            "control": self.control.server_address[1],
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="collector", description=__doc__)
    parser.add_argument("--certificate", help="PEM file; with it both protocols speak TLS")
    parser.add_argument("--key", help="PEM file")
    parser.add_argument("--client-authority", help="PEM file; with it clients must show one")
    parser.add_argument("--max-message-bytes", type=int, default=-1, help="gRPC; -1 = unlimited")
    receiver = Receiver(parser.parse_args())
    threading.Thread(target=receiver.control.serve_forever, daemon=True).start()
    print(json.dumps(receiver.ports()), flush=True)
    while sys.stdin.buffer.read(4096):
        pass
    # Nothing here is worth an orderly end, and grpcio's threads may be in the middle of a delay.
    os._exit(0)


if __name__ == "__main__":
    main()
