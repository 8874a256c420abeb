"""As much of MongoDB as a client needs: the wire protocol (OP_MSG, and OP_QUERY for the first
hello) with insert, find, update and delete on documents in memory."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


class MongoServer:
    """Listens at `port` of the loopback interface until `stop`."""

    def __init__(self) -> None:
        self.collections: dict[str, list[dict[str, Any]]] = {}
        mongo = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while header := self.rfile.read(16):
                    size, request, _, operation = struct.unpack("<iiii", header)
                    answer = mongo.answer(request, operation, self.rfile.read(size - 16))
                    try:
                        self.wfile.write(answer)
                    except OSError:
                        return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Connection)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: int, operation: int, message: bytes) -> bytes:
        import bson

        if operation == OP_QUERY:
            # flags, the collection's name, two numbers, the document
            command = bson.decode(message[message.index(b"\0", 4) + 9 :])
            body = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(self.run(command))
            kind = OP_REPLY
        else:
            body = struct.pack("<IB", 0, 0) + bson.encode(self.run(_command(message)))
            kind = OP_MSG
        return struct.pack("<iiii", 16 + len(body), 0, request, kind) + body

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {
                "ok": 1.0,
                "helloOk": True,
                "isWritablePrimary": True,
                "ismaster": True,
                "maxBsonObjectSize": 16 * 1024**2,
                "maxMessageSizeBytes": 48 * 1000**2,
                "maxWriteBatchSize": 100_000,
                "minWireVersion": 0,
                "maxWireVersion": 21,
            }
        documents = self.collections.setdefault(str(command[name]), [])
        if name == "insert":
            documents.extend(command["documents"])
            return {"ok": 1.0, "n": len(command["documents"])}
        if name == "find":
            found = [one for one in documents if _matches(one, command.get("filter", {}))]
            space = f"{command['$db']}.{command[name]}"
            return {"ok": 1.0, "cursor": {"id": 0, "ns": space, "firstBatch": found}}
        if name == "update":
            found = [one for one in documents if _matches(one, command["updates"][0]["q"])]
            for one in found:
                one.update(command["updates"][0]["u"]["$set"])
            return {"ok": 1.0, "n": len(found), "nModified": len(found)}
        if name == "delete":
            query = command["deletes"][0]["q"]
            kept = [one for one in documents if not _matches(one, query)]
            count = len(documents) - len(kept)
            documents[:] = kept
            return {"ok": 1.0, "n": count}
        if name == "endSessions":
            return {"ok": 1.0}
        return {"ok": 0.0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"no {name}"}


def _matches(document: dict[str, Any], query: dict[str, Any]) -> bool:
    return all(document.get(name) == value for name, value in query.items())


def _command(message: bytes) -> dict[str, Any]:
    """The command of an OP_MSG: one document, and sequences of documents for its fields."""
    import bson

    command: dict[str, Any] = {}
    position = 4
    while position < len(message):
        kind = message[position]
        position += 1
        (size,) = struct.unpack_from("<i", message, position)
        section = message[position : position + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            end = section.index(b"\0", 4)
            command[section[4:end].decode()] = bson.decode_all(section[end + 1 :])
        position += size
    name_first = [name for name in command if name not in ("documents", "updates", "deletes")]
    return {name: command[name] for name in [*name_first, *command]}
