"""The Flask example: one request comes in, one goes out."""

import importlib

from chapter import Chapter, ask, serve

chapter = Chapter()
chapter.setup()
chapter.write("Flask Example")
module = importlib.import_module("app")
print(*ask(f"{serve(module.app)}/api/users/7"))
