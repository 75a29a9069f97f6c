"""Pages of a list answer, for operations whose MaxResults or MaxRecords moto ignores."""

import base64
import binascii


class InvalidToken(ValueError):
    """A token that no earlier page gave."""


def page(items: list, limit: int | None, token: str | None) -> tuple[list, str | None]:
    """At most `limit` (default: all) of `items` from where `token` points to, and the token of the page after it."""
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise InvalidToken(token) from error
    end = start + (limit or len(items))
    return items[start:end], base64.b64encode(str(end).encode()).decode() if end < len(items) else None
