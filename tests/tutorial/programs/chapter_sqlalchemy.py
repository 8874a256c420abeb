"""The SQLAlchemy example against a real PostgreSQL."""

import sqlalchemy
from chapter import Chapter
from stand_ins import STAND_INS

STAND_INS["Connection.execute"]
execute = sqlalchemy.Connection.execute


def execute_text(connection, statement, *arguments):
    if isinstance(statement, str):
        return connection.exec_driver_sql(statement.replace("?", "%s"), arguments)
    return execute(connection, statement, *arguments)


sqlalchemy.Connection.execute = execute_text

chapter = Chapter()
chapter.start("sqlalchemy-app")
chapter.give(user_id=7)
chapter.run("SQLAlchemy Example")
print(chapter.names["result"].all() if not chapter.names["conn"].closed else "closed")
