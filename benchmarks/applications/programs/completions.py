"""Completions that are answered by litellm itself, told by its OpenTelemetry callback."""

import os

import litellm

litellm.callbacks = ["otel"]
for number in range(int(os.environ["COUNT"])):
    litellm.completion(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": f"number {number}"}],
        mock_response="a number",
    )
