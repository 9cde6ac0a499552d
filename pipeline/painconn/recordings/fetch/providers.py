"""Listings of the providers: PhysioNet, S3 buckets (OpenNeuro, INDI), the Open Science Framework."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode, urljoin
from xml.etree.ElementTree import Element, ParseError

from pydantic import BaseModel, Field, ValidationError

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.catalogue import S3, Dataset, Osf, PhysioNet, is_safe_address
from painconn.recordings.fetch.listing import MOST_PAGES, ListedFile, checked_listing, too_many_pages
from painconn.recordings.fetch.sums import SUMS, parse_sums
from painconn.recordings.fetch.web import ProviderError, Web

_MOST_PAGE_BYTES = 32 << 20


def list_files(dataset: Dataset, web: Web) -> list[ListedFile]:
    """Return every file of a dataset, as its provider lists them.

    Parameters
    ----------
    dataset : Dataset
        Whose files.
    web : Web
        How to ask.

    Returns
    -------
    files : list of ListedFile
        In order of their paths, which are safe to write.

    Raises
    ------
    ProviderError
        When the listing cannot be had, is malformed, or names paths that may not be written.
    """
    provider = dataset.provider
    if isinstance(provider, PhysioNet):
        files = list_physionet(provider, web)
    elif isinstance(provider, S3):
        files = list_s3(provider, web)
    else:
        files = list_osf(provider, web)
    return checked_listing(files, source=f"listing of {dataset.name}")


def list_physionet(provider: PhysioNet, web: Web) -> Iterator[ListedFile]:
    """Yield the files of a PhysioNet project: its ``SHA256SUMS.txt`` has a hash and a path per line, and no sizes."""
    url = urljoin(provider.url, SUMS)
    try:
        sums = parse_sums(web.read(url, most_bytes=_MOST_PAGE_BYTES), where=url)
    except InputError as error:
        raise ProviderError(error.problems) from None
    for path, sha256 in sums.items():
        yield ListedFile(path, provider.url + quote(path), sha256=sha256)


def list_s3(provider: S3, web: Web) -> Iterator[ListedFile]:
    """Yield the objects of a public bucket below the prefixes wanted (ListObjectsV2).

    The ETag is the md5 of an object only when it was written in one piece; then it has no dash.
    """
    for part in provider.below or ("",):
        yield from _list_prefix(provider, provider.root + part, web)


def _list_prefix(provider: S3, prefix: str, web: Web) -> Iterator[ListedFile]:
    token = ""
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        query = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
        url = f"{provider.url}?{urlencode(query)}"
        page = _xml(web.read(url, most_bytes=_MOST_PAGE_BYTES), provider.url)
        for entry in page.iter("Contents"):
            key, size, etag = (_text(entry, name) for name in ("Key", "Size", "ETag"))
            if not key.startswith(prefix) or not size.isdecimal() or len(size) > 18:
                found = f"the entry {key[:120]!r} of size {size[:40]!r}"
                raise ProviderError(
                    Problem(provider.url, found, f"keys below {prefix} with sizes", "tell the provider")
                )
            if key.endswith("/"):
                continue
            path, etag = key.removeprefix(provider.root), etag.strip('"').lower()
            md5 = etag if len(etag) == 32 and set(etag) <= set("0123456789abcdef") else ""
            yield ListedFile(path, provider.url + quote(key), size=int(size), md5=md5)
        if _text(page, "IsTruncated") != "true":
            return
        token = _text(page, "NextContinuationToken")
        if not token or token in seen:
            break
        seen.add(token)
    raise too_many_pages(provider.url)


def _xml(content: bytes, where: str) -> Element:
    """Parse a page and drop the namespaces, which differ between S3 servers."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        page: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        found = f"no S3 listing ({type(error).__name__})"
        raise ProviderError(
            Problem(where, found, "ListBucketResult", "try again later, or tell the provider")
        ) from None
    for element in page.iter():
        element.tag = element.tag.rpartition("}")[2]
    if page.tag != "ListBucketResult":
        raise ProviderError(Problem(where, f"<{page.tag[:40]}>", "ListBucketResult", "try again later"))
    return page


def _text(element: Element, name: str) -> str:
    return element.findtext(name) or ""


class _Hashes(BaseModel):
    sha256: str | None = None
    md5: str | None = None


class _Extra(BaseModel):
    hashes: _Hashes = _Hashes()


class _Attributes(BaseModel):
    name: str
    kind: str
    size: int | None = None
    extra: _Extra = _Extra()


class _Related(BaseModel):
    href: str


class _RelatedLinks(BaseModel):
    related: _Related


class _Relationship(BaseModel):
    links: _RelatedLinks


class _Relationships(BaseModel):
    files: _Relationship | None = None


class _Links(BaseModel):
    download: str = ""


class _Entry(BaseModel):
    attributes: _Attributes
    links: _Links = _Links()
    relationships: _Relationships = _Relationships()


class _PageLinks(BaseModel):
    next: str | None = None


class _Page(BaseModel):
    data: list[_Entry] = Field(max_length=1000)
    links: _PageLinks = _PageLinks()


def list_osf(provider: Osf, web: Web) -> Iterator[ListedFile]:
    """Yield the files in the storage of an OSF project, folder by folder, page by page (API v2)."""
    pending = [("", f"{provider.url}nodes/{provider.node}/files/osfstorage/?page%5Bsize%5D=100")]
    seen: set[str] = set()
    while pending:
        folder, url = pending.pop()
        if url in seen or len(seen) == MOST_PAGES:
            raise too_many_pages(provider.url)
        seen.add(url)
        page = _osf_page(url, web)
        for entry in page.data:
            path = f"{folder}{entry.attributes.name}"
            if entry.attributes.kind == "folder":
                pending.append((f"{path}/", _folder_address(entry, provider)))
            else:
                yield _osf_file(path, entry, provider)
        if page.links.next:
            pending.append((folder, _own(page.links.next, provider)))


def _osf_page(url: str, web: Web) -> _Page:
    try:
        return _Page.model_validate_json(web.read(url, most_bytes=_MOST_PAGE_BYTES))
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        found = f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"[:200]
        raise ProviderError(Problem(url, found, "a page of files of the OSF API", "try again later")) from None


def _folder_address(entry: _Entry, provider: Osf) -> str:
    files = entry.relationships.files
    address = files.links.related.href if files else ""
    return _own(address + ("&" if "?" in address else "?") + "page%5Bsize%5D=100", provider)


def _own(url: str, provider: Osf) -> str:
    """Return an address that the API itself may have given: the listing cannot send us elsewhere."""
    if not url.startswith(provider.url):
        raise ProviderError(
            Problem(provider.url, f"a link to {url[:200]}", "a page of the same API", "tell the provider")
        )
    return url


def _osf_file(path: str, entry: _Entry, provider: Osf) -> ListedFile:
    address, hashes = entry.links.download, entry.attributes.extra.hashes
    if not is_safe_address(address):
        found = f"{path[:120]!r} at {address[:200]!r}"
        raise ProviderError(Problem(provider.url, found, "an https address", "tell the provider"))
    sha256, md5 = (hashes.sha256 or "").lower(), (hashes.md5 or "").lower()
    return ListedFile(path, address, size=entry.attributes.size, sha256=sha256, md5=md5)
