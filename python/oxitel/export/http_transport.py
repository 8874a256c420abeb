"""Sends through a user's `requests.Session`, or an object of the official transports' shape."""

from __future__ import annotations

from collections.abc import Mapping
from logging import Logger
from time import monotonic
from typing import Any

from oxitel import _native

from .headers import encoded
from .signal import Signal
from .transport import Attempt, Transport

_TOO_LARGE = 413


class SessionRequests:
    """A `requests.Session` in the shape of the official transports: `request` returns, never
    raises."""

    def __init__(self, session: Any, verify: bool | str, cert: Any) -> None:
        session.verify = verify
        if cert is not None:
            session.cert = cert
        self._session = session

    def request(self, method: str, url: str, **arguments: Any) -> _Result:
        try:
            response = self._session.request(
                method=method, url=url, allow_redirects=False, **arguments
            )
        except Exception as error:
            return _Result(None, None, error, None)
        return _Result(response.status_code, response.reason, None, response)

    def is_connection_error(self, error: Exception | None) -> bool:
        from requests import exceptions

        return isinstance(error, exceptions.ConnectionError | exceptions.Timeout)

    def close(self) -> None:
        self._session.close()


class _Result:
    __slots__ = ("_response", "error", "reason", "status_code")

    def __init__(
        self, status_code: int | None, reason: str | None, error: Exception | None, response: Any
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.error = error
        self._response = response

    def headers(self) -> Mapping[str, str]:
        return {} if self._response is None else self._response.headers

    def content(self) -> bytes:
        return b"" if self._response is None else self._response.content or b""


class HttpTransport(Transport):
    """Posts to `url` through `requests`, which has the shape of the official transports."""

    def __init__(
        self,
        requests: Any,
        url: str,
        headers: Mapping[str, str | bytes],
        compression: str,
        logger: Logger,
        signal: Signal,
    ) -> None:
        super().__init__(logger, signal)
        self._requests = requests
        self._url = url
        self._headers = {name: _sendable(value) for name, value in headers.items()}
        self._compression = compression
        if compression != "none":
            self._headers.setdefault("content-encoding", compression)

    def send(self, request: bytes, timeout_seconds: float) -> Attempt:
        deadline = monotonic() + timeout_seconds
        try:
            body = compressed(request, self._compression)
            result = self._post(body, timeout_seconds)
            remaining = deadline - monotonic()
            if self._is_stale_connection(result) and remaining > 0:
                # A connection kept open may have died meanwhile: once more, at once.
                result = self._post(body, remaining)
            return self._read(result)
        except Exception as error:
            return Attempt(reason=_without_passwords(repr(error)))

    def _post(self, body: bytes, timeout_seconds: float) -> Any:
        return self._requests.request(
            "POST", self._url, headers=self._headers, data=body, timeout=timeout_seconds
        )

    def _is_stale_connection(self, result: Any) -> bool:
        return result.error is not None and self._requests.is_connection_error(result.error)

    def _read(self, result: Any) -> Attempt:
        status = result.status_code
        if status is None:
            reason = _without_passwords(str(result.error))
            return Attempt(reason=reason, is_retryable=self._is_stale_connection(result))
        if 200 <= status < 300:
            response = result.content() if status == 200 else b""
            return Attempt(succeeded=True, response=response, code=str(status))
        is_retryable = _native.is_retryable_http(status)
        reason = f"code: {status}, reason: {result.reason}"
        if 300 <= status < 400:
            reason += _redirection(result)
        return Attempt(
            reason=reason,
            is_retryable=is_retryable,
            delay_seconds=_asked_delay(result) if is_retryable else None,
            is_too_large=status == _TOO_LARGE,
            code=str(status),
        )

    def close(self) -> None:
        self._requests.close()


def _redirection(result: Any) -> str:
    """That a redirect is not followed; what was sent is stored nowhere."""
    try:
        location = result.headers().get("location")
    except Exception:
        location = None
    return f" (redirects are not followed; Location: {location})" if location else ""


def _sendable(value: str | bytes) -> str | bytes:
    """As it is, where `requests` can send it; else the bytes that the native exporter sends."""
    if isinstance(value, str) and not value.isascii():
        return encoded(value, "latin-1")
    return value


def _without_passwords(text: str) -> str:
    """`requests` names whole URLs in some of its errors."""
    import re

    return re.sub(r"://[^\s'\"]*@", "://", text)


def _asked_delay(result: Any) -> float | None:
    try:
        return _native.retry_after(result.headers().get("retry-after") or "")
    except Exception:
        # Headers that cannot be read ask for nothing.
        return None


def compressed(data: bytes, compression: str) -> bytes:
    """The data compressed by `gzip` or `deflate`; as it is for anything else."""
    if compression == "gzip":
        from gzip import compress

        return compress(data)
    if compression == "deflate":
        from zlib import compress as compress_zlib

        return compress_zlib(data)
    return data
