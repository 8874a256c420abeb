"""Where an exporter connects to, and how that is shown."""

from __future__ import annotations

from typing import NamedTuple

from oxitel._native import Endpoint

from .report import MASK, Secrets

OTHER_PROTOCOL = {"grpc": "http/protobuf", "http/protobuf": "grpc"}


class Target(NamedTuple):
    """What connections are made to. Signals with the same one share the steps of connecting."""

    host: str
    port: int
    is_tls: bool
    protocol: str
    unix_path: str | None = None
    proxy: str | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def address(self) -> str:
        """`host:port`, or the path of the socket."""
        path = self.unix_path
        return address(self.host, self.port) if path is None else path.replace("\0", "@")


def address(host: str, port: int) -> str:
    """`host:port`, as URLs have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def target_of(endpoint: str, protocol: str, is_insecure: bool) -> Target:
    """The target of an endpoint, as its exporter reads it; ValueError says why it has none."""
    read = Endpoint(endpoint, protocol, is_insecure)
    return Target(read.host, read.port, read.is_tls, protocol, unix_path=read.socket)


def proxy_at(url: str) -> Endpoint:
    """A proxy, whose URL may do without a scheme. ValueError says why it cannot be used."""
    return Endpoint(url if "://" in url else f"http://{url}", "http/protobuf", True)


def shown_url(url: str, secrets: Secrets) -> str:
    """A URL without its password and without the values of its query, which are kept secret from
    here on."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    # A password may have any character in it, one that ends the host too.
    user_info, at, rest = rest.rpartition("@")
    rest, question, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    if at:
        user, colon, password = user_info.partition(":")
        secrets.add(password if colon else user)
        user_info = f"{user}:{MASK}" if colon else MASK
    if question:
        pairs = []
        for pair in query.split("&"):
            key, equals, value = pair.partition("=")
            secrets.add(value if equals else key)
            pairs.append(f"{key}={MASK}" if equals else MASK)
        query = "&".join(pairs)
    return f"{scheme}{separator}{user_info}{at}{host}{slash}{path}{question}{query}"
