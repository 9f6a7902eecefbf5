"""Large bodies on their way into the bucket: in parts, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import settings
from chalicelib.gateway.http.calls import too_many
from chalicelib.gateway.http.owners import UNKNOWN
from chalicelib.gateway.http.refusals import Refusal
from chalicelib.gateway.lanes import Lane, LaneFull
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.storage import objects, spool

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_log = logging.getLogger("attune.gateway")
_NO_ROOM_CODES = {"InsufficientStorage", "InsufficientCapacity", "QuotaExceeded", "XMinioStorageFull", "507"}


class Spooler:
    """Stores bodies, a bounded number at a time."""

    def __init__(self, limits: GatewayLimits) -> None:
        self._limits = limits
        self._lane = Lane("attune-storage", limits.storage_threads, limits.uploads * 4)
        self._turns = asyncio.Semaphore(limits.uploads)
        self._waiting = 0
        self._of_owner: Counter[str] = Counter()
        """Uploads that are under way or wait."""
        self._taking_back: set[asyncio.Future[None]] = set()

    @contextlib.asynccontextmanager
    async def upload(self, owner: str) -> AsyncIterator[SpooledUpload]:
        """Wait for a turn and lend an upload; what was not finished when the block ends is taken back.

        Raises:
            Refusal: too many others wait already, or the turn did not come in time (503); this owner has too
                many already (429).
        """
        share = max(1, int(self._limits.uploads * self._limits.owners_share))
        if owner != UNKNOWN and self._of_owner[owner] >= share:
            raise too_many("uploads", self._limits)
        self._of_owner[owner] += 1
        try:
            async with (
                self._turn(),
                SpooledUpload(self._lane, self._limits, self._taking_back, owner) as upload,
            ):
                yield upload
        finally:
            self._of_owner[owner] -= 1
            if not self._of_owner[owner]:
                del self._of_owner[owner]

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        busy = Refusal(
            503,
            "Too many large requests are being received; please try again in a moment.",
            (("Retry-After", str(self._limits.retry_after_s)),),
        )
        if self._turns.locked() and self._waiting >= self._limits.uploads_waiting:
            raise busy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.upload_wait_s):
                await self._turns.acquire()
        except TimeoutError:
            raise busy from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def remove(self, spooled: spool.Spooled) -> None:
        """Remove a stored body that nobody took; a failure is left to the bucket's lifecycle rule."""
        try:
            await asyncio.shield(self._lane.run(lambda: objects.delete(spooled.key)))
        except (ClientError, BotoCoreError, LaneFull):
            _log.warning("spooled body %s could not be removed", spooled.key, exc_info=True)

    async def close(self) -> None:
        """Let the threads end, once what clients left unfinished was taken back."""
        if self._taking_back:
            await asyncio.wait(self._taking_back, timeout=self._limits.take_back_s)
        self._lane.close()


