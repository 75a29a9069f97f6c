"""Payload format 2.0, in which an HTTP API and a Lambda function speak.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
An HTTP API decodes `rawPath`, and leaves `rawQueryString` as it was sent: https://github.com/hotsock/voker/pull/8
"""

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Response

from organization import organization_id
from principals import Caller

if TYPE_CHECKING:
    from http_api import Invocation

STAGE = '$default'
_TEXT = re.compile(r'text/.*|application/(json|javascript|xml|.*\+json|.*\+xml)')


def event(call: 'Invocation', caller: Caller) -> dict[str, Any]:
    """What the function gets."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    cookies = headers.pop('cookie', None)
    query: dict[str, str] = {}
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        query[name] = f'{query[name]},{value}' if name in query else value
    optional = {
        'cookies': re.split(r';\s*', cookies) if cookies else None,
        'queryStringParameters': query,
        'pathParameters': call.arguments,
    }
    return {
        'version': '2.0',
        'routeKey': call.route.route_key,
        'rawPath': call.path,
        'rawQueryString': call.query,
        'headers': headers,
        **{name: value for name, value in optional.items() if value},
        'requestContext': _context(call, caller, headers.get('user-agent', '')),
        **_body(call.body, headers),
    }


def _context(call: 'Invocation', caller: Caller, user_agent: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        'accountId': call.account,
        'apiId': call.api.api_id,
        **({'authorizer': {'iam': _identity(call, caller)}} if call.needs_iam else {}),
        'domainName': f'{call.api.api_id}.execute-api.{call.region}.amazonaws.com',
        'domainPrefix': call.api.api_id,
        'http': {
            'method': call.method,
            'path': call.path,
            'protocol': 'HTTP/1.1',
            'sourceIp': call.source_ip,
            'userAgent': user_agent,
        },
        'requestId': call.id,
        'routeKey': call.route.route_key,
        'stage': STAGE,
        'time': f'{now:%d/%b/%Y:%H:%M:%S +0000}',
        'timeEpoch': int(now.timestamp() * 1_000),
    }


def _identity(call: 'Invocation', caller: Caller) -> dict[str, str | None]:
    return {
        'accessKey': call.access_key,
        'accountId': caller.account,
        'callerId': caller.user_id,
        'cognitoIdentity': None,
        'principalOrgId': organization_id(caller.account),
        'userArn': caller.principal.arn,
        'userId': caller.user_id,
    }


def _body(body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    if not body:
        return {'isBase64Encoded': False}
    kind = headers.get('content-type', 'text/plain').partition(';')[0].strip().lower()
    if _TEXT.fullmatch(kind) and 'content-encoding' not in headers:
        return {'body': body.decode('utf-8', 'replace'), 'isBase64Encoded': False}
    return {'body': base64.b64encode(body).decode(), 'isBase64Encoded': True}


def response(request_id: str, payload: str) -> Response | None:
    """What the client gets for a function's answer, as JSON text; None where that is no response."""
    result = json.loads(payload)
    told = {'apigw-requestid': request_id}
    if not isinstance(result, dict) or 'statusCode' not in result:
        return Response(result if isinstance(result, str) else payload, 200, told, content_type='application/json')
    body, headers, cookies = result.get('body') or '', result.get('headers') or {}, result.get('cookies') or []
    try:
        status = int(result['statusCode'])
        content = base64.b64decode(body, validate=True) if result.get('isBase64Encoded') else body.encode()
        answer = Response(content, status, told, content_type='text/plain;charset=UTF-8')
        for name, value in headers.items():
            answer.headers[name.lower()] = str(value)
        for cookie in cookies:
            answer.headers.add('set-cookie', cookie)
    except (ValueError, TypeError, AttributeError):
        return None
    return answer
