"""Asks a small site that answers as OpenAI does."""

import os
import sys

import openai

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="none")
for number in range(int(os.environ["COUNT"])):
    client.chat.completions.create(
        model="small", messages=[{"role": "user", "content": f"number {number}"}]
    )
