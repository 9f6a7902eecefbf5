"""S3's wire protocol, as far as the service speaks it, over the bucket on disk."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from io import FileIO
from urllib.parse import parse_qsl, quote, unquote
from xml.etree.ElementTree import SubElement

from infra.local.store.journal import Journal, JournalUnwritable
from infra.local.store.object_wire import (
    ObjectError,
    add,
    answer_xml,
    byte_range,
    document,
    kept_headers,
    no_such_key,
    payload,
    refuse,
    texts,
    timestamp,
    unwritable,
)
from infra.local.store.objects import BlobPart, Objects, StoredBucket, StoredObject
from infra.local.wire import Disconnected, Receive, Scope, Send, answer, begin, chunks, headers_of, whole_body

_READ_BYTES = 256 * 1024
_MAX_KEYS = 1000

Created = Callable[[str, str, StoredObject], Awaitable[None]]
"""Called with bucket, event name (`ObjectCreated:Put`) and object, once the object is on disk."""


@dataclass
class _MultipartUpload:
    """A multipart upload. It does not outlive the process: nothing of it was acknowledged as an object."""

    bucket: str
    key: str
    headers: dict[str, str]
    parts: dict[int, BlobPart] = field(default_factory=dict)


@dataclass(frozen=True)
class _Request:
    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    receive: Receive
    send: Send


class ObjectApi:
    """An ASGI application for path-style S3 requests."""

    def __init__(self, objects: Objects, journal: Journal, created: Created) -> None:
        self._objects = objects
        self._journal = journal
        self._created = created
        self._uploads: dict[str, _MultipartUpload] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        bucket, _, key = (
            unquote(scope["raw_path"].partition(b"?")[0].decode("ascii")).lstrip("/").partition("/")
        )
        query = dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True))
        request = _Request(scope["method"], bucket, key, query, headers_of(scope), receive, send)
        try:
            await self._route(request)
        except ObjectError as error:
            await refuse(send, request.method, error)
        except JournalUnwritable as error:
            await refuse(send, request.method, unwritable(error))
        except Disconnected:
            return

    async def _route(self, request: _Request) -> None:
        query = request.query
        match request.method:
            case "PUT" if not request.key:
                await self._configure_bucket(request)
            case "PUT" if "partNumber" in query:
                await self._put_part(request)
            case "PUT":
                await self._put(request)
            case "POST" if "delete" in query:
                await self._delete_many(request)
            case "POST" if "uploads" in query:
                await self._begin_upload(request)
            case "POST" if "uploadId" in query:
                await self._complete_upload(request)
            case "GET" if not request.key and "location" not in query:
                await self._list(request)
            case "HEAD" if not request.key:
                self._bucket(request)
                await answer(request.send, 200, {})
            case "GET" | "HEAD" if request.key:
                await self._get(request)
            case "DELETE" if "uploadId" in query:
                upload = self._uploads.pop(query["uploadId"], None)
                self._objects.blobs.remove(*(part.blob for part in upload.parts.values()) if upload else ())
                await answer(request.send, 204, {})
            case "DELETE" if request.key:
                await self._remove(self._bucket_name(request), [request.key])
                await answer(request.send, 204, {})
            case _:
                raise ObjectError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "This is not served here.")

    def _bucket(self, request: _Request) -> StoredBucket:
        return self._objects.buckets[self._bucket_name(request)]

    def _bucket_name(self, request: _Request) -> str:
        if request.bucket not in self._objects.buckets:
            raise ObjectError(HTTPStatus.NOT_FOUND, "NoSuchBucket", f"There is no bucket {request.bucket!r}.")
        return request.bucket

    async def _configure_bucket(self, request: _Request) -> None:
        await whole_body(request.receive)
        if request.query:
            raise ObjectError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "This is not served here.")
        await self.create_bucket(request.bucket)
        await answer(request.send, 200, {"location": f"/{request.bucket}"})

    async def create_bucket(self, name: str) -> None:
        """Make a bucket, unless it exists."""
        if name not in self._objects.buckets:
            self._journal.append(self._objects.create_bucket(name))
            await self._journal.flushed()

    # Writing

    async def _spool(self, request: _Request) -> BlobPart:
        return await self._new_blob(payload(chunks(request.receive), request.headers))

    async def _new_blob(self, pieces: AsyncIterator[bytes]) -> BlobPart:
        """Write bytes to a new blob, as they arrive, and make it durable."""
        blob = self._objects.blobs.new()
        path = self._objects.blobs.path(blob)
        digest, size_bytes = hashlib.md5(usedforsecurity=False), 0
        try:
            with path.open("xb", buffering=0) as file:
                async for chunk in pieces:
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    _write_all(file, chunk)
                await asyncio.to_thread(self._objects.blobs.sync, file.fileno())
        except OSError as error:
            self._objects.blobs.remove(blob)
            raise unwritable(error) from error
        except BaseException:
            self._objects.blobs.remove(blob)
            raise
        return BlobPart(blob, size_bytes, digest.hexdigest())

    async def _commit(  # noqa: PLR0917
        self,
        event: str,
        bucket: str,
        key: str,
        parts: tuple[BlobPart, ...],
        etag: str,
        headers: dict[str, str],
    ) -> StoredObject:
        record = self._objects.put(bucket, key, parts, etag, headers)
        stored = self._objects.buckets[bucket].objects[key]
        self._journal.append(record)
        await self._journal.flushed()
        self._objects.blobs.remove(*record["unused"])
        await self._created(bucket, f"ObjectCreated:{event}", stored)
        return stored

    async def _put(self, request: _Request) -> None:
        bucket = self._bucket_name(request)
        if "x-amz-copy-source" in request.headers:
            await self._copy(request)
            return
        if request.headers.get("if-none-match") == "*" and request.key in self._bucket(request).objects:
            await self._journal.flushed()  # what is told of it must outlive a kill
            raise ObjectError(
                HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", "The object exists already."
            )
        part = await self._spool(request)
        stored = await self._commit(
            "Put", bucket, request.key, (part,), part.md5, kept_headers(request.headers)
        )
        await answer(request.send, 200, {"etag": f'"{stored.etag}"'})

    async def _copy(self, request: _Request) -> None:
        await whole_body(request.receive)
        source = self._source(request)
        parts = tuple(
            BlobPart(self._objects.blobs.link(part.blob), part.size_bytes, part.md5) for part in source.parts
        )
        replace = request.headers.get("x-amz-metadata-directive") == "REPLACE"
        headers = kept_headers(request.headers) if replace else source.headers
        stored = await self._commit("Copy", request.bucket, request.key, parts, source.etag, headers)
        root = document(
            "CopyObjectResult", ETag=f'"{stored.etag}"', LastModified=timestamp(stored.modified_s)
        )
        await answer_xml(request.send, root)

    def _source(self, request: _Request) -> StoredObject:
        name = unquote(request.headers["x-amz-copy-source"]).lstrip("/")
        bucket, _, key = name.partition("/")
        stored = self._objects.buckets.get(bucket, StoredBucket()).objects.get(key)
        if stored is None:
            raise no_such_key(key)
        return stored

    async def _begin_upload(self, request: _Request) -> None:
        await whole_body(request.receive)
        upload_id = self._objects.blobs.new()
        self._uploads[upload_id] = _MultipartUpload(
            self._bucket_name(request), request.key, kept_headers(request.headers)
        )
        root = document(
            "InitiateMultipartUploadResult", Bucket=request.bucket, Key=request.key, UploadId=upload_id
        )
        await answer_xml(request.send, root)

    def _upload(self, request: _Request) -> _MultipartUpload:
        upload = self._uploads.get(request.query["uploadId"])
        if upload is None:
            raise ObjectError(HTTPStatus.NOT_FOUND, "NoSuchUpload", "The upload is over, or never began.")
        return upload

    async def _put_part(self, request: _Request) -> None:
        upload = self._upload(request)
        copies = "x-amz-copy-source" in request.headers
        part = await (self._copied_range(request) if copies else self._spool(request))
        number = int(request.query["partNumber"])
        if number in upload.parts:
            self._objects.blobs.remove(upload.parts[number].blob)
        upload.parts[number] = part
        if copies:
            await answer_xml(request.send, document("CopyPartResult", ETag=f'"{part.md5}"'))
        else:
            await answer(request.send, 200, {"etag": f'"{part.md5}"'})

    async def _copied_range(self, request: _Request) -> BlobPart:
        await whole_body(request.receive)
        source = self._source(request)
        asked = request.headers.get("x-amz-copy-source-range")
        start, end = byte_range(asked, source.size_bytes) if asked else (0, source.size_bytes)
        with contextlib.ExitStack() as opened:
            pieces = self._pieces(source, start, end, opened)
            return await self._new_blob(_iterate(pieces))

    async def _complete_upload(self, request: _Request) -> None:
        upload = self._upload(request)
        wanted = texts(await whole_body(request.receive), "PartNumber")
        if not wanted or any(int(number) not in upload.parts for number in wanted):
            raise ObjectError(HTTPStatus.BAD_REQUEST, "InvalidPart", "A part was never uploaded.")
        parts = tuple(upload.parts.pop(int(number)) for number in wanted)
        del self._uploads[request.query["uploadId"]]
        self._objects.blobs.remove(*(part.blob for part in upload.parts.values()))
        joined = hashlib.md5(b"".join(bytes.fromhex(part.md5) for part in parts), usedforsecurity=False)
        etag = f"{joined.hexdigest()}-{len(parts)}"
        await self._commit("CompleteMultipartUpload", upload.bucket, upload.key, parts, etag, upload.headers)
        root = document(
            "CompleteMultipartUploadResult", Bucket=upload.bucket, Key=upload.key, ETag=f'"{etag}"'
        )
        await answer_xml(request.send, root)

    async def _delete_many(self, request: _Request) -> None:
        keys = texts(await whole_body(request.receive), "Key")
        await self._remove(self._bucket_name(request), keys)
        await answer_xml(request.send, document("DeleteResult"))

    async def _remove(self, bucket: str, keys: list[str]) -> None:
        record = self._objects.remove(bucket, keys)
        self._journal.append(record)
        await self._journal.flushed()
        self._objects.blobs.remove(*record["unused"])

    async def expire(self, bucket: str, prefix: str, modified_before_s: float) -> None:
        """Remove the objects below a prefix that were last written before that Unix time."""
        held = self._objects.buckets.get(bucket, StoredBucket())
        old = [key for key in held.below(prefix, "") if held.objects[key].modified_s < modified_before_s]
        if old:
            await self._remove(bucket, old)

    # Reading

    async def _get(self, request: _Request) -> None:
        stored = self._bucket(request).objects.get(request.key)
        if stored is None:
            raise no_such_key(request.key)
        if request.headers.get("if-match", f'"{stored.etag}"').strip('"') not in (stored.etag, "*"):
            raise ObjectError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", "The object has changed.")
        headers = {
            **stored.headers,
            "etag": f'"{stored.etag}"',
            "last-modified": formatdate(stored.modified_s, usegmt=True),
            "accept-ranges": "bytes",
        }
        start, end, status = 0, stored.size_bytes, 200
        if "range" in request.headers:
            start, end = byte_range(request.headers["range"], stored.size_bytes)
            headers["content-range"] = f"bytes {start}-{end - 1}/{stored.size_bytes}"
            status = 206
        headers["content-length"] = str(end - start)
        if request.method == "HEAD":
            await begin(request.send, status, headers)
            await request.send({"type": "http.response.body", "body": b""})
            return
        with contextlib.ExitStack() as opened:
            pieces = self._pieces(stored, start, end, opened)
            await begin(request.send, status, headers)
            for piece in pieces:
                await request.send({"type": "http.response.body", "body": piece, "more_body": True})
        await request.send({"type": "http.response.body", "body": b""})

    def _pieces(
        self, stored: StoredObject, start: int, end: int, opened: contextlib.ExitStack
    ) -> Iterator[bytes]:
        """Open an object's files at once, so that they may be deleted meanwhile, and return its bytes."""
        paths = [self._objects.blobs.path(part.blob) for part in stored.parts]
        files = [opened.enter_context(path.open("rb")).fileno() for path in paths]
        return _read(files, [part.size_bytes for part in stored.parts], start, end)

    async def _list(self, request: _Request) -> None:
        bucket, query = self._bucket(request), request.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        most = min(int(query.get("max-keys", _MAX_KEYS)), _MAX_KEYS)
        token = query.get("continuation-token", "")
        after = base64.urlsafe_b64decode(token).decode() if token else query.get("start-after", "")
        keys: list[str] = []
        folders: list[str] = []
        last, truncated = after, False
        for key in bucket.below(prefix, after):
            folder, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            name = prefix + folder + delimiter if found else ""
            if name and (name in folders or after.startswith(name)):
                last = key
                continue
            if len(keys) + len(folders) == most:
                truncated = True
                break
            (folders if name else keys).append(name or key)
            last = key
        encode = quote if query.get("encoding-type") == "url" else str
        root = document(
            "ListBucketResult",
            Name=request.bucket,
            Prefix=encode(prefix),
            KeyCount=str(len(keys) + len(folders)),
            MaxKeys=str(most),
            IsTruncated="true" if truncated else "false",
            EncodingType=query.get("encoding-type"),
            NextContinuationToken=base64.urlsafe_b64encode(last.encode()).decode() if truncated else None,
        )
        for key in keys:
            stored = bucket.objects[key]
            add(
                SubElement(root, "Contents"),
                Key=encode(key),
                LastModified=timestamp(stored.modified_s),
                ETag=f'"{stored.etag}"',
                Size=str(stored.size_bytes),
                StorageClass="STANDARD",
            )
        for folder in folders:
            add(SubElement(root, "CommonPrefixes"), Prefix=encode(folder))
        await answer_xml(request.send, root)


async def _iterate(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield bytes, letting other requests in between."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def _write_all(file: FileIO, data: bytes) -> None:
    """Write all of it: on a disk that is just filling up a single call takes what fits, and raises nothing.

    Raises:
        OSError: the disk refuses the rest.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _read(descriptors: list[int], sizes_bytes: list[int], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `end` of files laid end to end.

    Raises:
        OSError: a file is shorter than it was when it was written.
    """
    offset = 0
    for descriptor, size_bytes in zip(descriptors, sizes_bytes, strict=True):
        position, stop = max(start - offset, 0), min(end - offset, size_bytes)
        while position < stop:
            piece = os.pread(descriptor, min(_READ_BYTES, stop - position), position)
            if not piece:
                raise OSError(errno.EIO, "a blob is damaged: bytes are missing at its end")
            position += len(piece)
            yield piece
        offset += size_bytes
