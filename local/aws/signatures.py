"""Signature Version 4 of a request, checked as AWS checks it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# How far the time of a request may be from AWS's.
SECONDS = 5 * 60
_AUTHORIZATION = re.compile(
    r'AWS4-HMAC-SHA256 Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request,\s*'
    r'SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})'
)


def is_signed(
    method: str, target: str, headers: Mapping[str, str], body: bytes, secret: str, service: str, region: str
) -> bool:
    """Whether the Authorization header is the signature of this request, for a service in a Region, with a secret.

    `target` is the encoded path and query as they were sent."""
    found = _AUTHORIZATION.fullmatch(headers.get('Authorization', ''))
    date = headers.get('X-Amz-Date', '')
    digest = hashlib.sha256(body).hexdigest()
    if not found or found.group(2, 3) != (region, service) or not _is_now(date):
        return False
    names = found[4].split(';')
    if 'host' not in names or headers.get('X-Amz-Content-Sha256', digest) != digest:
        return False
    signed = {name: headers.get(name, '') for name in names}
    request = AWSRequest(method, f'http://{signed["host"]}{target}', signed, body)
    request.context['timestamp'] = date
    signer = SigV4Auth(Credentials(found[1], secret), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return signer.signature(text, request) == found[5]


def _is_now(date: str) -> bool:
    try:
        moment = datetime.strptime(date, '%Y%m%dT%H%M%SZ').replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs((datetime.now(UTC) - moment).total_seconds()) <= SECONDS
