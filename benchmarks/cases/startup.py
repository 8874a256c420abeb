"""Time and memory of a tutorial's set-up block over `import opentelemetry.trace` alone.

The first span and its delivery follow, measured apart, so that work put off is seen too. Nothing
that the block might have to import is imported before it.
"""

import time

import opentelemetry.trace  # noqa: F401  what every library imports: the starting point


def now() -> tuple[int, int, int, int]:
    """CPU and wall time in nanoseconds, resident and proportional memory in bytes."""
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    with open("/proc/self/smaps_rollup") as lines:
        fields = {line.partition(":")[0]: line.split()[1] for line in lines}
    return cpu, wall, int(fields["Rss"]) * 1024, int(fields["Pss"]) * 1024


now()
start = now()

from opentelemetry import trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

resource = Resource.create({SERVICE_NAME: "benchmark"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
trace.set_tracer_provider(provider)

ready = now()

with trace.get_tracer("benchmark").start_as_current_span("first") as span:
    span.set_attribute("http.request.method", "GET")
provider.force_flush()

delivered = now()
provider.shutdown()

from measure import report  # noqa: E402  its imports must not help the block above

NAMES = ("cpu_nanos", "wall_nanos", "resident_bytes", "proportional_bytes")
sample = {name: end - begin for name, begin, end in zip(NAMES, start, ready, strict=True)}
for name, begin, end in zip(NAMES, start, delivered, strict=True):
    sample[f"delivered_{name}"] = end - begin
report([sample], 1)