class SpooledUpload:
    """One body being stored; used by one task.

    A part is collected in an unnamed file, so that those who send slowly hold no memory meanwhile. While it
    is on its way nothing is read. A body of a single part is stored by a single call.
    """

    def __init__(
        self, lane: Lane, limits: GatewayLimits, taking_back: set[asyncio.Future[None]], owner: str
    ) -> None:
        self._lane = lane
        self._owner = owner
        self._taking_back = taking_back
        self._part_bytes = limits.part_bytes
        self._write_bytes = min(limits.write_bytes, limits.part_bytes)
        self._retry_after = (("Retry-After", str(limits.retry_after_s)),)
        self._bucket = settings.current().bucket
        self._key = spool.new_key()
        self._size_bytes = 0
        self._filling = bytearray()
        """What the file has not got yet."""
        self._part: IO[bytes] | None = None
        self._written_bytes = 0
        """Length of the file."""
        self._running: Future[Any] | None = None
        """The one call, to the store or the file, that is on its way."""
        self._parts: list[CompletedPartTypeDef] = []
        self._upload_id: str | None = None
        self._kept = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept and self._running is not None:
            # The client may be gone and the task cancelled: taking back goes on nevertheless.
            task = asyncio.ensure_future(self._take_back())
            self._taking_back.add(task)
            task.add_done_callback(self._taking_back.discard)
            await asyncio.shield(task)
        elif self._part is not None:
            self._part.close()

    async def add(self, chunk: bytes | bytearray) -> None:
        """Take the next bytes; waits for the store when it is slower than the client.

        Raises:
            Refusal: the store failed (503) or is full (507).
        """
        self._filling += chunk
        self._size_bytes += len(chunk)
        while self._written_bytes + len(self._filling) > self._part_bytes:
            rest = self._filling[self._part_bytes - self._written_bytes :]
            del self._filling[self._part_bytes - self._written_bytes :]
            await self._send_part()
            self._filling = rest
        if len(self._filling) >= self._write_bytes:
            await self._call(self._write)

    async def finish(self) -> spool.Spooled:
        """Store the rest and return where the body lies.

        Raises:
            Refusal: the store failed (503) or is full (507).
        """
        if self._upload_id is None:
            await self._call(self._put_whole)
        else:
            await self._send_part()
            await self._call(self._complete)
        self._kept = True
        return spool.Spooled(self._key, self._size_bytes)

    async def _send_part(self) -> None:
        if self._upload_id is None:
            await self._call(self._create)
        await self._call(self._put_part)

    async def _call(self, call: Callable[[], None]) -> None:
        self._running = self._lane.submit(call, self._owner)
        try:
            await asyncio.wrap_future(self._running)
        except (ClientError, BotoCoreError, OSError) as error:
            _log.exception("a request's body could not be stored")
            if _is_full(error):
                message = "The service has no room left to store the request's body."
                raise Refusal(507, message) from error
            message = "The request's body could not be stored; please try again in a moment."
            raise Refusal(503, message, self._retry_after) from error

    def _create(self) -> None:
        answer = objects.client().create_multipart_upload(Bucket=self._bucket, Key=self._key)
        self._upload_id = answer["UploadId"]

    def _write(self) -> None:
        if self._part is None:
            self._part = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed with the upload
        rest = memoryview(self._filling)
        while rest:
            rest = rest[self._part.write(rest) :]
        self._written_bytes += len(self._filling)
        rest.release()
        self._filling = bytearray()

    def _collected(self) -> IO[bytes] | bytearray:
        """Return the part as it is to be stored: a file, unless all of it is in memory."""
        if self._part is None:
            return self._filling
        self._write()
        self._part.seek(0)
        return self._part

    def _put_part(self) -> None:
        assert self._upload_id is not None
        number = len(self._parts) + 1
        answer = objects.client().upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=self._collected(),  # type: ignore[arg-type]  # any buffer does
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._filling = bytearray()
        if self._part is not None:
            self._part.seek(0)
            self._part.truncate()
            self._written_bytes = 0

    def _complete(self) -> None:
        assert self._upload_id is not None
        objects.client().complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": self._parts},
        )

    def _put_whole(self) -> None:
        objects.client().put_object(Bucket=self._bucket, Key=self._key, Body=self._collected())  # type: ignore[arg-type]  # any buffer does
        if self._part is not None:
            self._part.close()

    async def _take_back(self) -> None:
        if self._running is not None:
            # A part that arrives after the abort would stay for ever. Failures were reported already.
            with contextlib.suppress(ClientError, BotoCoreError, OSError, asyncio.CancelledError):
                await asyncio.wrap_future(self._running)
        if self._part is not None:
            self._part.close()
        try:
            await self._lane.run(self._erase, self._owner)
        except (ClientError, BotoCoreError, LaneFull):
            _log.warning("the unfinished body %s could not be taken back", self._key, exc_info=True)

    def _erase(self) -> None:
        if self._upload_id is not None:
            with contextlib.suppress(objects.client().exceptions.NoSuchUpload):
                objects.client().abort_multipart_upload(
                    Bucket=self._bucket, Key=self._key, UploadId=self._upload_id
                )
        objects.delete(self._key)  # the last call may have succeeded with its answer lost


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return error.response["Error"]["Code"] in _NO_ROOM_CODES or status == 507
    return False
