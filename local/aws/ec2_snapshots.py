"""Amazon EC2: who may use an EBS snapshot.

Facts supplied, where moto differs:
- Permissions are changed by CreateVolumePermission {Add, Remove} or by OperationType, add or remove but not both; a
  snapshot that is encrypted is never public, one under the default key is not shared at all.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
- ResetSnapshotAttribute makes it private.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResetSnapshotAttribute.html
- DescribeSnapshots shows what the caller owns, what is public and what is shared with it, narrowed by OwnerIds and
  RestorableByUserIds, in pages. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
- Block public access for snapshots, by account and Region: either mode refuses new public sharing, `block-all-sharing`
  also hides what is public already, without a change of its attributes.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableSnapshotBlockPublicAccess.html
- CreateSnapshots tells the state of each snapshot and copies the tags of its volume when asked; with more than 50 tags
  on one, it makes none. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html
  https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
"""

import re
from collections.abc import Iterable

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination, OperationNotPermitted, TagLimitExceeded
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generic_filter

from pages import InvalidToken, page

EVERYONE = 'all'
UNBLOCKED, BLOCK_NEW, BLOCK_ALL = 'unblocked', 'block-new-sharing', 'block-all-sharing'
MINIMUM_RESULTS, MAXIMUM_RESULTS = 5, 1000
MAXIMUM_TAGS = 50

create_snapshots_as_moto = EC2Response.create_snapshots


class InvalidParameterValue(EC2ClientError):
    """A parameter has a value that EC2 does not take."""

    def __init__(self, message: str):
        super().__init__('InvalidParameterValue', message)


def find(snapshots: Iterable[Snapshot], snapshot_id: str) -> Snapshot:
    """The one of `snapshots` with that id."""
    if not re.fullmatch(r'snap-([0-9a-f]{8}|[0-9a-f]{17})', snapshot_id):
        raise EC2ClientError('InvalidSnapshotID.Malformed', f"The snapshot ID '{snapshot_id}' is not valid.")
    for snapshot in snapshots:
        if snapshot.id == snapshot_id:
            return snapshot
    raise EC2ClientError('InvalidSnapshot.NotFound', f"The snapshot '{snapshot_id}' does not exist.")


def _own(response: EC2Response) -> Snapshot:
    return find(list(response.ec2_backend.snapshots.values()), response._get_param('SnapshotId'))


def _visible(backend: EC2Backend) -> list[Snapshot]:
    foreign = [
        snapshot
        for account, regions in list(ec2_backends.items())
        if account != backend.account_id and backend.region_name in regions
        for snapshot in list(regions[backend.region_name].snapshots.values())
        if _may_use(snapshot, EVERYONE) or _may_use(snapshot, backend.account_id)
    ]
    return list(backend.snapshots.values()) + foreign


def _may_use(snapshot: Snapshot, account: str) -> bool:
    """Whether the permissions of `snapshot` let `account`, or everyone, make volumes from it."""
    if account == EVERYONE:
        shared = EVERYONE in snapshot.create_volume_permission_groups
        return shared and public_access_state(snapshot.ec2_backend) != BLOCK_ALL
    return account in snapshot.create_volume_permission_userids


def describe_snapshots(response: EC2Response) -> ActionResult:
    """Answers DescribeSnapshots."""
    backend, account = response.ec2_backend, response.current_account
    ids, limit = response._get_param('SnapshotIds', []), response._get_param('MaxResults')
    if ids and limit:
        raise InvalidParameterCombination('The parameter snapshotSet cannot be used with the parameter maxResults')
    if limit is not None and not MINIMUM_RESULTS <= int(limit) <= MAXIMUM_RESULTS:
        raise InvalidParameterValue(
            f'Value ( {limit} ) for parameter maxResults is invalid. '
            f'Expecting a value between {MINIMUM_RESULTS} and {MAXIMUM_RESULTS}.'
        )
    visible = _visible(backend)
    found = [find(visible, each) for each in ids] or visible
    owners = {account if each == 'self' else each for each in response._get_param('OwnerIds', [])}
    users = {account if each == 'self' else each for each in response._get_param('RestorableByUserIds', [])}
    if owners:
        found = [snapshot for snapshot in found if snapshot.owner_id in owners]
    if users:
        found = [
            snapshot
            for snapshot in found
            if any(snapshot.owner_id == user or _may_use(snapshot, user) for user in users)
        ]
    try:
        shown, token = page(
            generic_filter(response._filters_from_querystring(), found),
            int(limit) if limit else None,
            response._get_param('NextToken'),
        )
    except InvalidToken as error:
        raise InvalidParameterValue('Invalid value for nextToken.') from error
    return ActionResult({'Snapshots': shown, 'NextToken': token})


def describe_snapshot_attribute(response: EC2Response) -> ActionResult:
    """Answers DescribeSnapshotAttribute; only the owner may ask."""
    snapshot = _own(response)
    permissions = [{'Group': group} for group in sorted(snapshot.create_volume_permission_groups)]
    permissions += [{'UserId': user} for user in sorted(snapshot.create_volume_permission_userids)]
    return ActionResult({'SnapshotId': snapshot.id, 'CreateVolumePermissions': permissions})


