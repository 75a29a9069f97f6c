"""The WSGI application of the embedded cloud: its own doors; moto and HTTP APIs behind identification, faults, IAM and log."""

import functools
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

import calls
import doors
import errors
import faults
import http_api
import own_operations
from api_call import ApiCall, buffer_body, read_call
from authorization import AccessDenied, asked, authorize
from principals import BadCredentials, Caller, current_caller, identify
from resources import Access

Environment = dict[str, Any]


class Dispatcher(DomainDispatcherApplication):
    """Looks up the service of a host once: moto lists its own folder for each request, under a lock that all wait for."""

    get_backend_for_host = functools.cache(DomainDispatcherApplication.get_backend_for_host)


class QuietHandler(WSGIRequestHandler):
    """Serves without a line per request, and keeps connections open as AWS does."""

    protocol_version = 'HTTP/1.1'

    def log_request(self, code: Any = '-', size: Any = '-') -> None:
        pass


class Gate:
    """Every request passes here; AWS calls are identified, disturbed, authorised and logged, in this order."""

    def __init__(self) -> None:
        self.moto = Dispatcher(create_backend_app)

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '')
        if path.startswith(doors.PREFIX + '/') and not http_api.serves(path):
            buffer_body(environ)
            return doors.answer(environ)(environ, start_response)
        if path.startswith('/moto-api/'):
            response = self._moto(environ)
            if path == '/moto-api/reset':
                doors.run_reset()
            return response(environ, start_response)
        try:
            response = self._call(environ)
        except faults.Dropped:
            faults.drop(environ['werkzeug.socket'])
            raise
        return response(environ, start_response)

    def _call(self, environ: Environment) -> Response:
        started = time.time()
        read = http_api.read_invocation if http_api.serves(environ.get('PATH_INFO', '')) else read_call
        call = read(environ, buffer_body(environ))
        entry = calls.Call(started, call.service, call.operation, call.region)
        try:
            response = self._answer(environ, call, entry)
            entry.status = response.status_code
            if response.status_code >= 400:
                entry.error = errors.error_code(list(response.headers), response.get_data())
            return response
        except faults.Dropped:
            entry.error = 'ConnectionDropped'
            raise
        finally:
            entry.duration = round(1000 * (time.time() - started), 3)
            calls.record(entry)

    def _answer(self, environ: Environment, call: ApiCall, entry: calls.Call) -> Response:
        invocation = call if isinstance(call, http_api.Invocation) else None
        refused = invocation and invocation.refusal()
        if refused:
            return refused
        try:
            caller = identify(call)
            if invocation:
                invocation.check_signature(caller)
        except BadCredentials as error:
            entry.decision = 'denied'
            return errors.bad_credentials(call, error.kind)
        questions = invocation.accesses() if invocation else asked(call, caller)
        entry.account, entry.principal = caller.account, caller.label
        entry.actions = list(dict.fromkeys(access.action for access in questions))
        entry.resources = list(dict.fromkeys(access.resource for access in questions))

        def disturb(phase: str, answer: Response | None = None) -> Response | None:
            return faults.apply(phase, call, entry, environ['werkzeug.socket'], answer)

        return disturb('before') or self._authorized(environ, call, caller, questions, entry, disturb)

    def _authorized(
        self,
        environ: Environment,
        call: ApiCall,
        caller: Caller,
        questions: list[Access],
        entry: calls.Call,
        disturb: Callable[..., Response | None],
    ) -> Response:
        try:
            authorize(call, caller, questions)
        except AccessDenied as error:
            entry.decision = 'denied'
            return errors.access_denied(call, str(error))
        environ['HTTP_X_MOTO_ACCOUNT_ID'] = acting_account(call, caller, questions)
        token = current_caller.set(caller)
        try:
            if isinstance(call, http_api.Invocation):
                response = call.answer(caller)
            elif own_operations.serves(call):
                response = own_operations.answer(call, caller)
            else:
                response = self._moto(environ)
        except NotImplementedError as error:
            # Not a status that SDKs retry.
            response = errors.render(call, 501, 'NotImplemented', str(error))
        except Exception as error:
            traceback.print_exc()
            response = errors.render(call, 500, 'InternalFailure', repr(error))
        finally:
            current_caller.reset(token)
        entry.status = response.status_code
        return disturb('after', response) or response

    def _moto(self, environ: Environment) -> Response:
        body, status, headers = run_wsgi_app(self.moto, environ, buffered=True)
        return Response(body, status, headers)


def acting_account(call: ApiCall, caller: Caller, questions: list[Access]) -> str:
    """The account whose state moto is to use: the caller's, or the owner's of the queue that a caller was let into."""
    if call.service == 'sqs' and caller.checked and questions:
        owner = questions[0].resource.split(':')[4:5]
        return owner[0] if owner and owner[0].isdigit() else caller.account
    return caller.account
