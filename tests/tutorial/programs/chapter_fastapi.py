"""The FastAPI example under uvicorn: one request comes in, one goes out."""

import importlib
import threading
import time

import uvicorn
from chapter import Chapter, ask

chapter = Chapter()
chapter.setup()
chapter.write("FastAPI Example")
module = importlib.import_module("main")
server = uvicorn.Server(uvicorn.Config(module.app, port=0, log_level="warning"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
print(*ask(f"http://127.0.0.1:{port}/api/orders/o-1"))
server.should_exit = True
thread.join()
