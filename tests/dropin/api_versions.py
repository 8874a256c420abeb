"""The versions of the official API that Oxitel works with: the last of each minor version, and the
`opentelemetry-instrumentation` that was published with it. The pages and the tests have them from
here; `pyproject.toml` promises the first.
"""

VERSIONS = {
    "1.36.0": "0.57b0",
    "1.37.0": "0.58b0",
    "1.38.0": "0.59b0",
    "1.39.1": "0.60b1",
    "1.40.0": "0.61b0",
    "1.41.1": "0.62b1",
    "1.42.1": "0.63b1",
    "1.43.0": "0.64b0",
    "1.44.0": "0.65b0",
    "1.45.2": "0.66b2",
}
OLDEST, NEWEST = next(iter(VERSIONS)), list(VERSIONS)[-1]

NEEDS_NEWER = {
    OLDEST: (
        # The API's propagators and context objects, which ours are compared with, are newer ones.
        "tests/propagation/test_official.py",
        "tests/propagation/test_carriers.py",
        "tests/propagation/test_global.py::"
        "test_nothing_is_imported_for_it_and_the_first_tracer_does_it_later",
        "tests/propagation/test_w3c_suite.py::test_a_root_has_a_random_trace_id_and_says_so",
        # Its `BoundedAttributes` has another lock, and takes neither bytes nor None.
        "tests/resources/test_resources.py::test_json_has_attributes_and_schema",
        "tests/trace/test_reading.py::test_events_are_as_their_constructors_make_them",
        "tests/trace/test_reading.py::test_what_is_read_is_what_was_set_whatever_comes_in_between",
        "tests/trace/test_trace.py::test_private_containers_seen_by_python_stay_in_use",
        "tests/trace/test_scope.py::test_scopes_and_containers_behave_as_the_official_ones",
        # It prints a traceback of its own where a propagator cannot be loaded.
        "tests/doctor/test_packages.py::test_half_of_it_broken_is_half_a_report[api]",
        # Its base of instrumentations has other messages, fewer variables, and no labeler.
        "tests/command/run/test_command.py::test_options_set_the_variables_of_their_names",
        "tests/command/run/test_start.py::test_an_instrumentation_for_another_version_is_said",
        "tests/instrumentation/test_server_attributes.py",
        # Its `LogRecord` takes no exception.
        "tests/logs/test_logs.py::test_a_record_of_a_program_is_not_changed_by_emitting_it",
    )
}
"""Tests of what a version of the API lacks, which `scripts/try_api_versions.py` leaves out."""
