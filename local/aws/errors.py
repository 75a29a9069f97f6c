"""Error answers in the protocol of each service, with the code that the service itself uses.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

import json
import uuid
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from api_call import ApiCall


def render(call: ApiCall, status: int, code: str, message: str, **members: Any) -> Response:
    """An error answer as the call's SDK expects it; in JSON, with other members that the service's error has."""
    request_id = str(uuid.uuid4())
    if call.service == 'execute-api':
        text = json.dumps({'message': message})
        return Response(text, status, {'apigw-requestid': request_id}, content_type='application/json')
    detail = f'<Code>{escape(code)}</Code><Message>{escape(message)}</Message>'
    if call.protocol == 'ec2':
        body = f'<Response><Errors><Error>{detail}</Error></Errors><RequestID>{request_id}</RequestID></Response>'
    elif call.service == 's3':
        body = f'<Error>{detail}<RequestId>{request_id}</RequestId></Error>'
    elif call.protocol in ('query', 'rest-xml'):
        error = f'<Error><Type>Sender</Type>{detail}</Error>'
        body = f'<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>'
    else:
        headers = {'x-amzn-RequestId': request_id, 'x-amzn-ErrorType': code}
        if call.service == 'sqs':
            # SQS keeps the codes of its former query protocol in this header.
            # https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
            headers['x-amzn-query-error'] = f'{code};Sender'
        content_type = 'application/json' if call.protocol == 'rest-json' else 'application/x-amz-json-1.1'
        text = json.dumps({'__type': code, 'message': message, **members})
        return Response(text, status=status, headers=headers, content_type=content_type)
    headers = {'x-amz-request-id': request_id, 'x-amzn-RequestId': request_id}
    return Response('<?xml version="1.0" encoding="UTF-8"?>\n' + body, status, headers, content_type='text/xml')


def access_denied(call: ApiCall, sentence: str) -> Response:
    """The refusal of IAM. EC2 has a code of its own:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    if call.service == 'execute-api':
        return render(call, 403, 'Forbidden', 'Forbidden')
    if call.protocol == 'ec2':
        return render(call, 403, 'UnauthorizedOperation', f'You are not authorized to perform this operation. {sentence}')
    if call.service == 'sns':
        return render(call, 403, 'AuthorizationError', sentence)
    if call.protocol in ('query', 'rest-xml') or call.service == 'sqs':
        return render(call, 403, 'AccessDenied', sentence)
    return render(call, 403 if call.protocol == 'rest-json' else 400, 'AccessDeniedException', sentence)


def bad_credentials(call: ApiCall, kind: str) -> Response:
    """The refusal of an unknown or inactive key (`invalid`), or of an `expired` session.
    https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    if call.service == 'execute-api':
        return render(call, 403, 'Forbidden', 'Forbidden')
    expired = kind == 'expired'
    if call.protocol == 'ec2':
        if expired:
            return render(call, 400, 'RequestExpired', 'Request has expired.')
        return render(call, 401, 'AuthFailure', 'AWS was not able to validate the provided access credentials')
    if call.service == 's3':
        if expired:
            return render(call, 400, 'ExpiredToken', 'The provided token has expired.')
        message = 'The AWS Access Key Id you provided does not exist in our records.'
        return render(call, 403, 'InvalidAccessKeyId', message)
    message = f'The security token included in the request is {"expired" if expired else "invalid"}'
    if call.protocol in ('query', 'rest-xml') or call.service == 'sqs':
        return render(call, 403, 'ExpiredToken' if expired else 'InvalidClientTokenId', message)
    code = 'ExpiredTokenException' if expired else 'UnrecognizedClientException'
    return render(call, 403 if call.protocol == 'rest-json' else 400, code, message)


def throttled(call: ApiCall) -> Response:
    """The answer to a call above the service's rate.
    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html"""
    if call.protocol == 'ec2':
        return render(call, 503, 'RequestLimitExceeded', 'Request limit exceeded.')
    if call.service == 's3':
        return render(call, 503, 'SlowDown', 'Please reduce your request rate.')
    if call.service == 'execute-api':
        return render(call, 429, 'TooManyRequests', 'Too Many Requests')
    if call.service in ('lambda', 'securityhub'):
        return render(call, 429, 'TooManyRequestsException', 'Rate exceeded')
    if call.protocol in ('query', 'rest-xml'):
        return render(call, 400, 'Throttling', 'Rate exceeded')
    return render(call, 429 if call.protocol == 'rest-json' else 400, 'ThrottlingException', 'Rate exceeded')


def error_code(headers: list[tuple[str, str]], body: bytes) -> str | None:
    """The AWS error code in an error answer, or None where it carries none."""
    named = next((value for key, value in headers if key.lower() == 'x-amzn-errortype'), None)
    if named:
        return named.split(':')[0]
    text = body.decode('utf-8', 'replace')
    if text.lstrip().startswith('<'):
        _, found, rest = text.partition('<Code>')
        return rest.partition('</Code>')[0] if found else None
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    code = answer.get('__type') or answer.get('code') or answer.get('Code') if isinstance(answer, dict) else None
    return str(code).rpartition('#')[2] if code else None
