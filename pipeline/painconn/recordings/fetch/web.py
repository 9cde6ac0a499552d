"""Requests to data providers: careful with redirects, patient with stalls, silent about the user.

Nothing but the address and ``User-Agent: painconn/VERSION`` is sent: no cookies, no credentials of a ``.netrc`` file.
Proxies of the environment are used.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from threading import local
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from painconn.errors import EXIT_JOB_FAILED, PainconnError, Problem
from painconn.recordings.fetch.catalogue import is_safe_address

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK_BYTES = 1 << 16


class ProviderError(PainconnError):
    """A provider did not give what was asked for, or gave something that cannot be trusted."""

    exit_status = EXIT_JOB_FAILED


class PassingError(Exception):
    """Something that may be over when one tries again.

    Parameters
    ----------
    reason : str
        What happened.
    wait_s : float
        What the server asks to wait; 0 when it does not say.
    """

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(reason)


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to try.

    Parameters
    ----------
    connect_s, stall_s : float
        Longest wait for a connection and between two pieces of data.
    attempts : int
        Attempts in a row without progress before a file is given up.
    backoff_s, longest_wait_s : float
        Wait after the first failed attempt (doubled each time), and its limit.
    """

    connect_s: float = 20.0
    stall_s: float = 60.0
    attempts: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0

    def wait_s(self, attempt: int, asked_s: float) -> float:
        """Return how long to wait after the given attempt (counted from 1) without progress."""
        return min(max(self.backoff_s * 2 ** (attempt - 1), asked_s), self.longest_wait_s)


class Web:
    """Requests of one fetch; safe to use from several threads.

    Parameters
    ----------
    patience : Patience
        How long to wait and how often to try.
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._threads = local()

    def read(self, url: str, *, most_bytes: int) -> bytes:
        """Return a small document (a page of a listing), trying again when something passing goes wrong.

        Raises
        ------
        ProviderError
            When it cannot be had, or is larger than ``most_bytes``.
        """
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._read_once(url, most_bytes)
            except PassingError as error:
                if attempt == self.patience.attempts:
                    raise ProviderError(
                        Problem(url, error.reason, "a listing of the files", "try again later; check the network")
                    ) from None
                time.sleep(self.patience.wait_s(attempt, error.wait_s))
        raise AssertionError("at least one attempt is made")

    def _read_once(self, url: str, most_bytes: int) -> bytes:
        content = bytearray()
        with self.open(url) as response:
            for chunk in chunks_of(response):
                content += chunk
                if len(content) > most_bytes:
                    found = f"more than {most_bytes} bytes"
                    raise ProviderError(Problem(url, found, "a listing of the files", "tell the provider"))
        return bytes(content)

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
        """Open an address and follow redirects that stay safe; the body is not read yet.

        Raises
        ------
        PassingError
            When the connection fails, or the server is busy or in trouble.
        ProviderError
            When the address or a redirect is not safe, or the server refuses.
        """
        response = self._follow(url, dict(headers or {}))
        try:
            yield response
        finally:
            response.close()

    def _follow(self, url: str, headers: dict[str, str]) -> requests.Response:
        scheme = urlsplit(url).scheme
        address = url
        for _ in range(_MOST_REDIRECTS + 1):
            if not is_safe_address(address) or (scheme == "https" and urlsplit(address).scheme != "https"):
                raise ProviderError(
                    Problem(url, f"sent on to {address[:200]}", "an https address", "tell the provider")
                )
            response = self._get(address, headers)
            if response.status_code not in _REDIRECTS:
                return _checked(response, url)
            response.close()
            address = _joined(address, response.headers.get("Location", ""))
        found = f"more than {_MOST_REDIRECTS} redirects"
        raise ProviderError(Problem(url, found, "the file", "try again later, or tell the provider"))

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        patience = self.patience
        try:
            return self._session().get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(patience.connect_s, patience.stall_s),
            )
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise PassingError(f"no answer ({type(error).__name__})") from None
        except (requests.RequestException, ValueError) as error:
            found = f"no request possible ({type(error).__name__})"
            raise ProviderError(Problem(url[:200], found, "an address", "tell the provider")) from None

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = _Session()
            session.headers = requests.structures.CaseInsensitiveDict(
                {
                    "User-Agent": f"painconn/{metadata.version('painconn')}",
                    "Accept": "*/*",
                    "Accept-Encoding": "identity",
                }
            )
            # An authentication that adds nothing: without one, requests would look into the user's .netrc.
            session.auth = _as_it_is
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._threads.session = session
        return session


class _Session(requests.Session):
    """A session that leaves redirects alone: requests itself would read the whole body of one, however long."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is nowhere to go on to."""


def chunks_of(response: requests.Response) -> Iterator[bytes]:
    """Yield the body.

    Raises
    ------
    PassingError
        When the connection breaks or stalls, or less comes than was announced.
    """
    try:
        # What has come is passed on at once: what a broken connection gave is kept.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            yield chunk
    except (HTTPError, OSError) as error:
        raise PassingError(f"the connection broke ({type(error).__name__})") from None


def _joined(address: str, location: str) -> str:
    """Return where a redirect leads; what is no address stays as it is and is refused later."""
    try:
        return urljoin(address, location)
    except ValueError:
        return location


def _as_it_is(request: Any) -> Any:
    return request


def _checked(response: requests.Response, url: str) -> requests.Response:
    status = response.status_code
    encoding = response.headers.get("Content-Encoding", "identity")
    if status in (200, 206, 416) and encoding == "identity":
        return response
    wait_s = _asked_wait_s(response.headers.get("Retry-After", ""))
    response.close()
    if status in _PASSING:
        raise PassingError(f"status {status}", wait_s)
    found = f"status {status}" if status >= 300 else f"status {status}, content encoded as {encoding[:40]}"
    raise ProviderError(Problem(url, found, "the file as it is", "see whether the dataset's page knows the file"))


def _asked_wait_s(header: str) -> float:
    if header.isdecimal():
        return float(header[:9])
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
