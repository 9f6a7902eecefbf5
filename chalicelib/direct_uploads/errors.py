"""What is refused about uploads, in words for their users."""

from __future__ import annotations


class UnknownUpload(LookupError):
    """The owner has no such upload, or it has expired."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            f"upload not found: there is no upload '{upload_id[:100]}', or it has expired. "
            "Make one with POST /v1/uploads, and send its bytes to its URL."
        )


class NotYetThere(Exception):
    """An upload is named before its bytes have come."""

    def __init__(self, upload_id: str, size_bytes: int) -> None:
        super().__init__(
            f"Nothing has come for the upload '{upload_id}' yet: send its {size_bytes} bytes to its URL, "
            "then send this request again."
        )


class MismatchedUpload(Exception):
    """What has come for an upload is not what was announced."""

    def __init__(self, upload_id: str, announced_bytes: int, size_bytes: int) -> None:
        super().__init__(
            f"What has come for the upload '{upload_id}' is not what was announced ({size_bytes} bytes in "
            f"place of {announced_bytes}, or others), and is thrown away. Send the right bytes to its URL, "
            "or make another upload with POST /v1/uploads."
        )


class TooManyUploads(Exception):
    """The owner has announced as many uploads, or as much, as one may."""

    retry_after_s = 60

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} Remove those that you have used with DELETE /v1/uploads/{{upload_id}}; each goes by "
            "itself a day after it was made."
        )


class RefusedByUrl(Exception):
    """A request to the URL of an upload is not what that URL allows.

    Attributes:
        status: of HTTP, as S3 would answer it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
