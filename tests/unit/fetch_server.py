"""A local data provider that misbehaves on request. Listings are written here, in the documented formats."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from painconn.recordings.fetch.archives import ArchiveLimits
from painconn.recordings.fetch.catalogue import Dataset
from painconn.recordings.fetch.job import Outcome, Wish, fetch_dataset
from painconn.recordings.fetch.web import Patience

QUICK = Patience(connect_s=2, stall_s=0.4, attempts=3, backoff_s=0.01, longest_wait_s=0.3)

Answer = Callable[["Handler"], object]


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Server:
    """Files by path, and answers to come: each request for a path takes the next one; then the file is served."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    routes: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)
    closing: Event = field(default_factory=Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of every request for a path."""
        return [headers for asked, headers in self.requests if asked == path]

    def etag(self, path: str) -> str:
        return self.etags.get(path, f'"{hashlib.md5(self.files[path]).hexdigest()}"')  # noqa: S324 — as S3 does


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/")
        self.provider.requests.append((path, dict(self.headers)))
        waiting = self.provider.answers.get(path)
        try:
            if waiting:
                waiting.pop(0)(self)
            elif path in self.provider.routes:
                self.provider.routes[path](self)
            else:
                self.send_file(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def send_file(self, path: str | None = None, *, ranges: bool = True, length: int | None = None) -> None:
        path = path if path is not None else unquote(urlsplit(self.path).path).removeprefix("/")
        if path not in self.provider.files:
            return self.send_body(b"no such file", status=404)
        content, etag = self.provider.files[path], self.provider.etag(path)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", etag) == etag
        if asked and ranges and same:
            start = int(asked[1])
            if start >= len(content):
                return self.send_body(b"", status=416)
            told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}", "ETag": etag}
            return self.send_body(content[start:], status=206, headers=told)
        return self.send_body(content, headers={"ETag": etag}, length=length)

    def send_body(
        self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.send_body(
        b"", status=code, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def redirect(to: str, code: int = 302) -> Answer:
    return status(code, Location=to)


def cut(n_bytes: int) -> Answer:
    """Promise the whole file, send the first bytes of what was asked for, hang up."""

    def answer(handler: Handler) -> None:
        whole = handler.wfile.write
        left = n_bytes

        def write(data: bytes) -> int:
            nonlocal left
            if not data.startswith(b"HTTP/"):
                data, left = data[:left], left - len(data[:left])
            return whole(data)

        handler.wfile.write = write  # type: ignore[method-assign]
        handler.send_file()
        handler.wfile.write = whole  # type: ignore[method-assign]
        handler.close_connection = True

    return answer


def stall(n_bytes: int) -> Answer:
    """Send some bytes, then nothing."""

    def answer(handler: Handler) -> None:
        cut(n_bytes)(handler)
        handler.wfile.flush()
        handler.provider.closing.wait(5)

    return answer


def without_ranges(handler: Handler) -> None:
    handler.send_file(ranges=False)


def endless(handler: Handler) -> None:
    """Send data without a length and without an end."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while not handler.provider.closing.is_set():
        handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


@contextmanager
def serving() -> Iterator[Server]:
    provider = Server()
    handler = type("Bound", (Handler,), {"provider": provider})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.daemon_threads = True
    provider.port = httpd.server_port
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.closing.set()
        httpd.shutdown()
        httpd.server_close()


def s3_page(
    keys: dict[str, int], *, following: str = "", etags: dict[str, str] | None = None, namespace: bool = True
) -> bytes:
    """Return a ListBucketResult as S3 documents it."""
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size>"
        f"<ETag>&quot;{(etags or {}).get(key, '0-2').strip(chr(34))}&quot;</ETag></Contents>"
        for key, size in keys.items()
    )
    more = (
        f"<IsTruncated>true</IsTruncated><NextContinuationToken>{following}</NextContinuationToken>"
        if following
        else ""
    )
    where = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' if namespace else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult{where}>{entries}{more}</ListBucketResult>'.encode()


def bucket(server: Server, *, per_page: int = 1000, md5: bool = True) -> Answer:
    """List the files of the server, a page at a time."""

    def answer(handler: Handler) -> None:
        prefix, start = handler.query["prefix"], int(handler.query.get("continuation-token", "0"))
        keys = sorted(key for key in server.files if key.startswith(prefix))[start : start + per_page]
        more = str(start + per_page) if len(keys) == per_page else ""
        etags = {key: server.etag(key) for key in keys} if md5 else {}
        handler.send_body(s3_page({key: len(server.files[key]) for key in keys}, following=more, etags=etags))

    return answer


def osf_entry(server: Server, name: str, path: str, **changes: object) -> dict[str, object]:
    """Return a file entry as the OSF API documents it."""
    content = server.files[path]
    attributes = {
        "kind": "file",
        "name": name,
        "size": len(content),
        "materialized_path": f"/{path}",
        "extra": {"hashes": {"sha256": sha256_of(content), "md5": hashlib.md5(content).hexdigest()}},  # noqa: S324
    }
    return {"type": "files", "attributes": attributes | changes, "links": {"download": server.url + quote(path)}}


def osf_page(entries: list[dict[str, object]], *, following: str | None = None) -> Answer:
    page = {"data": entries, "links": {"next": following, "meta": {"total": len(entries), "per_page": 10}}}
    return lambda handler: handler.send_body(json.dumps(page).encode())


def sums(files: dict[str, bytes], prefix: str = "", space: str = " ") -> bytes:
    """Return a list of hashes as PhysioNet writes it: one space."""
    lines = (f"{sha256_of(content)}{space}{path.removeprefix(prefix)}\n" for path, content in files.items())
    return "".join(lines).encode()


def dataset(provider: dict[str, object], **changes: object) -> Dataset:
    about = {
        "name": "made-up",
        "title": "A dataset of this test",
        "version": "1.0.0",
        "doi": "",
        "home": "https://example.org/",
        "provider": provider,
        "licence": "CC0-1.0",
        "licence_name": "public domain",
        "licence_url": "https://example.org/licence",
        "licence_public_domain": True,
        "citation": ["Nobody 2026"],
        "good_for": "testing",
        "people": 2,
        "size_gb": 0.001,
        "layout": "bids",
        "tasks": {},
        "recording": {"n_eeg_channels": [], "sfreq_hz": []},
    }
    return Dataset.model_validate(about | changes)


def in_bucket(server: Server, **changes: object) -> Dataset:
    """Return a dataset whose files are those of the server below ``data/``."""
    server.routes[""] = bucket(server, per_page=2)
    return dataset({"kind": "s3", "url": server.url, "root": "data/"}, **changes)


class Silent:
    """A display that counts."""

    def __init__(self) -> None:
        self.planned_bytes = self.bytes = self.files = 0

    def start(self, plan: object) -> None:
        self.planned_bytes = plan.n_bytes  # type: ignore[attr-defined]

    def advance(self, n_bytes: int) -> None:
        self.bytes += n_bytes

    def finish(self) -> None:
        self.files += 1


def get(what: Dataset, target: object, display: Silent | None = None, **wish: object) -> Outcome:
    wish = {"patience": QUICK, "limits": ArchiveLimits(n_bytes=1 << 20, free_bytes=1 << 16)} | wish
    return fetch_dataset(what, target, Wish(**wish), display or Silent())  # type: ignore[arg-type]


def tree(folder: object) -> dict[str, bytes]:
    """Return the files of a folder, without those that fetching writes for itself."""
    ours = {"SHA256SUMS.txt", "painconn_fetch.json"}
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}  # type: ignore[attr-defined]
    return {name: path.read_bytes() for name, path in found.items() if name not in ours}
