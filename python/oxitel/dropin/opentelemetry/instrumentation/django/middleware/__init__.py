"""Official path of Django's middlewares."""
