"""The Python blocks of a chapter that others wrote, unchanged, on ours, where its text is there.

The text is not part of this repository. What the blocks lack is put around them and listed in
`programs/stand_ins.py`; everything else is the chapter's own, and what arrives is asserted.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.certificates import make_certificates
from tutorial.arrived import log_lines, metric_points, tree
from tutorial.programs.stand_ins import table
from tutorial.services import Answers, fill, kafka, postgres

HERE = Path(__file__).resolve().parent
# Beside the repository, or where the variable says.
FOLDER = HERE.parents[1].parent / "shared" / "seed"
CHAPTER = os.environ.get("OXITEL_TUTORIAL_CHAPTER") or next(map(str, FOLDER.glob("*.txt")), "")

pytestmark = pytest.mark.skipif(
    not CHAPTER, reason="no chapter: ../shared/seed is absent, OXITEL_TUTORIAL_CHAPTER unset"
)

Run = Callable[..., tuple[Any, list[dict[str, Any]]]]


@pytest.fixture
def run(collector: Any, run_program: Callable[..., Any]) -> Run:
    """Runs a program on the chapter's blocks: its result, and the spans that arrived."""

    def run(name: str, spans: int, **environment: str) -> tuple[Any, list[dict[str, Any]]]:
        settings = {
            "CHAPTER": CHAPTER,
            "RECEIVER": collector.grpc_endpoint,
            "NO_PROXY": "127.0.0.1",
        }
        result = run_program(HERE / "programs" / f"chapter_{name}.py", env=settings | environment)
        assert result.exit_code == 0, result.stderr
        arrived = collector.wait_for(spans) if spans else collector.spans()
        assert len(arrived) == spans, tree(arrived)
        return result, arrived

    return run


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Answers, dict[str, str]]]:
    """The hosts that do not exist, and the variables that lead to them."""
    made = make_certificates(tmp_path_factory.mktemp("hosts"), ("api.example.com",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server_certificate, made.server_key)
    answers = {
        "https://api.example.com/users/7": {"name": "Ann"},
        "https://api.example.com/orders/o-1": {"total": 4900},
        "http://inventory-service/check": {"available": True},
    }
    with Answers(answers, context) as server:
        authority = str(made.authority)
        trusted = {"REQUESTS_CA_BUNDLE": authority, "SSL_CERT_FILE": authority}
        yield server, trusted | {"HTTP_PROXY": server.url, "HTTPS_PROXY": server.url}


def continued(server: Answers) -> tuple[str, str]:
    """The trace and the span that the server's last request names."""
    _, trace_id, span_id, _ = server.seen[-1][2]["traceparent"].split("-")
    return trace_id, span_id


def test_the_stand_ins_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    with capfd.disabled():
        print(f"\n{table()}", file=sys.stderr)


def test_every_block_is_run() -> None:
    sys.path.insert(0, str(HERE / "programs"))
    try:
        from chapter import blocks
    finally:
        sys.path.remove(str(HERE / "programs"))
    programs = "".join(path.read_text() for path in HERE.glob("programs/chapter*.py"))
    found = blocks(Path(CHAPTER))
    assert len(found) == Path(CHAPTER).read_text(encoding="utf-8").count("```python")
    assert [heading for heading in found if f'"{heading}"' not in programs] == []


def test_the_set_up_block_runs_as_a_program(run: Run) -> None:
    result, _ = run("setup", 0)
    assert result.stderr == ""
    assert result.stdout.endswith(" user-service\n")


def test_flask_and_requests(run: Run, elsewhere: tuple[Answers, dict[str, str]]) -> None:
    server, environment = elsewhere
    result, spans = run("flask", 2, **environment)
    assert result.stdout.splitlines()[1] == '200 {"name":"Ann"}'
    assert tree(spans) == {"GET /api/users/<user_id>": {"GET": {}}}
    request, call = spans[0], spans[1]
    assert {span["resource"]["service.name"] for span in spans} == {"flask-app"}
    assert {span["resource"]["deployment.environment"] for span in spans} == {"production"}
    outgoing = call if call["name"] == "GET" else request
    assert outgoing["attributes"]["http.url"] == "https://api.example.com/users/7"
    assert continued(server) == (outgoing["trace_id"], outgoing["span_id"])


def test_fastapi_and_httpx(run: Run, elsewhere: tuple[Answers, dict[str, str]]) -> None:
    server, environment = elsewhere
    result, spans = run("fastapi", 4, **environment)
    assert result.stdout.splitlines()[1] == '200 {"total":4900}'
    incoming = "GET /api/orders/{order_id}"
    sends = {f"{incoming} http send": {}}
    assert tree(spans) == {incoming: {"GET": {}} | sends}
    outgoing = next(span for span in spans if span["name"] == "GET")
    assert outgoing["attributes"]["http.url"] == "https://api.example.com/orders/o-1"
    assert continued(server) == (outgoing["trace_id"], outgoing["span_id"])


def test_sqlalchemy(run: Run) -> None:
    make = """CREATE ROLE "user" LOGIN SUPERUSER; CREATE DATABASE mydb"""
    with postgres(make) as port:
        fill(port, "mydb", "CREATE TABLE users (id int, name text); INSERT INTO users VALUES (7)")
        _, spans = run("sqlalchemy", 2, PGPORT=str(port))
    assert sorted(tree(spans)) == ["SELECT mydb", "connect"]
    query = next(span for span in spans if span["name"] == "SELECT mydb")
    assert query["attributes"]["db.system"] == "postgresql"
    assert query["attributes"]["db.statement"].startswith("SELECT * FROM users WHERE id =")


def test_spans_by_hand_and_by_decorator_and_logs(run: Run) -> None:
    result, spans = run("manual", 10)
    assert result.stdout.splitlines()[1:] == [
        "raised: no lorry for ORD-2",
        "items: [1, 2]",
        "names: query_database process_batch",
    ]
    steps = {"validate_order": {}, "charge_customer": {}, "ship_order": {}}
    taken, failed = (
        [span for span in spans if span["attributes"].get("order.id") == order]
        for order in ("ORD-1", "ORD-2")
    )
    assert tree(taken) == {"process_order": steps}
    del steps["ship_order"]
    assert tree(failed) == {"process_order": steps}
    root = next(span for span in taken if span["name"] == "process_order")
    assert root["attributes"] == {
        "order.id": "ORD-1",
        "customer.id": "C-1",
        "order.status": "completed",
    }
    assert root["status"] == {"code": "STATUS_CODE_OK"}
    charge = next(span for span in taken if span["name"] == "charge_customer")
    assert [event["name"] for event in charge["events"]] == [
        "payment_initiated",
        "payment_completed",
    ]
    assert charge["events"][0]["attributes"] == {
        "payment.method": "credit_card",
        "payment.amount": 99.99,
    }
    root = next(span for span in failed if span["name"] == "process_order")
    # Once by the block, and once more by the context manager that the exception leaves, which has
    # the last word about the status.
    message = "RuntimeError: no lorry for ORD-2"
    assert root["status"] == {"code": "STATUS_CODE_ERROR", "message": message}
    assert [event["name"] for event in root["events"]] == ["exception"] * 2

    rest = [span for span in spans if span not in taken + failed]
    assert sorted(span["name"] for span in rest) == [
        "database_query",
        "process_batch",
        "process_request",
    ]
    query = next(span for span in rest if span["name"] == "database_query")
    assert query["attributes"] == {"db.system": "postgresql"}

    in_span, outside = log_lines(result.stderr)
    span = next(span for span in rest if span["name"] == "process_request")
    assert (in_span["trace_id"], in_span["span_id"]) == (span["trace_id"], span["span_id"])
    assert (in_span["level"], in_span["user_id"]) == ("INFO", "12345")
    assert outside["level"] == "INFO"
    assert "trace_id" not in outside


def test_metrics(run: Run, collector: Any) -> None:
    run("metrics", 0)
    points = metric_points(collector)
    orders = {"http.method": "GET", "http.status_code": 200, "http.route": "/orders"}
    users = orders | {"http.route": "/users"}
    assert points["http.server.requests"] == [(orders, 2), (users, 1)]
    assert points["db.connections.active"] == [({"db.system": "postgresql"}, 0)]
    durations = points["http.server.duration"]
    counts = [(attributes["http.route"], point["count"]) for attributes, point in durations]
    assert counts == [("/orders", 2), ("/users", 1)]


def test_context_through_http_and_kafka(run: Run) -> None:
    with kafka() as broker:
        result, spans = run("propagation", 4, KAFKA=broker)
    assert result.stdout.splitlines()[1:] == ["http: 200", "kafka: [{'id': 'o-1'}]"]
    assert tree(spans) == {
        "external_api_call": {"handle_request": {}},
        "kafka_produce": {"kafka_consume": {}},
    }


def test_the_complete_service(
    run: Run, elsewhere: tuple[Answers, dict[str, str]], collector: Any
) -> None:
    server, environment = elsewhere
    result, spans = run("complete", 7, **environment)
    answers = [line for line in result.stdout.splitlines()[1:] if line]
    taken, refused = (line.split(" ", 1) for line in answers)
    assert (taken[0], refused[0]) == ("201", "400")
    reason = json.loads(refused[1])["error"]
    assert reason.startswith("customer_id ")
    assert any(line.endswith(f": {reason}") for line in result.stderr.splitlines())
    order_id = json.loads(taken[1])["order_id"]
    roots = [span for span in spans if not span["parent_span_id"]]
    traces = [[s for s in spans if s["trace_id"] == root["trace_id"]] for root in roots]
    first, second = sorted(traces, key=len, reverse=True)
    assert tree(first) == {
        "POST /api/orders": {
            "validate_order": {},
            "check_inventory": {"POST": {}},
            "save_order": {},
        }
    }
    assert tree(second) == {"POST /api/orders": {"validate_order": {}}}
    root = next(span for span in first if not span["parent_span_id"])
    assert root["attributes"]["order.id"] == order_id
    assert root["attributes"]["order.items_count"] == 2
    check = next(span for span in first if span["name"] == "check_inventory")
    assert check["attributes"]["inventory.available"] is True
    call = next(span for span in first if span["name"] == "POST")
    assert continued(server) == (call["trace_id"], call["span_id"])
    points = metric_points(collector)
    assert points["orders.created"] == [({"status": "error"}, 1), ({"status": "success"}, 1)]
    ((attributes, durations),) = points["orders.processing_duration"]
    assert (attributes, durations["count"]) == ({"http.route": "/api/orders"}, 2)
