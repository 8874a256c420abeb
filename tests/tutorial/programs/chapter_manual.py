"""Spans by hand and by decorator, JSON logs, the logging integration: blocks that build on each
other."""

from chapter import Chapter

chapter = Chapter()
chapter.start("manual-app")
chapter.run("Basic Span Creation")
names = chapter.names
names["process_order"]("ORD-1", "C-1")

# A step that fails: the chapter's steps are left to the reader.
ship_order = names["ship_order"]


def no_shipping(order_id):
    raise RuntimeError(f"no lorry for {order_id}")


names["ship_order"] = no_shipping
try:
    names["process_order"]("ORD-2", "C-2")
except RuntimeError as error:
    print("raised:", error)
names["ship_order"] = ship_order

items = []
chapter.give(process_item=items.append)
chapter.run("Decorators for Cleaner Code")
names["query_database"]("SELECT 1")
names["process_batch"]([1, 2])
print("items:", items)
print("names:", names["query_database"].__name__, names["process_batch"].__name__)

chapter.run("JSON Logging with Trace Context")
chapter.run("Using OpenTelemetry Logging Integration")
