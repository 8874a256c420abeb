"""Gunicorn's configuration for a set-up in each worker, after the fork."""


def post_fork(server, worker):
    import tracing

    tracing.start()
