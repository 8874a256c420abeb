"""A Django request by WSGI, over an application in a process without telemetry."""

from web_apps import measure_django

measure_django("wsgi")
