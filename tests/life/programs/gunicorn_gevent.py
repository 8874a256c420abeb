"""Gunicorn's configuration for gevent with --preload: what is loaded before the fork is patched."""

from gevent import monkey

monkey.patch_all()
