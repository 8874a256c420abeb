"""A scripted OTLP receiver for tests and benchmarks.

`python -m collector` is the receiver: a process of its own in the official environment (grpcio's
server, the official protobuf classes). `collector.client.Collector` starts and steers it, and
needs nothing but the standard library.
"""
