"""Official path of what oxitel.instrumentation.pymongo_listener records of commands."""

from oxitel.instrumentation.pymongo_listener import (
    COMMAND_TO_ATTRIBUTE_MAPPING as COMMAND_TO_ATTRIBUTE_MAPPING,
)
