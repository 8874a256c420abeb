"""Official path of the name of a variable of oxitel.instrumentation.django."""

from oxitel.variables.http import DJANGO_INSTRUMENT

OTEL_PYTHON_DJANGO_INSTRUMENT = DJANGO_INSTRUMENT.name
