"""Official path of what oxitel.instrumentation.celery needs."""

from oxitel.instrumentation.celery import _instruments as _instruments