def modify_snapshot_attribute(response: EC2Response) -> EmptyResult:
    """Answers ModifySnapshotAttribute."""
    snapshot = _own(response)
    add, remove = _requested(response)
    if add and remove:
        raise InvalidParameterCombination('Permissions cannot be added and removed in the same request.')
    groups = {each['Group'] for each in add + remove if each.get('Group')}
    users = {each['UserId'] for each in add + remove if each.get('UserId')}
    if groups - {EVERYONE}:
        raise EC2ClientError(
            'InvalidAMIAttributeItemValue', f'Invalid attribute item value "{groups.pop()}" for group item type.'
        )
    for user in users:
        if not re.fullmatch(r'\d{12}', user):
            raise EC2ClientError('InvalidUserID.Malformed', f'Invalid user id: "{user}"')
    if add:
        _refuse_sharing(snapshot, public=bool(groups))
    response.error_on_dryrun()
    if add:
        snapshot.create_volume_permission_groups |= groups
        snapshot.create_volume_permission_userids |= users
    else:
        snapshot.create_volume_permission_groups -= groups
        snapshot.create_volume_permission_userids -= users
    return EmptyResult()


def _requested(response: EC2Response) -> tuple[list[dict], list[dict]]:
    change = response._get_param('CreateVolumePermission') or {}
    add, remove = list(change.get('Add') or []), list(change.get('Remove') or [])
    listed = [{'Group': group} for group in response._get_param('GroupNames', [])]
    listed += [{'UserId': user} for user in response._get_param('UserIds', [])]
    operation = response._get_param('OperationType')
    if listed and operation not in ('add', 'remove'):
        raise InvalidParameterValue(f'Invalid value for operationType: {operation}')
    return add + (listed if operation == 'add' else []), remove + (listed if operation == 'remove' else [])


def _refuse_sharing(snapshot: Snapshot, public: bool) -> None:
    if snapshot.encrypted and public:
        raise OperationNotPermitted('Encrypted snapshots cannot be made public.')
    key = snapshot.kms_key_id or snapshot.volume.kms_key_id
    if snapshot.encrypted and key == snapshot.ec2_backend.default_kms_key_id:
        raise OperationNotPermitted('Encrypted snapshots with EBS default key cannot be shared')
    if public and public_access_state(snapshot.ec2_backend) != UNBLOCKED:
        raise OperationNotPermitted(
            "You can't publicly share snapshots in this Region because block public access for snapshots is enabled."
        )


def reset_snapshot_attribute(response: EC2Response) -> EmptyResult:
    """Answers ResetSnapshotAttribute."""
    snapshot = _own(response)
    response.error_on_dryrun()
    snapshot.create_volume_permission_groups.clear()
    snapshot.create_volume_permission_userids.clear()
    return EmptyResult()


def create_snapshots(response: EC2Response) -> ActionResult:
    """Answers CreateSnapshots."""
    copies = response._get_param('CopyTagsFromSource') == 'volume'
    if copies:
        _refuse_too_many_tags(response)
    result = create_snapshots_as_moto(response)
    if copies:
        for snapshot in result._result['Snapshots']:
            own = {tag['key']: tag['value'] for tag in snapshot.get_tags()}
            snapshot.add_tags({tag['key']: tag['value'] for tag in snapshot.volume.get_tags()} | own)
    return result


def _refuse_too_many_tags(response: EC2Response) -> None:
    own = [tag['Key'] for given in response._get_param('TagSpecifications', []) for tag in given.get('Tags', [])]
    instance = response.ec2_backend.get_instance(response._get_param('InstanceSpecification')['InstanceId'])
    for device in instance.block_device_mapping.values():
        copied = [tag['key'] for tag in response.ec2_backend.volumes[device.volume_id].get_tags()]
        if len({*own, *copied}) > MAXIMUM_TAGS:
            raise TagLimitExceeded()


def public_access_state(backend: EC2Backend) -> str:
    """The block public access state of the backend's account in its Region."""
    return getattr(backend, 'snapshot_public_access_state', UNBLOCKED)


def enable_snapshot_block_public_access(response: EC2Response) -> ActionResult:
    """Answers EnableSnapshotBlockPublicAccess."""
    state = response._get_param('State')
    if state not in (BLOCK_NEW, BLOCK_ALL):
        raise InvalidParameterValue(f'Invalid value for State: {state}')
    response.error_on_dryrun()
    response.ec2_backend.snapshot_public_access_state = state
    return ActionResult({'State': state})


def disable_snapshot_block_public_access(response: EC2Response) -> ActionResult:
    """Answers DisableSnapshotBlockPublicAccess."""
    response.error_on_dryrun()
    response.ec2_backend.snapshot_public_access_state = UNBLOCKED
    return ActionResult({'State': UNBLOCKED})


def get_snapshot_block_public_access_state(response: EC2Response) -> ActionResult:
    """Answers GetSnapshotBlockPublicAccessState."""
    return ActionResult({'State': public_access_state(response.ec2_backend), 'ManagedBy': 'account'})


Snapshot.state = property(lambda snapshot: snapshot.status)
for _operation in (
    describe_snapshots,
    describe_snapshot_attribute,
    modify_snapshot_attribute,
    reset_snapshot_attribute,
    create_snapshots,
    enable_snapshot_block_public_access,
    disable_snapshot_block_public_access,
    get_snapshot_block_public_access_state,
):
    setattr(EC2Response, _operation.__name__, _operation)
