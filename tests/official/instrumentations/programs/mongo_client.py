"""opentelemetry-instrumentation-pymongo: a small server of the tests, in MongoDB's protocol."""

from declare import Run, program
from programs.mongo_server import MongoServer
from programs.signals import instrumented


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "database"},
    }
)
def commands(run: Run) -> None:
    import pymongo
    from opentelemetry.instrumentation.pymongo import PymongoInstrumentor

    server = MongoServer()
    run.hide(server.port, "<port>")
    with instrumented(run, PymongoInstrumentor(), capture_statement=True) as signals:
        client = pymongo.MongoClient("127.0.0.1", server.port, serverSelectionTimeoutMS=20_000)
        orders = client.shop.orders
        with signals.span("work"):
            orders.insert_many([{"_id": 1, "item": "ä"}, {"_id": 2, "item": "b"}])
            run.observe("found", list(orders.find({"item": "b"})))
            run.observe("changed", orders.update_one({"_id": 1}, {"$set": {"n": 5}}).matched_count)
            run.observe("count", orders.delete_many({}).deleted_count)
        try:
            client.shop.command("nonsense")
        except pymongo.errors.OperationFailure as error:
            run.observe("error", error.code)
        client.close()
    server.stop()
