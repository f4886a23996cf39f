from __future__ import annotations

from typing import Any, Mapping, Optional


class KillTrackerError(Exception):
    """What the server, or the way to it, refused.

    ``code`` is as documented, for example ``VALIDATION_ERROR``; ``NO_ANSWER`` where none came.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        status: Optional[int] = None,
        details: Optional[Mapping[str, Any]] = None,
        request_id: Optional[str] = None,
        retry_after: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
        self.request_id = request_id
        #: Seconds.
        self.retry_after = retry_after
