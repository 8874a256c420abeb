"""Extensions that raise, or answer nonsense, wherever they are called."""

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler


class BrokenProcessor(SpanProcessor):
    def __init__(self, where):
        self.where = where

    def on_start(self, span, parent_context=None):
        if self.where == "on_start":
            raise ValueError("broken extension")

    def on_end(self, span):
        if self.where == "on_end":
            raise ValueError("broken extension")

    def shutdown(self):
        raise ValueError("broken extension")

    def force_flush(self, timeout_millis=30000):
        raise ValueError("broken extension")


class BrokenExporter(SpanExporter):
    def export(self, spans):
        raise ValueError("broken extension")

    def shutdown(self):
        raise ValueError("broken extension")


class BrokenSampler(Sampler):
    def should_sample(self, *arguments, **options):
        raise ValueError("broken extension")

    def get_description(self):
        return "broken"


class NonsenseSampler(Sampler):
    def should_sample(self, *arguments, **options):
        return "yes please"

    def get_description(self):
        return "nonsense"
