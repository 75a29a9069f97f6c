"""Amazon RDS: sharing of DB snapshots and DB cluster snapshots.

Facts supplied, where moto differs:
- A snapshot of the account is named by its identifier or its ARN, one of another account by its ARN.
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html
- SnapshotType public and shared, IncludePublic and IncludeShared list snapshots of other accounts, in pages.
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterSnapshots.html
- An automated snapshot is not shared, an encrypted one not with everyone, and nobody is on the list twice.
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBClusterSnapshotNotFoundError,
    DBSnapshotNotFoundFault,
    InvalidDBClusterSnapshotStateFault,
    InvalidParameterValue,
    RDSClientError,
)
from moto.rds.models import DBClusterSnapshot, DBSnapshot, RDSBackend, SnapshotAttributesMixin, rds_backends
from moto.rds.responses import RDSResponse

from pages import InvalidToken, page

EVERYONE = 'all'
PAGE_SIZE = 100

describe_own_instance_snapshots = RDSBackend.describe_db_snapshots
describe_own_cluster_snapshots = RDSBackend.describe_db_cluster_snapshots
modify_attribute_as_moto = SnapshotAttributesMixin.modify_attribute


class InvalidDBSnapshotState(RDSClientError):
    """The snapshot is of a kind, or in a state, that does not allow the change."""

    def __init__(self, message: str):
        super().__init__('InvalidDBSnapshotState', message)


@dataclass(frozen=True)
class Kind:
    """The names by which instance snapshots and cluster snapshots differ in the API and in moto."""

    model: type
    identifier: str
    parent: str
    listed: str
    describe_own: Callable
    not_found: Callable


INSTANCE = Kind(
    DBSnapshot,
    'DBSnapshotIdentifier',
    'DBInstanceIdentifier',
    'DBSnapshots',
    describe_own_instance_snapshots,
    DBSnapshotNotFoundFault,
)
CLUSTER = Kind(
    DBClusterSnapshot,
    'DBClusterSnapshotIdentifier',
    'DBClusterIdentifier',
    'DBClusterSnapshots',
    describe_own_cluster_snapshots,
    DBClusterSnapshotNotFoundError,
)


def describe(kind: Kind) -> Callable:
    """DescribeDBSnapshots or DescribeDBClusterSnapshots."""

    def operation(response: RDSResponse) -> ActionResult:
        params, backend = response.params, response.backend
        identifier = params.get(kind.identifier)
        filters = {each['Name']: each['Values'] for each in params.get('Filters', [])}
        candidates = kind.describe_own(backend, params.get(kind.parent), None, None, filters) + _foreign(kind, backend)
        found = [
            snapshot
            for snapshot in candidates
            if _is_listed(snapshot, params, backend.account_id)
            and (not identifier or _is_named(snapshot, identifier, backend))
        ]
        if identifier and not found:
            raise kind.not_found(identifier)
        try:
            listed, marker = page(found, params.get('MaxRecords', PAGE_SIZE), params.get('Marker'))
        except InvalidToken as error:
            raise InvalidParameterValue('Invalid or expired marker.') from error
        return ActionResult({kind.listed: listed, 'Marker': marker})

    return operation


def _foreign(kind: Kind, backend: RDSBackend) -> list:
    return [
        snapshot
        for account, regions in list(rds_backends.items())
        if account != backend.account_id and backend.region_name in regions
        for snapshot in regions[backend.region_name].resource_map[kind.model].values()
    ]


def _is_listed(snapshot, params: dict, account: str) -> bool:
    own = snapshot.account_id == account
    shared_with = snapshot.attributes['restore']
    wanted = params.get('SnapshotType')
    if wanted == 'public':
        return EVERYONE in shared_with
    if wanted == 'shared':
        return not own and account in shared_with
    if wanted:
        return own and snapshot.snapshot_type == wanted
    return (
        own
        or (params.get('IncludePublic') and EVERYONE in shared_with)
        or (params.get('IncludeShared') and account in shared_with)
    )


def _is_named(snapshot, identifier: str, backend: RDSBackend) -> bool:
    if identifier.startswith('arn:'):
        return snapshot.arn == identifier
    return snapshot.account_id == backend.account_id and snapshot.resource_id == identifier.lower()


def with_identifier(kind: Kind, operation: Callable) -> Callable:
    """`operation` of moto, which knows identifiers only, for a snapshot of this account named by either."""

    def named(response: RDSResponse):
        snapshots = response.backend.resource_map[kind.model].values()
        wanted = response.params[kind.identifier]
        snapshot = next((each for each in snapshots if _is_named(each, wanted, response.backend)), None)
        if snapshot is None:
            raise kind.not_found(wanted)
        response.params[kind.identifier] = snapshot.resource_id
        return operation(response)

    return named


def modify_attribute(snapshot, attribute: str, add: list[str] | None, remove: list[str] | None) -> None:
    """Replaces `SnapshotAttributesMixin.modify_attribute`."""
    add, remove = add or [], remove or []
    cluster = isinstance(snapshot, DBClusterSnapshot)
    if snapshot.snapshot_type != 'manual':
        refusal = InvalidDBClusterSnapshotStateFault if cluster else InvalidDBSnapshotState
        raise refusal(
            f'The snapshot {snapshot.resource_id} is {snapshot.snapshot_type}: only manual snapshots can be shared.'
        )
    for value in add + remove:
        if value != EVERYONE and not re.fullmatch(r'\d{12}', value):
            raise InvalidParameterValue(f'Invalid value for attribute {attribute}: {value} is no account ID.')
    if EVERYONE in add and snapshot.encrypted:
        raise InvalidParameterValue('Encrypted snapshots cannot be shared publicly.')
    new = [
        value for value in dict.fromkeys(add) if value not in snapshot.attributes.get(attribute, []) or value in remove
    ]
    modify_attribute_as_moto(snapshot, attribute, new, remove)


def modify_instance_snapshot(
    backend: RDSBackend,
    db_snapshot_identifier: str,
    attribute_name: str,
    values_to_add: list[str] | None = None,
    values_to_remove: list[str] | None = None,
) -> dict[str, list[str]]:
    """Replaces `RDSBackend.modify_db_snapshot_attribute`, which knows an automated snapshot by its name only."""
    snapshot = backend.database_snapshots[db_snapshot_identifier]
    snapshot.modify_attribute(attribute_name, values_to_add, values_to_remove)
    return snapshot.attributes


SnapshotAttributesMixin.modify_attribute = modify_attribute
RDSBackend.modify_db_snapshot_attribute = modify_instance_snapshot
RDSResponse.describe_db_snapshots = describe(INSTANCE)
RDSResponse.describe_db_cluster_snapshots = describe(CLUSTER)
for _kind, _operations in (
    (INSTANCE, ('describe_db_snapshot_attributes', 'modify_db_snapshot_attribute')),
    (CLUSTER, ('describe_db_cluster_snapshot_attributes', 'modify_db_cluster_snapshot_attribute')),
):
    for _operation in _operations:
        setattr(RDSResponse, _operation, with_identifier(_kind, getattr(RDSResponse, _operation)))
