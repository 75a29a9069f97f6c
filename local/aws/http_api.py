"""Amazon API Gateway, HTTP APIs: requests to an API's endpoint, by which it runs a Lambda function.

Facts supplied, where moto answers no request to an HTTP API:
- Its endpoint is an address that answers: `/firebreak/execute-api/{api id}` of the embedded cloud, the stage `$default`.
- The most specific route is taken. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
- On a route with AWS_IAM, the request is signed for `execute-api` and IAM lets the caller do `execute-api:Invoke`; there is
  no resource policy. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
  The signature is checked, since the client of an HTTP API signs by itself.
- The function's own policy admits API Gateway, or the answer is 500.
  https://repost.aws/knowledge-center/api-gateway-http-lambda-integrations
- The function gets and answers payload format 2.0: http_api_payload.py.
- 10 MB and 30 seconds. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
"""

import json
import os
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2.models import Api, Integration, Route, apigatewayv2_backends
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from werkzeug.wrappers import Request, Response

import doors
from api_call import ApiCall, credential_scope
from errors import render
from http_api_payload import STAGE, event, response
from policy import Principal, resource_policy_allows
from principals import BadCredentials, Caller
from resources import Access
from runner import RunnerError, TimedOut, run
from signatures import is_signed

SERVICE = 'execute-api'
PREFIX = f'{doors.PREFIX}/{SERVICE}/'
PAYLOAD_BYTES = 10 * 1_048_576
API_GATEWAY = Principal('', '', service='apigateway.amazonaws.com')

init_api_as_moto = Api.__init__


def endpoint(api_id: str) -> str:
    """Where an API answers."""
    return f'http://127.0.0.1:{os.environ["MOTO_PORT"]}{PREFIX}{api_id}'


@dataclass(kw_only=True)
class Invocation(ApiCall):
    """A request to an API as a call of `execute-api:Invoke`. `path` is what follows the endpoint, decoded; `target` what the
    client sent. Without `api` or `route` it leads nowhere."""

    id: str
    account: str
    api: Api | None
    route: Route | None
    arguments: dict[str, str]
    method: str
    path: str
    query: str
    target: str
    body: bytes

    @property
    def needs_iam(self) -> bool:
        return self.route is not None and self.route.authorization_type == 'AWS_IAM'

    def refusal(self) -> Response | None:
        """The answer to what is refused whoever asks."""
        if len(self.body) > PAYLOAD_BYTES:
            return render(self, 413, 'RequestEntityTooLarge', 'Request Entity Too Large')
        return None if self.route else render(self, 404, 'NotFound', 'Not Found')

    def check_signature(self, caller: Caller) -> None:
        """Raises BadCredentials where the route needs a signature and the request has none that is right.

        The signature of root is taken on trust: nobody knows the secret that it goes with."""
        if not self.needs_iam:
            return
        secret = caller.secret(self.access_key)
        given = (self.method, self.target, self.headers, self.body)
        if caller.anonymous or (secret and not is_signed(*given, secret, SERVICE, self.region)):
            raise BadCredentials('invalid')

    def accesses(self) -> list[Access]:
        """The question to IAM, if the route has one."""
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
        return [Access('execute-api:Invoke', self._arn(f'{self.method}{self.path}'))] if self.needs_iam else []

    def answer(self, caller: Caller) -> Response:
        """Runs the function of the route."""
        integration = self._integration()
        function = _function(integration) if integration else None
        if integration is None or function is None or not self._admitted_by(function):
            return self._failed()
        try:
            outcome = run(function.function_arn, json.dumps(event(self, caller)), integration.timeout_in_millis / 1_000)
        except TimedOut:
            return render(self, 503, 'ServiceUnavailable', 'Service Unavailable')
        except RunnerError:
            return self._failed()
        return (None if outcome.error else response(self.id, outcome.payload)) or self._failed()

    def _failed(self) -> Response:
        return render(self, 500, 'InternalServerError', 'Internal Server Error')

    def _arn(self, end: str) -> str:
        return f'arn:aws:execute-api:{self.region}:{self.account}:{self.api.api_id}/{STAGE}/{end}'

    def _integration(self) -> Integration | None:
        return self.api.integrations.get((self.route.target or '').removeprefix('integrations/'))

    def _admitted_by(self, function: LambdaFunction) -> bool:
        # The source is the route, its parameters unfilled. https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
        method, _, path = self.route.route_key.partition(' ')
        source = self._arn(f'{"*" if method == "ANY" else method}{path}')
        context = {'aws:sourcearn': [source], 'aws:sourceaccount': [self.account]}
        policy = json.dumps({'Statement': function.policy.statements})
        return resource_policy_allows(policy, API_GATEWAY, 'lambda:InvokeFunction', function.function_arn, context)


