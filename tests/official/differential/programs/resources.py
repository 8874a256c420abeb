"""Resources: attributes, variables, detectors, merging."""

from declare import Run, program


def shown(resource: object) -> object:
    """A resource without what the SDK says about itself."""
    kept = {k: v for k, v in resource.attributes.items() if not k.startswith("telemetry.sdk.")}
    return [kept, resource.schema_url]


@program()
def the_default(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    run.observe("create", shown(Resource.create()))
    run.observe("empty", shown(Resource.create({})))
    run.observe("get_empty", shown(Resource.get_empty()))
    run.observe("language", Resource.create().attributes["telemetry.sdk.language"])
    run.observe("provider", shown(TracerProvider().resource))
    run.provider(resource=None).get_tracer("t").start_span("span").end()


@program()
def exported_whole(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create(
        {
            "service.name": "shop",
            "int": 5,
            "float": 1.5,
            "bool": True,
            "list": ["a", "b"],
            "map": {"a": [1, {"b": None}]},
            "none": None,
            "": "empty key",
            "bytes": b"\x00",
        },
        "https://example.org/schema",
    )
    run.observe("resource", shown(resource))
    run.provider(resource=resource).get_tracer("t").start_span("span").end()


@program()
def merging(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    one = Resource({"a": 1, "b": 1, "empty": ""}, "https://one")
    two = Resource({"b": 2, "c": 2, "empty": "x"}, "https://two")
    bare = Resource({"b": 3, "d": 3})
    run.observe("one bare", shown(one.merge(bare)))
    run.observe("bare one", shown(bare.merge(one)))
    run.observe("conflict", shown(one.merge(two)))
    run.observe("one one", shown(one.merge(one)))
    run.observe(
        "equal", [one == Resource({"a": 1, "b": 1, "empty": ""}, "https://one"), one == two]
    )
    run.observe("hash", hash(one) == hash(Resource({"a": 1, "b": 1, "empty": ""}, "https://one")))
    run.observe("other type", one == 5)
    run.attempt("immutable", lambda: one.attributes.__setitem__("x", 1))


@program()
def as_json(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    resource = Resource({"a": 1, "list": [1, 2], "text": "ä"}, "https://one")
    run.observe("json", resource.to_json())
    run.observe("indent", resource.to_json(indent=None))
    run.observe("repr type", type(resource.attributes))


@program(
    variants={
        "plain": {"OTEL_RESOURCE_ATTRIBUTES": "a=1,b=two"},
        "spaces": {"OTEL_RESOURCE_ATTRIBUTES": " a = 1 , b = two words "},
        "percent": {"OTEL_RESOURCE_ATTRIBUTES": "a=%20x%2Cy%3D,b%20c=1,d=%zz,e=%C3%A4"},
        "equals": {"OTEL_RESOURCE_ATTRIBUTES": "a=b=c,d="},
        "wrong": {"OTEL_RESOURCE_ATTRIBUTES": "novalue,=nokey,a=1,,"},
        "only wrong": {"OTEL_RESOURCE_ATTRIBUTES": "nonsense"},
        "empty": {"OTEL_RESOURCE_ATTRIBUTES": ""},
        "twice": {"OTEL_RESOURCE_ATTRIBUTES": "a=1,a=2"},
        "service name": {"OTEL_SERVICE_NAME": "shop"},
        "service name empty": {"OTEL_SERVICE_NAME": ""},
        "service name wins": {
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,x=y",
        },
        "service name among attributes": {"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"},
        "sdk overridden": {"OTEL_RESOURCE_ATTRIBUTES": "telemetry.sdk.language=none"},
        "unicode": {"OTEL_RESOURCE_ATTRIBUTES": "ключ=значение"},
    }
)
def by_variable(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    run.observe("create", shown(Resource.create()))
    run.observe("code wins", shown(Resource.create({"a": "code", "service.name": "code"})))
    run.provider(resource=None).get_tracer("t").start_span("span").end()


@program(
    variants={
        "process": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process"},
        "os": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "os"},
        "host": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "host"},
        "service instance": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "service_instance"},
        "several": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "os,host"},
        "spaces": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": " os , host "},
        "all": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "*"},
        "otel": {
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
            "OTEL_RESOURCE_ATTRIBUTES": "a=b",
        },
        "unknown": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "moon"},
        "unknown and known": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "moon,os"},
        "empty": {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": ""},
    }
)
def detectors_by_variable(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    def make() -> None:
        run.observe("keys", list(Resource.create().attributes))

    run.attempt("create", make)
    run.provider(resource=None).get_tracer("t").start_span("span").end()


@program()
def detectors_by_hand(run: Run) -> None:
    from opentelemetry.sdk.resources import (
        OsResourceDetector,
        OTELResourceDetector,
        ProcessResourceDetector,
        Resource,
        ResourceDetector,
        get_aggregated_resources,
    )

    class Fixed(ResourceDetector):
        def __init__(self, raise_on_error: bool = True, **attributes: object) -> None:
            super().__init__(raise_on_error)
            self.attributes = attributes

        def detect(self) -> Resource:
            return Resource(self.attributes)

    class Broken(ResourceDetector):
        def detect(self) -> Resource:
            raise RuntimeError("cannot detect")

    found = get_aggregated_resources([Fixed(a=1, b=1), Fixed(b=2)])
    run.observe("fixed", shown(found))
    initial = get_aggregated_resources([Fixed(a=1)], Resource({"a": 0, "z": 9}))
    run.observe("initial", shown(initial))
    tolerant = get_aggregated_resources([Broken(raise_on_error=False), Fixed(a=1)])
    run.observe("tolerant", shown(tolerant))
    run.attempt("broken", lambda: shown(get_aggregated_resources([Broken(raise_on_error=True)])))
    run.observe("process", list(ProcessResourceDetector().detect().attributes))
    run.observe("os", list(OsResourceDetector().detect().attributes))
    run.observe("otel", shown(OTELResourceDetector().detect()))


@program()
def a_slow_detector(run: Run) -> None:
    import time

    from opentelemetry.sdk.resources import Resource, ResourceDetector, get_aggregated_resources

    class Slow(ResourceDetector):
        def detect(self) -> Resource:
            time.sleep(1)
            return Resource({"slow": 1})

    run.observe("slow", shown(get_aggregated_resources([Slow()], timeout=0.2)))


@program()
def wrong_arguments(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource

    run.attempt("none", lambda: shown(Resource(None)))
    run.attempt("text", lambda: shown(Resource("ab")))
    run.attempt("list", lambda: shown(Resource.create([("a", 1)])))
    run.attempt("nothing", lambda: Resource())
    run.attempt("merge none", lambda: shown(Resource({"a": 1}).merge(None)))


@program()
def grouping_by_resource_and_scope(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    shared = BatchSpanProcessor(run.exporter())
    one = run.bare_provider(resource=Resource({"service.name": "one"}))
    two = run.bare_provider(resource=Resource({"service.name": "two"}, "https://schema"))
    same = run.bare_provider(resource=Resource({"service.name": "one"}))
    for provider in (one, two, same):
        provider.add_span_processor(shared)
    tracers = [
        one.get_tracer("a", "1"),
        two.get_tracer("a", "1"),
        one.get_tracer("b", "1", "https://scope"),
        same.get_tracer("a", "1"),
        one.get_tracer("a", "2"),
        two.get_tracer("b"),
    ]
    for turn in range(2):
        for index, tracer in enumerate(tracers):
            tracer.start_span(f"span {turn} {index}").end()
