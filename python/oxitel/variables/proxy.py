"""The variables that name HTTP proxies, which many programs share: as `requests` reads them."""

from __future__ import annotations

from typing import Any

from .variable import Variable

HTTPS_PROXY = Variable(
    "HTTPS_PROXY",
    None,
    "HTTP: the proxy for endpoints of scheme `https`, as `http://user:password@host:port`. This and"
    " the next three are read in lower case too, which wins.",
)
HTTP_PROXY = Variable("HTTP_PROXY", None, "HTTP: the proxy for endpoints of scheme `http`.")
ALL_PROXY = Variable("ALL_PROXY", None, "HTTP: the proxy for endpoints that have no other.")
NO_PROXY = Variable(
    "NO_PROXY",
    None,
    "HTTP: what is reached without a proxy: hosts, domains, `host:port` and ranges of IPv4"
    " addresses, separated by commas, or `*`.",
)


def proxy_for(url: str) -> str | None:
    """The URL of the proxy to reach `url` by, if the environment names one."""
    if not any(_is_set(variable) for variable in (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)):
        return None
    from urllib import request
    from urllib.parse import urlsplit

    # What the type stubs do not know of, `requests` uses as well.
    environment: Any = request
    proxies: dict[str, str] = environment.getproxies_environment()
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        # No URL: whoever connects to it says so.
        return None
    without = proxies.get("no", "")
    if environment.proxy_bypass_environment(address, proxies) or _is_in_range(host, without):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")


def _is_set(variable: Variable) -> bool:
    return (
        variable.text() is not None
        or Variable(variable.name.lower(), None, variable.description).text() is not None
    )


def _is_in_range(host: str, without: str) -> bool:
    """Whether `host` is an address in one of the ranges, such as 10.0.0.0/8."""
    ranges = [entry.strip() for entry in without.split(",") if "/" in entry]
    if not ranges:
        return False
    from ipaddress import IPv4Address, IPv4Network

    for entry in ranges:
        try:
            if IPv4Address(host) in IPv4Network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False
