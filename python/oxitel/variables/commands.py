"""The variables that the commands look at besides those that they report on."""

from __future__ import annotations

from .variable import Variable

NO_COLOR = Variable(
    "NO_COLOR", None, "With any value, `oxitel doctor` prints no colours (no-color.org)."
)
TERM = Variable("TERM", None, "With `dumb`, `oxitel doctor` prints no colours.")
KUBERNETES_SERVICE_HOST = Variable(
    "KUBERNETES_SERVICE_HOST",
    None,
    "Set by Kubernetes; `oxitel doctor` tells by it that it runs in a pod.",
)
FASTAPI_AUTO_CONFIGURE = Variable(
    "FASTAPI_OTEL_AUTO_CONFIGURE",
    None,
    "FastAPI's; with `true` it adds exporters of its own, of which `oxitel doctor` warns.",
)
GUNICORN_CMD_ARGS = Variable(
    "GUNICORN_CMD_ARGS",
    None,
    "Gunicorn's; `oxitel doctor` tells by it whether workers run on gevent or eventlet.",
)
OXITEL_VIEWER = Variable(
    "OXITEL_VIEWER",
    None,
    "The viewer's program that `oxitel view` and `oxitel run --view` start, in place of the one "
    "that is installed.",
)
