"""The declarative configuration: a file in format 1.x, from which the whole SDK is made.

Each module makes one part from its section of the file. What cannot be used is named in one
message, by its path in the file, and the rest is made. Specification: "Declarative configuration";
schema: github.com/open-telemetry/opentelemetry-configuration.
"""

from .configure import configure_from_file as configure_from_file
