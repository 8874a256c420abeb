"""Versions, who answers official imports, instrumentations, and what is broken."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation import bootstrap_gen
from packaging.requirements import Requirement

from oxitel.doctor import contrib

OWN_MODULES = Path(__file__).parents[2] / "python/oxitel/dropin/opentelemetry/instrumentation"


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., str]:
    """Puts a distribution into a folder for PYTHONPATH, and returns that."""
    folder = tmp_path / "packages"

    def add(
        name: str,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        instrumentors: tuple[str, ...] = (),
        files: dict[str, str] | None = None,
    ) -> str:
        metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (metadata / "METADATA").write_text("\n".join([*lines, ""]))
        (metadata / "entry_points.txt").write_text(
            "\n".join(["[opentelemetry_instrumentor]", *(f"{i} = {i}:I" for i in instrumentors)])
        )
        for path, text in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return str(folder)

    return add


def test_oxitel_answers_where_no_official_sdk_is(doctor: Any) -> None:
    report = doctor("--no-connect").report
    assert report["sdk"]["winner"] == "oxitel"
    # Behind it is the base of instrumentations alone.
    assert report["sdk"]["dropin_position"] == report["sdk"]["path_length"] - 1
    assert report["versions"]["opentelemetry-api"] is not None
    assert report["versions"]["opentelemetry-sdk"] is None


def test_the_official_sdk_answers_where_it_is(doctor: Any, install: Any) -> None:
    path = install(
        "opentelemetry-sdk",
        "1.45.1",
        files={"opentelemetry/sdk/trace/__init__.py": ""},
    )
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    assert diagnosis.status == 0
    sdk = diagnosis.report["sdk"]
    assert (sdk["winner"], sdk["official_version"]) == ("official", "1.45.1")
    assert sdk["file"].startswith(path)
    finding = diagnosis.finding("the official opentelemetry-sdk 1.45.1 answers")
    assert finding["grade"] == "note"
    assert "oxitel run" in finding["advice"]


def test_a_package_that_hides_all_others(doctor: Any, install: Any) -> None:
    path = install("intruder", files={"opentelemetry/sdk/__init__.py": ""})
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    assert diagnosis.status == 1
    assert f"{path}/opentelemetry/sdk/__init__.py" in diagnosis.findings("error")[0]["text"]
    assert diagnosis.report["sdk"]["winner"] == "none"


def test_without_the_api_that_alone_is_said(doctor: Any, install: Any) -> None:
    path = install("broken", files={"opentelemetry/trace/__init__.py": "import gone"})
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    assert diagnosis.status == 1
    (finding,) = diagnosis.findings()
    assert "opentelemetry.trace cannot be imported" in finding["text"]
    assert "opentelemetry-api" in finding["advice"]


def test_instrumentations_by_what_becomes_of_them(doctor: Any, install: Any) -> None:
    prefix = "opentelemetry-instrumentation-"
    for name, library in (("good", "pytest"), ("off", "pytest"), ("lone", "no-such-library")):
        path = install(
            f"{prefix}{name}",
            requires=(f'{library} ; extra == "instruments"',),
            instrumentors=(f"{name}ish",),
        )
    path = install(
        f"{prefix}old",
        requires=('pytest <1 ; extra == "instruments"',),
        instrumentors=("oldish",),
    )
    path = install(
        f"{prefix}either",
        requires=(
            'no-such-library ; extra == "instruments-any"',
            'pytest ; extra == "instruments-any"',
        ),
        instrumentors=("eitherish",),
    )
    install("celery", "5.4.0")
    diagnosis = doctor(
        "--no-connect",
        PYTHONPATH=path,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="offish,godish",
    )
    facts = diagnosis.report["instrumentations"]
    on = [entry["name"] for entry in facts["on"]]
    assert {"goodish", "eitherish", "logging"} <= set(on)
    assert [entry["name"] for entry in facts["disabled"]] == ["offish"]
    without = {entry["name"]: entry for entry in facts["without_library"]}
    assert without["loneish"]["needs"] == "no-such-library"
    assert without["oldish"]["needs"] == "pytest <1"
    assert without["oldish"]["found"].startswith("pytest ")
    assert diagnosis.finding("the instrumentation oldish stays off")["grade"] == "warning"
    assert "goodish" in diagnosis.finding("names godish, and no such")["advice"]


def test_an_official_instrumentation_beside_ours_is_not_told_twice(
    doctor: Any, install: Any
) -> None:
    path = install("opentelemetry-instrumentation-sqlite3", "0.9", instrumentors=("sqlite3",))
    text = doctor("--no-connect", as_text=True, PYTHONPATH=path).stdout
    (on,) = re.findall(r"^  on .*$", text, re.MULTILINE)
    assert on.count("sqlite3 ") == 1


def test_a_library_that_lacks_its_instrumentation(doctor: Any, install: Any) -> None:
    path = install("pika", "1.3.2")
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    missing = diagnosis.report["instrumentations"]["missing"]
    assert {
        "libraries": ["pika"],
        "install": "pip install opentelemetry-instrumentation-pika",
    } in missing
    assert diagnosis.finding("installed without an instrumentation")["grade"] == "note"


def test_what_is_advised_beside_an_official_sdk_is_of_the_same_release(
    doctor: Any, install: Any
) -> None:
    install("pika", "1.3.2")
    install("opentelemetry-semantic-conventions", "0.65b0")
    path = install("opentelemetry-sdk", "1.44.0")
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    advice = diagnosis.finding("installed without an instrumentation")["advice"]
    assert "opentelemetry-instrumentation-pika==0.65b0" in advice


def test_the_time_for_connecting_is_not_that_for_reading_instrumentations(doctor: Any) -> None:
    facts = doctor("--no-connect", timeout=0.001).report["instrumentations"]
    assert facts["broken"] == []


def test_instrumentations_of_another_release(doctor: Any, install: Any) -> None:
    path = install(
        "opentelemetry-instrumentation-ancient",
        "0.40b0",
        requires=("opentelemetry-instrumentation ==0.40b0", "opentelemetry-sdk ~=1.19"),
        instrumentors=("ancient",),
    )
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    finding = diagnosis.finding("opentelemetry-instrumentation-ancient 0.40b0 needs ==0.40b0")
    assert finding["grade"] == "warning"
    # Oxitel stands in for the SDK, which need not be installed.
    assert "opentelemetry-sdk" not in finding["text"]


def test_a_distribution_that_cannot_be_read_harms_nobody(doctor: Any, install: Any) -> None:
    path = install(
        "opentelemetry-instrumentation-broken",
        requires=("this is ! no requirement",),
        instrumentors=("broken",),
    )
    diagnosis = doctor("--no-connect", PYTHONPATH=path)
    (entry,) = diagnosis.report["instrumentations"]["broken"]
    assert entry["name"] == "broken"
    assert diagnosis.finding("the instrumentation broken")["grade"] == "warning"
    assert diagnosis.report["signals"]["traces"]["settings"]["protocol"]["value"] == "grpc"


@pytest.mark.parametrize(
    ("program", "part", "status"),
    [
        # Nothing can be found out about installed packages.
        (
            "import importlib.metadata as m\n"
            "def broken(*a, **k): raise RuntimeError('no metadata today')\n"
            "m.entry_points = m.version = m.requires = m.distribution = broken\n",
            "no metadata today",
            0,
        ),
        ("import sys\nsys.modules['opentelemetry.instrumentation'] = None\n", "attention", 0),
        ("import sys\nsys.modules['packaging.requirements'] = None\n", "packaging", 0),
        ("import sys\nsys.modules['oxitel._native'] = None\n", "oxitel._native cannot be", 1),
        ("import sys\nsys.modules['opentelemetry.trace'] = None\n", "opentelemetry.trace", 1),
        ("import sys\nsys.modules['ssl'] = None\n", "ssl", 0),
    ],
    ids=["metadata", "instrumentation", "packaging", "native", "api", "ssl"],
)
def test_half_of_it_broken_is_half_a_report(
    doctor: Any, tmp_path: Path, collector: Any, program: str, part: str, status: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(program)
    diagnosis = doctor(
        PYTHONPATH=str(tmp_path), OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint
    )
    assert "Traceback" not in diagnosis.stderr
    assert diagnosis.status == status
    report = diagnosis.report
    assert report["process"]["pid"] > 0
    if part != "attention":
        assert any(part in finding["text"] for finding in diagnosis.findings("warning", "error"))
    if part in ("no metadata today", "opentelemetry.trace"):
        as_text = doctor("--no-connect", as_text=True, PYTHONPATH=str(tmp_path))
        assert (as_text.stderr, as_text.status) == ("", status)
        assert as_text.stdout.startswith("oxitel ")


def test_the_list_of_contribs_instrumentations_is_contribs() -> None:
    ours = {path.name for path in OWN_MODULES.iterdir()} | {"kafka_python"}
    libraries: dict[str, set[Requirement]] = {}
    for entry in bootstrap_gen.libraries:
        name = Requirement(entry["instrumentation"]).name.removeprefix(contrib.PREFIX)
        # What tortoise-orm's instrumentation can make use of, and many others have.
        if name.replace("-", "_") not in ours and not entry["library"].startswith("pydantic "):
            libraries.setdefault(name, set()).add(Requirement(entry["library"]))
    assert {
        name: set(map(Requirement, known)) for name, known in contrib.LIBRARIES.items()
    } == libraries
    wanted = [entry["instrumentation"] for entry in bootstrap_gen.libraries]
    assert {
        Requirement(text).name.removeprefix(contrib.PREFIX) for text in wanted if "==" not in text
    } == set(contrib.OWN_RELEASES)
    names = [
        Requirement(text).name.removeprefix(contrib.PREFIX)
        for text in bootstrap_gen.default_instrumentations
    ]
    assert [name for name in names if name not in ours] == list(contrib.STANDARD_LIBRARY)
