"""Official path of oxitel.instrumentation.django_middleware."""

from oxitel.instrumentation.conventions import (
    active_request_attributes as _parse_active_request_count_attrs,
    duration_attributes as _parse_duration_attrs,
)
from oxitel.instrumentation.django_middleware import (
    _DjangoMiddleware as _DjangoMiddleware,
    _is_asgi_request as _is_asgi_request,
)
