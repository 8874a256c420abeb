"""Official path of oxitel.export.grpc."""

from oxitel.export.settings import USER_AGENT as _USER_AGENT_HEADER_VALUE

from .version import __version__ as __version__

_OTLP_GRPC_CHANNEL_OPTIONS = [("grpc.primary_user_agent", _USER_AGENT_HEADER_VALUE)]