def serves(path: str) -> bool:
    """Whether a request of this path is one to an HTTP API."""
    return path.startswith(PREFIX)


def read_invocation(environ: dict[str, Any], body: bytes) -> Invocation:
    """The call that a request to an API's endpoint makes."""
    request = Request(environ)
    target = environ.get('RAW_URI', request.full_path)
    encoded, _, query = target.partition('?')
    api_id, slash, rest = encoded.removeprefix(PREFIX).partition('/')
    account, region, api = _find(api_id)
    route, arguments = _match(api, request.method, slash + rest) if api and STAGE in api.stages else (None, {})
    return Invocation(
        service=SERVICE,
        prefix=SERVICE,
        operation='Invoke',
        region=region,
        protocol='http-api',
        access_key=credential_scope(request)[0],
        session_token=request.headers.get('X-Amz-Security-Token'),
        headers=request.headers,
        source_ip=request.remote_addr or '127.0.0.1',
        id=str(uuid.uuid4()),
        account=account,
        api=api,
        route=route,
        arguments=arguments,
        method=request.method,
        path=unquote(slash + rest) or '/',
        query=query,
        target=target,
        body=body,
    )


def _find(api_id: str) -> tuple[str, str, Api | None]:
    for account, regions in list(apigatewayv2_backends.items()):
        for region, backend in list(regions.items()):
            if api_id in backend.apis:
                return account, region, backend.apis[api_id]
    return '', '', None


def _match(api: Api, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """The most specific route of a method and an encoded path, with its path parameters."""
    found = []
    for route in list(api.routes.values()):
        key_method, _, template = route.route_key.partition(' ')
        names = re.findall(r'\{([^}]+)\}', template)
        match = re.fullmatch(_pattern(template), path or '/')
        if route.route_key == STAGE:
            found.append(((2, 0, 0), route, {}))
        elif match and key_method in (method, 'ANY'):
            rank = (int(template.endswith('+}')), len(names), int(key_method == 'ANY'))
            found.append((rank, route, {name.rstrip('+'): unquote(value) for name, value in zip(names, match.groups())}))
    _, route, arguments = min(found, key=lambda each: each[0], default=(None, None, {}))
    return route, arguments


def _pattern(template: str) -> str:
    parts = re.split(r'(\{[^}]+\})', template)
    return ''.join(
        '(.+)' if part.endswith('+}') else '([^/]+)' if part.startswith('{') else re.escape(part) for part in parts
    )


def _function(integration: Integration) -> LambdaFunction | None:
    """The function that an integration names, by its ARN or by the URI that holds it."""
    found = re.search(r'arn:aws:lambda:([^:]+):(\d+):function:[^/]+', integration.integration_uri)
    if not found:
        return None
    try:
        return lambda_backends[found[2]][found[1]].get_function(found[0])
    except UnknownFunctionException:
        return None


def init_api(api: Api, *arguments: Any, **named: Any) -> None:
    """Replaces Api.__init__."""
    init_api_as_moto(api, *arguments, **named)
    api.api_endpoint = endpoint(api.api_id)


Api.__init__ = init_api
