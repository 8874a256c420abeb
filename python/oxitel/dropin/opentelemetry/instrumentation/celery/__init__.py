"""Official path of oxitel.instrumentation.celery."""

from oxitel.instrumentation.celery import (
    CeleryGetter as CeleryGetter,
    CeleryInstrumentor as CeleryInstrumentor,
    celery_getter as celery_getter,
)
from oxitel.version import OFFICIAL_CONTRIB_VERSION as __version__
