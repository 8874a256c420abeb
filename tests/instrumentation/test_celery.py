"""Celery's tasks: a span for the publication, one for the run, and the time that it takes."""

import kombu
import pytest
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_server import Recorded
from oxitel.instrumentation.celery import CeleryInstrumentor


def _keep_logging(**options):
    pass


@pytest.fixture
def app():
    made = Celery("test", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.conf.task_default_queue = "tests"
    made.conf.worker_redirect_stdouts = False
    # With a receiver, Celery leaves `logging` as it is.
    signals.setup_logging.connect(_keep_logging)

    @made.task(shared=False, name="add", bind=True)
    def add(self, a, b):
        trace.get_current_span().set_attribute("inside", True)
        return a + b

    @made.task(shared=False, name="fail")
    def fail():
        raise ValueError("broken")

    @made.task(shared=False, name="expected", throws=(KeyError,))
    def expected():
        raise KeyError("told")

    @made.task(shared=False, name="again", bind=True, max_retries=1, default_retry_delay=0)
    def again(self):
        if not self.request.retries:
            raise self.retry(exc=ValueError("later"))

    yield made
    signals.setup_logging.disconnect(_keep_logging)


@pytest.fixture
def instrumented():
    """`instrumented(**arguments)` switches the instrumentation on and returns what it records."""

    def instrument(**arguments):
        recorded = Recorded()
        CeleryInstrumentor().instrument(**recorded.arguments(), **arguments)
        return recorded

    yield instrument
    CeleryInstrumentor().uninstrument()


def run(app, *names, arguments=()):
    """Have a worker run tasks; what each of them raises stays there."""
    with start_worker(app, perform_ping_check=False, shutdown_timeout=30):
        for name in names:
            app.tasks[name].apply_async(arguments).get(timeout=30, propagate=False)


def test_a_run_is_the_child_of_its_publication(app, instrumented):
    recorded = instrumented()
    run(app, "add", arguments=(1, 2))
    spans = {span.name: span for span in recorded.spans()}
    sent, ran = spans["apply_async/add"], spans["run/add"]
    assert (sent.kind, ran.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert ran.parent.span_id == sent.context.span_id
    assert ran.attributes["inside"] is True
    assert sent.attributes["celery.task_name"] == ran.attributes["celery.task_name"] == "add"
    assert ran.attributes["celery.state"] == "SUCCESS"
    assert ran.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    (point,) = recorded.points()["flower.task.runtime.seconds"]
    assert point.count == 1
    assert point.attributes["task"] == "add"


def test_with_links_a_run_begins_a_trace(app, instrumented):
    recorded = instrumented(use_span_links=True)
    run(app, "add", arguments=(1, 2))
    spans = {span.name: span for span in recorded.spans()}
    sent, ran = spans["apply_async/add"], spans["run/add"]
    assert ran.parent is None
    assert [link.context.span_id for link in ran.links] == [sent.context.span_id]


def test_a_failure_is_an_error_unless_the_task_says_that_it_throws_it(app, instrumented):
    recorded = instrumented()
    run(app, "fail", "expected", "again")
    ran = {span.name: span for span in recorded.spans() if span.kind is SpanKind.CONSUMER}
    assert ran["run/fail"].status.status_code is StatusCode.ERROR
    assert ran["run/fail"].status.description == "broken"
    assert [event.name for event in ran["run/fail"].events] == ["exception"]
    assert ran["run/expected"].status.status_code is StatusCode.UNSET
    retried = [span.attributes.get("celery.retry.reason") for span in recorded.spans()]
    assert [reason for reason in retried if reason] == ["Retry in 0s: ValueError('later')"]


def test_a_task_nobody_knows_is_published_inside_its_span(app, instrumented, monkeypatch):
    recorded = instrumented()
    current = []
    publish = kombu.Producer.publish

    def publishing(self, *arguments, **options):
        current.append(trace.get_current_span())
        return publish(self, *arguments, **options)

    monkeypatch.setattr(kombu.Producer, "publish", publishing)
    app.send_task("somewhere.else", queue="nowhere")
    (span,) = recorded.spans()
    assert span.name == "apply_async/somewhere.else"
    assert current[0].get_span_context() == span.context
    assert span.end_time > span.start_time
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize("name", ["add", "somewhere.else"])
def test_a_publication_that_fails_is_an_error(app, instrumented, monkeypatch, name):
    recorded = instrumented()

    def publish(self, *arguments, **options):
        raise ConnectionError("no broker")

    monkeypatch.setattr(kombu.Producer, "publish", publish)
    with pytest.raises(ConnectionError):
        app.send_task(name, retry=False)
    (span,) = recorded.spans()
    assert span.status.description == "ConnectionError: no broker"
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not getattr(app.tasks["add"], "__otel_task_span", {})


def test_nothing_is_recorded_after_uninstrumenting(app, instrumented):
    recorded = instrumented()
    CeleryInstrumentor().uninstrument()
    run(app, "add", arguments=(1, 2))
    assert not recorded.spans()
    again = instrumented()
    app.send_task("add", (1, 2))
    assert len(again.spans()) == 1
