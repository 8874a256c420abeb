"""docs/scale.md: the Collector's configurations can be read, and take what the exporter sends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from oxitel.export.kafka import ENCODING
from oxitel.variables.kafka import KAFKA_TOPICS

PAGE = Path(__file__).resolve().parents[2] / "docs/scale.md"


def configurations() -> dict[str, Any]:
    blocks = re.findall(r"^```yaml (\w+)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return {name: yaml.safe_load(text) for name, text in blocks}


def test_each_configuration_is_whole() -> None:
    found = configurations()
    assert sorted(found) == ["agent", "kafka"]
    for name, configuration in found.items():
        service = configuration["service"]
        assert set(service["pipelines"]) == {"traces", "metrics", "logs"}
        assert set(service.get("extensions", ())) == set(configuration.get("extensions", ())), name
        for kind in ("receivers", "exporters"):
            used = {part for pipeline in service["pipelines"].values() for part in pipeline[kind]}
            assert used == set(configuration[kind]), name


def test_the_receiver_reads_the_topics_and_the_encoding_that_the_exporter_writes() -> None:
    receiver = configurations()["kafka"]["receivers"]["kafka"]
    for signal, variable in KAFKA_TOPICS.items():
        said = receiver[signal.lower()]
        assert said == {"topics": [variable.default], "encoding": ENCODING}
