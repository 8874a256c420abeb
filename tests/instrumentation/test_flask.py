"""FlaskInstrumentor: applications old and new, streaming, errors, what the user is spared."""

import flask
import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_server import Recorded
from oxitel.instrumentation.flask import FlaskInstrumentor


def application():
    app = flask.Flask(__name__)

    @app.get("/item/<int:number>")
    def item(number):
        return str(number)

    @app.get("/broken")
    def broken():
        raise ValueError("broken")

    @app.get("/tags")
    def tags():
        return dict(context.get_value("SQLCOMMENTER_ORM_TAGS_AND_VALUES") or {})

    return app


@pytest.fixture
def recorded():
    recorded = Recorded()
    yield recorded
    if FlaskInstrumentor().is_instrumented_by_opentelemetry:
        FlaskInstrumentor().uninstrument()


def test_an_application_that_exists_already_is_instrumented(recorded):
    app = application()
    FlaskInstrumentor().instrument(**recorded.arguments())
    assert app.test_client().get("/item/3").text == "3"
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET /item/<int:number>", SpanKind.SERVER)
    assert span.attributes["http.route"] == "/item/<int:number>"
    (point,) = recorded.points()["http.server.duration"]
    assert point.attributes["http.target"] == "/item/<int:number>"
    assert recorded.points()["http.server.active_requests"][0].value == 0


def test_an_application_whose_wsgi_app_was_wrapped_before_is_instrumented(recorded):
    app = application()
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: inner(environ, start_response)
    FlaskInstrumentor().instrument(**recorded.arguments())
    assert app.test_client().get("/item/3").text == "3"
    assert recorded.names() == ["GET /item/<int:number>"]


def test_what_wraps_the_application_later_stays_outside(recorded):
    app = application()
    FlaskInstrumentor().instrument_app(app, **recorded.arguments())
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: inner(environ, start_response)
    app.test_client().get("/item/3")
    assert recorded.names() == ["GET /item/<int:number>"]
    FlaskInstrumentor().uninstrument_app(app)
    app.test_client().get("/item/3")
    assert len(recorded.spans()) == 1


def test_uninstrumenting_works_under_somebody_elses_wrapper(recorded):
    own = flask.Flask.wsgi_app
    FlaskInstrumentor().instrument(**recorded.arguments())
    ours = flask.Flask.wsgi_app
    flask.Flask.wsgi_app = lambda self, *args: ours(self, *args)
    try:
        FlaskInstrumentor().uninstrument()
        assert application().test_client().get("/item/3").text == "3"
        assert not recorded.spans()
    finally:
        flask.Flask.wsgi_app = own


def test_a_stream_is_inside_the_span(recorded):
    app = application()
    tracer = recorded.tracer_provider.get_tracer("app")

    @app.get("/stream")
    def stream():
        def generate():
            for number in range(2):
                with tracer.start_as_current_span(f"chunk {number}"):
                    pass
                yield "."

        return flask.Response(flask.stream_with_context(generate()))

    FlaskInstrumentor().instrument_app(app, **recorded.arguments())
    response = app.test_client().get("/stream")
    assert response.text == ".."
    first, second, request = recorded.spans()
    assert first.parent.span_id == second.parent.span_id == request.context.span_id
    assert request.end_time >= second.end_time


def test_an_unhandled_exception_is_recorded_once(recorded):
    app = application()
    FlaskInstrumentor().instrument_app(app, **recorded.arguments())
    assert app.test_client().get("/broken").status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/broken")
    for span in recorded.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "ValueError: broken"
        assert [event.name for event in span.events] == ["exception"]
    assert sum(point.count for point in recorded.points()["http.server.duration"]) == 2


def test_nothing_under_an_excluded_url_is_recorded(recorded):
    app = application()
    tracer = recorded.tracer_provider.get_tracer("app")

    @app.get("/health")
    def health():
        with tracer.start_as_current_span("child"):
            assert not trace.get_current_span().is_recording()
        return ""

    FlaskInstrumentor().instrument_app(app, excluded_urls="health", **recorded.arguments())
    assert app.test_client().get("/health").status_code == 200
    assert not recorded.spans()


def test_a_pattern_that_does_not_compile_is_named_and_left_out(recorded, caplog):
    app = application()
    FlaskInstrumentor().instrument_app(app, excluded_urls="(,item", **recorded.arguments())
    app.test_client().get("/item/3")
    assert not recorded.spans()
    assert "excluded_urls: '(' is no regular expression" in caplog.text


def test_a_hook_that_raises_fails_no_request(recorded):
    def raising(*arguments):
        raise RuntimeError("a hook of the user")

    app = application()
    FlaskInstrumentor().instrument_app(
        app, request_hook=raising, response_hook=raising, **recorded.arguments()
    )
    assert app.test_client().get("/item/3").text == "3"
    assert len(recorded.spans()) == 1


def test_a_name_that_a_hook_has_given_stays(recorded):
    app = application()
    FlaskInstrumentor().instrument_app(
        app, request_hook=lambda span, environ: span.update_name("mine"), **recorded.arguments()
    )
    app.test_client().get("/item/3")
    assert recorded.names() == ["mine"]


def test_statements_of_sql_can_be_told_of_the_request(recorded):
    app = application()
    FlaskInstrumentor().instrument_app(app, **recorded.arguments())
    tags = app.test_client().get("/tags").json
    assert tags == {
        "framework": tags["framework"],
        "controller": "tags",
        "route": "/tags",
    }


def test_an_application_that_says_it_is_instrumented_is_left_alone(recorded):
    app = application()
    app._is_instrumented_by_opentelemetry = True
    FlaskInstrumentor().instrument(**recorded.arguments())
    app.test_client().get("/item/3")
    assert not recorded.spans()


def test_a_request_that_is_not_sampled_has_its_route_in_metrics_and_no_notes_for_statements():
    recorded = Recorded(ALWAYS_OFF)
    app = application()
    FlaskInstrumentor.instrument_app(app, **recorded.arguments())
    # No statement inside is recorded, so none is commented.
    assert app.test_client().get("/tags").json == {}
    assert recorded.spans() == ()
    (point,) = recorded.points()["http.server.duration"]
    assert point.attributes["http.target"] == "/tags"
