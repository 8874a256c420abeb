"""opentelemetry-instrumentation-pymysql: mysql-mimic, a server that speaks MySQL's protocol."""

import asyncio
import threading
from typing import Any

from declare import Run, program
from programs.signals import instrumented


def serve(run: Run) -> int:
    """mysql-mimic, which answers every statement with one row; returns its port."""
    from mysql_mimic import MysqlServer, Session

    class Shop(Session):
        async def query(self, expression: Any, sql: str, attributes: Any) -> Any:
            if "nowhere" in sql:
                from mysql_mimic.errors import ErrorCode, MysqlError

                raise MysqlError("no such table", ErrorCode.NO_SUCH_TABLE)
            return [(1, "ä")], ["id", "item"]

    ready = threading.Event()
    ports: list[int] = []

    async def main() -> None:
        server = MysqlServer(session_factory=Shop)
        await server.start_server(host="127.0.0.1", port=0)
        ports.append(server.sockets()[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
    assert ready.wait(20)
    run.hide(ports[0], "<port>")
    return ports[0]


@program(log_level="CRITICAL")
def statements(run: Run) -> None:
    import pymysql
    from opentelemetry.instrumentation.pymysql import PyMySQLInstrumentor

    with instrumented(run, PyMySQLInstrumentor(), enable_commenter=True) as signals:
        connection = pymysql.connect(
            host="127.0.0.1", port=serve(run), user="shop", database="orders"
        )
        cursor = connection.cursor()
        with signals.span("work"):
            cursor.execute("SELECT * FROM orders WHERE id = %s", (1,))
            run.observe("rows", cursor.fetchall())
        try:
            cursor.execute("SELECT * FROM nowhere")
        except pymysql.Error as error:
            run.observe("error", type(error))
        connection.close()
