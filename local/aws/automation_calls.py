"""SSM Automation: the calls that an execution makes, as requests to this cloud, where IAM is asked about them.

An execution acts in the role of its document, or else as whoever started it.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup.html
"""

import os
from functools import cached_property
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import UnknownServiceError

from automation_values import plain
from principals import Caller, Credentials, Session, forward


class NoSuchOperation(ValueError):
    """A service or an operation that the SDK does not know, or whose input or answer is a stream."""


class Calls:
    """Calls in an account and Region, with the credentials of a session or of a caller."""

    def __init__(self, by: Session | Caller, region: str):
        self.credentials = Credentials(by.access_key, by.secret, by.token) if isinstance(by, Session) else forward(by)
        self.region = region
        self._clients: dict[str, BaseClient] = {}

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            self.credentials.access_key, self.credentials.secret, self.credentials.token, region_name=self.region
        )

    def environment(self) -> dict[str, str]:
        """What the SDK of another process takes credentials, Region and endpoint from."""
        return {
            'AWS_ACCESS_KEY_ID': self.credentials.access_key,
            'AWS_SECRET_ACCESS_KEY': self.credentials.secret,
            'AWS_SESSION_TOKEN': self.credentials.token,
            'AWS_DEFAULT_REGION': self.region,
            'AWS_REGION': self.region,
            'AWS_ENDPOINT_URL': _endpoint(),
            'AWS_DISABLE_HOST_PREFIX_INJECTION': 'true',
            'AWS_EC2_METADATA_DISABLED': 'true',
        }

    def client(self, service: str, **config: Any) -> BaseClient:
        """A client of a service. Raises NoSuchOperation."""
        settings = {'retries': {'total_max_attempts': 3}, 'proxies': {}, 'inject_host_prefix': False, **config}
        try:
            return self._session.client(service, endpoint_url=_endpoint(), config=Config(**settings))
        except UnknownServiceError as error:
            raise NoSuchOperation(f'Unknown service: {service}') from error

    def call(self, service: str, api: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """What an operation answers, as JSON has it. Raises NoSuchOperation, and botocore's errors."""
        # To make one takes longer than a call.
        client = self._clients[service] = self._clients.get(service) or self.client(service)
        wanted = api.replace('_', '').lower()
        model = client.meta.service_model
        operation = next((name for name in model.operation_names if name.lower() == wanted), None)
        if operation is None:
            raise NoSuchOperation(f'{service} has no operation {api}')
        shape = model.operation_model(operation)
        if shape.has_streaming_output or shape.has_streaming_input:
            raise NoSuchOperation(f'{service}:{operation} is a streaming operation, which is not supported')
        answer = client._make_api_call(operation, parameters)
        return plain({key: value for key, value in answer.items() if key != 'ResponseMetadata'})


def _endpoint() -> str:
    return f'http://127.0.0.1:{os.environ["MOTO_PORT"]}'
