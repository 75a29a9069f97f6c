"""Reads an HTTP request as the AWS API call that it is: service, operation and input, by botocore's own service models."""

import re
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Request

# Signing names that are not botocore's name of the service.
SERVICE_BY_SIGNING_NAME = {
    'elasticloadbalancing': 'elbv2',
    'access-analyzer': 'accessanalyzer',
    'monitoring': 'cloudwatch',
    'states': 'stepfunctions',
    'sso': 'sso-admin',
    'servicequotas': 'service-quotas',
    'tagging': 'resourcegroupstaggingapi',
    'ses': 'sesv2',
    'eventbridge': 'events',
}
# Services whose IAM prefix is not their signing name; the service authorization reference lists the prefixes.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
PREFIX_BY_SIGNING_NAME = {'monitoring': 'cloudwatch', 'tagging': 'tag', 'eventbridge': 'events'}

_CREDENTIAL = re.compile(r'Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request')


@dataclass
class ApiCall:
    """One call: `service` is botocore's name of it, `prefix` the prefix of its IAM actions, `operation` the SDK's name
    ('' when the request matches none), `parameters` its input by the SDK's names."""

    service: str
    prefix: str
    operation: str
    region: str
    protocol: str
    access_key: str
    session_token: str | None
    headers: EnvironHeaders
    source_ip: str
    parameters: dict[str, Any] = field(default_factory=dict)


def buffer_body(environ: dict[str, Any]) -> bytes:
    """Reads the request body and puts it back, so that moto reads it again."""
    stream = environ['wsgi.input']
    length = environ.get('CONTENT_LENGTH')
    if length:
        body = stream.read(int(length))
    else:
        body = stream.read() if environ.get('wsgi.input_terminated') else b''
    environ['wsgi.input'] = BytesIO(body)
    return body


def read_call(environ: dict[str, Any], body: bytes) -> ApiCall:
    """The call that a WSGI request makes. An unsigned request is read as S3, as moto does; a service that botocore does
    not know has no operation."""
    request = Request(environ)
    headers = request.headers
    access_key, region, signing_name = credential_scope(request)
    target = headers.get('X-Amz-Target', '')
    service = _service_name(signing_name, target, request.path)
    call = ApiCall(
        service=service,
        prefix=PREFIX_BY_SIGNING_NAME.get(signing_name, signing_name),
        operation='',
        region=region,
        protocol='json',
        access_key=access_key,
        session_token=headers.get('X-Amz-Security-Token') or request.args.get('X-Amz-Security-Token'),
        headers=headers,
        source_ip=request.remote_addr or '127.0.0.1',
    )
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return call
    call.protocol = _protocol(model.metadata, headers.get('Content-Type', ''))
    uri: dict[str, str] = {}
    if target:
        call.operation = target.rpartition('.')[2]
    elif call.protocol in ('query', 'ec2'):
        call.operation = request.values.get('Action', '')
        # Reading the form took the body from the stream.
        environ['wsgi.input'] = BytesIO(body)
    elif '/operation/' in request.path and call.protocol == 'smithy-rpc-v2-cbor':
        call.operation = request.path.rpartition('/')[2]
    else:
        call.operation, uri = _route(service, request)
    if call.operation not in model.operation_names:
        call.operation = ''
        return call
    operation = model.operation_model(call.operation)
    parser = PROTOCOL_PARSERS.get(call.protocol)
    if parser and operation.input_shape:
        call.parameters = parser(operation).parse(
            {
                'method': request.method,
                'values': request.values,
                'headers': headers,
                'body': b'' if operation.has_streaming_input else body,
                'url_path': request.path,
                'url_params': uri,
            }
        )
    environ['wsgi.input'] = BytesIO(body)
    return call


def credential_scope(request: Request) -> tuple[str, str, str]:
    """The access key, Region and signing name that a request was signed with; an unsigned one is taken for S3's."""
    authorization = request.headers.get('Authorization', '')
    match = _CREDENTIAL.search(authorization)
    if match:
        return match[1], match[2], match[3].lower()
    presigned = request.args.get('X-Amz-Credential', '').split('/')
    if len(presigned) == 5:
        return presigned[0], presigned[2], presigned[3].lower()
    return '', 'us-east-1', 's3'


def _service_name(signing_name: str, target: str, path: str) -> str:
    if signing_name == 'dynamodb' and target.startswith('DynamoDBStreams'):
        return 'dynamodbstreams'
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
    if signing_name == 's3' and path.startswith('/v20180820/'):
        return 's3control'
    return SERVICE_BY_SIGNING_NAME.get(signing_name, signing_name)


def _protocol(metadata: dict[str, Any], content_type: str) -> str:
    supported = metadata.get('protocols', [metadata['protocol']])
    if len(supported) > 1 and content_type.startswith('application/x-www-form-urlencoded'):
        return 'query'
    if len(supported) > 1 and content_type.startswith('application/x-amz-json'):
        return 'json'
    return metadata['protocol']


@dataclass
class Route:
    """How one REST operation is told from the others."""

    operation: str
    path: re.Pattern[str]
    literals: dict[str, str]
    required_query: list[str]
    required_headers: list[str]
    rank: int


@cache
def _routes(service: str) -> dict[str, list[Route]]:
    model = get_service_model(service)
    routes: dict[str, list[Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http['requestUri'].partition('?')
        literals = dict(part.partition('=')[::2] for part in query.split('&') if part and part != 'x-id')
        required = _required_members(operation)
        queries = [member for location, member in required if location == 'querystring']
        headers = [member for location, member in required if location == 'header']
        rank = 100 * (len(literals) + len(queries) + len(headers)) + len(re.sub(r'\{[^}]*\}', '', path))
        routes.setdefault(operation.http['method'], []).append(
            Route(name, _path_pattern(path), literals, queries, headers, rank)
        )
    for group in routes.values():
        group.sort(key=lambda route: -route.rank)
    return routes


def _required_members(operation: OperationModel) -> list[tuple[str, str]]:
    shape = operation.input_shape
    if shape is None:
        return []
    members = [(shape.members[name].serialization, name) for name in shape.required_members]
    return [(where.get('location', 'body'), where.get('name', name)) for where, name in members]


def _path_pattern(template: str) -> re.Pattern[str]:
    pattern = ''
    for part in re.split(r'(\{[^}]+\})', template.rstrip('/')):
        if part.endswith('+}'):
            pattern += f'(?P<{_group(part[1:-2])}>.+)'
        elif part.startswith('{'):
            pattern += f'(?P<{_group(part[1:-1])}>[^/]+)'
        else:
            pattern += re.escape(part)
    return re.compile(pattern + '/?')


def _group(name: str) -> str:
    return name.replace('-', '_')


def _route(service: str, request: Request) -> tuple[str, dict[str, str]]:
    # The raw path keeps an encoded slash inside an ARN apart from those between the parts.
    path = request.environ.get('RAW_URI', request.path).partition('?')[0]
    for route in _routes(service).get(request.method, []):
        if any(request.args.get(key) != value for key, value in route.literals.items()):
            continue
        if any(name not in request.args for name in route.required_query):
            continue
        if any(name not in request.headers for name in route.required_headers):
            continue
        match = route.path.fullmatch(path)
        if match:
            return route.operation, match.groupdict()
    return '', {}
