"""The variables of the SDK for `opentelemetry-instrument`, which makes an option of each.

It cannot bear an option twice, so where the official SDK is installed, and names the same
variables, there are none here.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution

try:
    distribution("opentelemetry-sdk")
except PackageNotFoundError:
    _names = vars(import_module("opentelemetry.sdk.environment_variables"))
    globals().update({name: text for name, text in _names.items() if name.startswith("OTEL_")})
