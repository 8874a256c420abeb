"""Log records, their way out, and the handlers and formatters of `logging`."""

from .json_formatter import JSONFormatter as JSONFormatter, configure_json as configure_json
