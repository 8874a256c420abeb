"""A Django request to an instrumented application, by WSGI, over one without."""

from web_apps import measure_django

measure_django()
