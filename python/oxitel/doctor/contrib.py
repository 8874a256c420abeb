"""Contrib's instrumentations for libraries that Oxitel has none for; doctor names them where such a
library is installed. tests/doctor/test_packages.py compares with contrib's own list.
"""

from __future__ import annotations

PREFIX = "opentelemetry-instrumentation-"

LIBRARIES = {
    "aio-pika": ("aio_pika >=7.2.0, <11.0.0",),
    "aiopg": ("aiopg >=0.13.0, <2.0.0",),
    "asyncclick": ("asyncclick ~=8.0",),
    "boto3sqs": ("boto3 ~=1.0",),
    "botocore": (
        "botocore ~=1.0",
        "aiobotocore >=2.0, <4.0",
    ),
    "cassandra": (
        "cassandra-driver ~=3.25",
        "scylla-driver ~=3.25",
    ),
    "click": ("click >=8.1.3, <9.0.0",),
    "falcon": ("falcon >=1.4.1, <5.0.0",),
    "grpc": ("grpcio >=1.42.0",),
    "jinja2": ("jinja2 >=2.7, <4.0",),
    "mysql": ("mysql-connector-python >=8.0",),
    "mysqlclient": ("mysqlclient <3",),
    "openai-v2": ("openai >=1.26.0",),
    "pika": ("pika >=0.12.0",),
    "pymemcache": ("pymemcache >=1.3.5, <5",),
    "pymssql": ("pymssql >=2.1.5, <3",),
    "pymysql": ("PyMySQL <2",),
    "pyramid": ("pyramid >=1.7",),
    "remoulade": ("remoulade >=0.50",),
    "structlog": ("structlog >=21.1",),
    "system-metrics": ("psutil >=5",),
    "tornado": ("tornado >=5.1.1",),
    "tortoiseorm": ("tortoise-orm >=0.17.0",),
    "vertexai": ("google-cloud-aiplatform >=1.64",),
}
"""By the distribution, without the prefix: the libraries, and which versions of them."""

OWN_RELEASES = ("openai-v2", "vertexai")
"""Those that are not released along with the others, and have other versions."""

STANDARD_LIBRARY = ("asyncio", "exceptions", "urllib")
"""For what every Python has."""
