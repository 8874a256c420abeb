"""eventlet's own server for `greenlets.application`: `eventlet_server.py PORT`."""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
import sys  # noqa: E402

import eventlet.wsgi  # noqa: E402
from greenlets import application  # noqa: E402

signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])))
eventlet.wsgi.server(listener, application, log_output=False)
