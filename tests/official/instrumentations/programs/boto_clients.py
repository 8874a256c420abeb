"""opentelemetry-instrumentation-botocore and -boto3sqs: moto, which answers in place of AWS."""

from typing import Any

from declare import Run, program
from programs.signals import Signals, instrumented


def hide_ids(run: Run, answer: dict[str, Any]) -> None:
    for name in ("MessageId", "RequestId", "ReceiptHandle", "MD5OfMessageAttributes"):
        if name in answer:
            run.hide(answer[name], f"<{name}>")
    for value in answer.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                hide_ids(run, inner)


@program(
    env={
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
    },
    log_level="CRITICAL",
)
def botocore(run: Run) -> None:
    import boto3
    from botocore.exceptions import ClientError
    from moto import mock_aws
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

    def on_request(span: Any, service: str, operation: str, parameters: Any) -> None:
        span.set_attribute("hook.operation", operation)

    def on_response(span: Any, service: str, operation: str, answer: Any) -> None:
        hide_ids(run, answer)

    hooks = {"request_hook": on_request, "response_hook": on_response}
    with mock_aws(), instrumented(run, BotocoreInstrumentor(), **hooks) as signals:
        with signals.span("work"):
            storage = boto3.client("s3")
            place = {"LocationConstraint": "eu-west-1"}
            storage.create_bucket(Bucket="orders", CreateBucketConfiguration=place)
            storage.put_object(Bucket="orders", Key="1", Body=b"order")
            run.observe("object", storage.get_object(Bucket="orders", Key="1")["Body"].read())
            topics = boto3.client("sns")
            topic = topics.create_topic(Name="orders")["TopicArn"]
            topics.publish(TopicArn=topic, Message="order taken")
            table = boto3.client("dynamodb")
            table.create_table(
                TableName="orders",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            table.put_item(TableName="orders", Item={"id": {"S": "1"}})
        try:
            storage.get_object(Bucket="nowhere", Key="1")
        except ClientError as error:
            run.observe("error", error.response["Error"]["Code"])
            hide_ids(run, error.response)


@program(
    env={
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
    },
    log_level="CRITICAL",
)
def boto3sqs(run: Run) -> None:
    from opentelemetry.instrumentation.boto3sqs import Boto3SQSInstrumentor

    signals = Signals(run)
    Boto3SQSInstrumentor().instrument(**signals.providers)
    import boto3
    from moto import mock_aws

    with mock_aws():
        client = boto3.client("sqs")
        url = client.create_queue(QueueName="orders")["QueueUrl"]
        with signals.span("produce"):
            hide_ids(run, client.send_message(QueueUrl=url, MessageBody="first"))
            entries = [{"Id": str(number), "MessageBody": "more"} for number in range(2)]
            hide_ids(run, client.send_message_batch(QueueUrl=url, Entries=entries))
        answer = client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        hide_ids(run, answer)
        for message in answer["Messages"]:
            run.observe("attributes", sorted(message["MessageAttributes"]))
            with signals.span("consume"):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    Boto3SQSInstrumentor().uninstrument()
