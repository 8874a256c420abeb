"""Breaks TCP connections of this process the hard way, as a crashed receiver would.

grpcio does not hand out its sockets, so a connection is found by its two ports among the open
files of the process.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys

_AF_UNSPEC_ADDRESS = (ctypes.c_char * 16)()


def reset_socket(connection: socket.socket) -> None:
    """Send RST on the connection. The socket stays open for its owner and fails on next use."""
    # connect() to AF_UNSPEC disconnects a TCP socket with a reset (Linux); SO_LINGER would need
    # the owner to close it.
    library = ctypes.CDLL(None, use_errno=True)
    if library.connect(connection.fileno(), _AF_UNSPEC_ADDRESS, 16) != 0:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # already gone


def reserve_port() -> tuple[int, socket.socket]:
    """A port of 127.0.0.1, and a socket that keeps it: while that is open, nobody else is given it.

    It refuses connections as a closed port does. Who sets SO_REUSEADDR can still listen there, on
    Linux; elsewhere nobody could, and the socket is closed.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    if sys.platform != "linux":
        kept.close()
    return port, kept


def reset_connection_from(local_port: int, peer_port: int) -> bool:
    """Reset the connection accepted on `local_port` from `peer_port`; False if there is none."""
    for name in os.listdir("/proc/self/fd"):
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with duplicate:
            try:
                local, peer = duplicate.getsockname(), duplicate.getpeername()
            except OSError:
                continue
            if local[1:2] == (local_port,) and peer[1:2] == (peer_port,):
                reset_socket(duplicate)
                return True
    return False
