"""AWS managed policies, each loaded into an account when it is first named.

moto has the documents of all but loads either every one or none, for each account by itself and again at each reset,
which takes longer than the whole start. ListPolicies therefore lists only those that the account has used.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html
"""

import functools
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend


@functools.cache
def _documents() -> dict[str, dict[str, Any]]:
    return json.loads(aws_managed_policies_data)


def load(backend: IAMBackend, arn: str) -> None:
    """Makes the AWS managed policy of this ARN known to an account, if there is one."""
    name = arn.rpartition('/')[2]
    if arn in backend.managed_policies or not arn.startswith('arn:aws:iam::aws:policy/') or name not in _documents():
        return
    policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, _documents()[name])
    if policy.arn == arn:
        backend.managed_policies[arn] = policy
        backend.aws_managed_policies.append(policy)


def _loading(method: Any) -> Any:
    @functools.wraps(method)
    def wrapper(backend: IAMBackend, policy_arn: str, *rest: Any, **named: Any) -> Any:
        load(backend, policy_arn)
        return method(backend, policy_arn, *rest, **named)

    return wrapper


for _name in ('attach_group_policy', 'attach_role_policy', 'attach_user_policy', 'get_policy', 'get_policy_version'):
    setattr(IAMBackend, _name, _loading(getattr(IAMBackend, _name)))
