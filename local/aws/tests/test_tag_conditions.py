"""IAM's tag conditions on calls that make and change resources: who may touch only what carries a tag of its own."""

import pytest
from conftest import MEMBER, OUTSIDE, REGION, SECURITY, allow, deny
from test_authorization import refusal

RUN = 'firebreak:run-id'
REQUESTED = {'StringEquals': {f'aws:RequestTag/{RUN}': 'r1'}}
CARRIED = {'StringEquals': {f'aws:ResourceTag/{RUN}': 'r1'}}


def tags(run='r1'):
    return [{'Key': RUN, 'Value': run}]


def specifications(*kinds, run='r1'):
    return [{'ResourceType': kind, 'Tags': tags(run)} for kind in kinds]


def ec2(*kinds, account=SECURITY):
    return [f'arn:aws:ec2:{REGION}:{"" if kind in ("image", "snapshot") else account}:{kind}/*' for kind in kinds]


def tagging(action):
    """The permission to tag what a call makes, and nothing that exists."""
    return allow('ec2:CreateTags', Condition={'StringEquals': {'ec2:CreateAction': action, f'aws:RequestTag/{RUN}': 'r1'}})


@pytest.fixture
def as_role(cloud):
    """`as_role(service, statements)`: a client in a session of a new role."""
    return lambda service, *statements, name='simulate': cloud.client(
        service, credentials=cloud.assume(cloud.role(name, list(statements)))
    )


class TestRunInstances:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html"""

    EXISTING = ('image', 'subnet', 'security-group')
    NEW = ('instance', 'network-interface', 'volume')

    @pytest.fixture
    def run(self, cloud):
        root = cloud.client('ec2')
        subnet = root.describe_subnets()['Subnets'][0]
        group = root.describe_security_groups()['SecurityGroups'][0]['GroupId']
        image = root.register_image(Name='ours', Architecture='x86_64', RootDeviceName='/dev/sda1')['ImageId']

        def run(client, *kinds, **more):
            return client.run_instances(
                ImageId=image, MinCount=1, MaxCount=1, InstanceType='t3.nano', SubnetId=subnet['SubnetId'],
                SecurityGroupIds=[group], TagSpecifications=specifications(*kinds, **more),
            )  # fmt: skip

        run.subnet, run.group, run.image = subnet['SubnetId'], group, image
        return run

    def allowed(self, *new):
        return [
            allow('ec2:RunInstances', resource=ec2(*self.EXISTING)),
            allow('ec2:RunInstances', resource=ec2(*new), Condition=REQUESTED),
            tagging('RunInstances'),
        ]

    def test_each_new_resource_is_asked_about_with_the_tags_for_its_type(self, as_role, run):
        client = as_role('ec2', *self.allowed(*self.NEW))
        assert 'volume/*' in refusal(run, client, 'instance', 'network-interface')[1]
        assert 'network-interface/*' in refusal(run, client, 'instance', 'volume')[1]
        assert refusal(run, client, *self.NEW, run='r2')[0] == 'UnauthorizedOperation'
        instance = run(client, *self.NEW)['Instances'][0]['InstanceId']
        assert refusal(client.create_tags, Resources=[instance], Tags=tags())[0] == 'UnauthorizedOperation'

    def test_the_tags_for_new_resources_are_not_those_of_the_existing(self, as_role, run):
        client = as_role('ec2', allow('ec2:RunInstances', Condition=REQUESTED), tagging('RunInstances'))
        assert f'image/{run.image}' in refusal(run, client, *self.NEW)[1]

    def test_a_type_that_must_not_be_tagged(self, as_role, run):
        untagged = {'Null': {f'aws:RequestTag/{RUN}': 'false'}}
        client = as_role('ec2', allow('ec2:*'), deny('ec2:RunInstances', resource=ec2('volume'), Condition=untagged))
        assert 'explicit deny' in refusal(run, client, *self.NEW)[1]
        run(client, 'instance')

    def test_one_subnet_and_one_group_only(self, cloud, as_role, run):
        root = cloud.client('ec2')
        narrow = [f'arn:aws:ec2:{REGION}:{SECURITY}:subnet/{run.subnet}', f'arn:aws:ec2:{REGION}:{SECURITY}:security-group/{run.group}']
        client = as_role('ec2', allow('ec2:RunInstances', resource=[*ec2('image', *self.NEW), *narrow]), tagging('RunInstances'))
        run(client, 'instance')
        other = next(each['SubnetId'] for each in root.describe_subnets()['Subnets'] if each['SubnetId'] != run.subnet)
        interface = {'DeviceIndex': 0, 'SubnetId': other, 'Groups': [run.group]}
        named = refusal(client.run_instances, ImageId=run.image, MinCount=1, MaxCount=1, NetworkInterfaces=[interface])[1]
        assert f'subnet/{other}' in named

    def test_only_the_instance_has_a_type(self, as_role, run):
        for wanted, answer in (('t3.nano', None), ('t4g.nano', 'instance/*')):
            kinds = {'StringEquals': {'ec2:InstanceType': wanted}}
            client = as_role(
                'ec2',
                allow('ec2:RunInstances', resource=ec2('instance'), Condition=kinds),
                allow('ec2:RunInstances', resource=ec2(*self.EXISTING, 'network-interface', 'volume'), Condition={'Null': {'ec2:InstanceType': 'true'}}),
                tagging('RunInstances'),
                name=f'only-{wanted}',
            )
            if answer is None:
                run(client, 'instance')
            else:
                assert answer in refusal(run, client, 'instance')[1]

    def test_only_what_carries_the_tag_is_terminated(self, cloud, as_role, run):
        root = cloud.client('ec2')
        ours = run(root, 'instance')['Instances'][0]['InstanceId']
        other = run(root, 'instance', run='r2')['Instances'][0]['InstanceId']
        client = as_role('ec2', allow('ec2:TerminateInstances', Condition=CARRIED))
        client.terminate_instances(InstanceIds=[ours])
        assert refusal(client.terminate_instances, InstanceIds=[ours, other])[0] == 'UnauthorizedOperation'


class TestVolumesAndSnapshots:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html"""

    @pytest.fixture
    def volume(self, cloud):
        return cloud.client('ec2').create_volume(AvailabilityZone=f'{REGION}a', Size=1, TagSpecifications=specifications('volume'))['VolumeId']

    def test_a_volume_is_made_with_the_tag_or_not_at_all(self, as_role):
        client = as_role('ec2', allow('ec2:CreateVolume', Condition=REQUESTED), tagging('CreateVolume'))
        make = {'AvailabilityZone': f'{REGION}a', 'Size': 1}
        client.create_volume(**make, TagSpecifications=specifications('volume'))
        assert refusal(client.create_volume, **make)[0] == 'UnauthorizedOperation'
        assert refusal(client.create_volume, **make, TagSpecifications=specifications('volume', run='r2'))[0] == 'UnauthorizedOperation'

    def test_no_other_tags_than_those(self, as_role):
        keys = {'ForAllValues:StringEquals': {'aws:TagKeys': [RUN]}, **REQUESTED}
        client = as_role('ec2', allow('ec2:CreateVolume', Condition=keys), tagging('CreateVolume'))
        make = {'AvailabilityZone': f'{REGION}a', 'Size': 1}
        client.create_volume(**make, TagSpecifications=specifications('volume'))
        more = [{'ResourceType': 'volume', 'Tags': [*tags(), {'Key': 'owner', 'Value': 'x'}]}]
        assert refusal(client.create_volume, **make, TagSpecifications=more)[0] == 'UnauthorizedOperation'

    def test_a_snapshot_carries_the_tag_as_its_volume_does(self, cloud, as_role, volume):
        client = as_role(
            'ec2',
            allow('ec2:CreateSnapshot', resource=ec2('snapshot'), Condition=REQUESTED),
            allow('ec2:CreateSnapshot', resource=ec2('volume'), Condition=CARRIED),
            tagging('CreateSnapshot'),
        )
        client.create_snapshot(VolumeId=volume, TagSpecifications=specifications('snapshot'))
        foreign = cloud.client('ec2').create_volume(AvailabilityZone=f'{REGION}a', Size=1)['VolumeId']
        answer = refusal(client.create_snapshot, VolumeId=foreign, TagSpecifications=specifications('snapshot'))
        assert f'ec2:CreateSnapshot on resource: arn:aws:ec2:{REGION}:{SECURITY}:volume/{foreign} ' in answer[1]

    def test_a_copy_is_asked_about_its_source_and_itself(self, cloud, as_role, volume):
        root = cloud.client('ec2')
        source, other = (root.create_snapshot(VolumeId=volume, TagSpecifications=specifications('snapshot', run=run))['SnapshotId'] for run in ('r1', 'r2'))
        client = as_role(
            'ec2',
            allow('ec2:CopySnapshot', resource=f'arn:aws:ec2:{REGION}::snapshot/snap-*', Condition=CARRIED),
            allow('ec2:CopySnapshot', resource=ec2('snapshot'), Condition=REQUESTED),
            tagging('CopySnapshot'),
        )
        client.copy_snapshot(SourceRegion=REGION, SourceSnapshotId=source, TagSpecifications=specifications('snapshot'))
        assert 'snapshot/*' in refusal(client.copy_snapshot, SourceRegion=REGION, SourceSnapshotId=source)[1]
        answer = refusal(client.copy_snapshot, SourceRegion=REGION, SourceSnapshotId=other, TagSpecifications=specifications('snapshot'))
        assert f'snapshot/{other} ' in answer[1]

    def test_only_the_tagged_snapshot_is_shared_and_never_with_everyone(self, cloud, as_role, volume):
        root = cloud.client('ec2')
        ours = root.create_snapshot(VolumeId=volume, TagSpecifications=specifications('snapshot'))['SnapshotId']
        other = root.create_snapshot(VolumeId=volume)['SnapshotId']
        client = as_role('ec2', allow('ec2:ModifySnapshotAttribute', Condition={**CARRIED, 'Null': {'ec2:Add/group': 'true'}}))
        share = {'Attribute': 'createVolumePermission', 'OperationType': 'add'}
        client.modify_snapshot_attribute(SnapshotId=ours, UserIds=[MEMBER], **share)
        for snapshot, wanted in (
            (other, {'UserIds': [MEMBER], **share}),
            (ours, {'GroupNames': ['all'], **share}),
            (ours, {'CreateVolumePermission': {'Add': [{'Group': 'all'}]}}),
        ):
            assert refusal(client.modify_snapshot_attribute, SnapshotId=snapshot, **wanted)[0] == 'UnauthorizedOperation'
        client.modify_snapshot_attribute(SnapshotId=ours, CreateVolumePermission={'Remove': [{'Group': 'all'}]})

    def test_shared_with_one_account_only(self, cloud, as_role, volume):
        snapshot = cloud.client('ec2').create_snapshot(VolumeId=volume)['SnapshotId']
        partner = {'StringEquals': {'ec2:Add/userId': MEMBER}}
        client = as_role('ec2', allow('ec2:ModifySnapshotAttribute', Condition=partner))
        share = {'SnapshotId': snapshot, 'Attribute': 'createVolumePermission', 'OperationType': 'add'}
        client.modify_snapshot_attribute(UserIds=[MEMBER], **share)
        assert refusal(client.modify_snapshot_attribute, UserIds=[OUTSIDE], **share)[0] == 'UnauthorizedOperation'


def test_a_group_is_made_tagged_in_a_vpc_that_is_tagged(cloud, as_role):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"""
    root = cloud.client('ec2')
    sandbox = root.create_vpc(CidrBlock='10.0.0.0/24', TagSpecifications=specifications('vpc'))['Vpc']['VpcId']
    other = root.describe_vpcs(Filters=[{'Name': 'is-default', 'Values': ['true']}])['Vpcs'][0]['VpcId']
    client = as_role(
        'ec2',
        allow('ec2:CreateSecurityGroup', resource=ec2('security-group'), Condition=REQUESTED),
        allow('ec2:CreateSecurityGroup', resource=ec2('vpc'), Condition=CARRIED),
        allow('ec2:AuthorizeSecurityGroupIngress', Condition=CARRIED),
        tagging('CreateSecurityGroup'),
    )
    make = {'GroupName': 'g', 'Description': 'x', 'TagSpecifications': specifications('security-group')}
    group = client.create_security_group(**make, VpcId=sandbox)['GroupId']
    client.authorize_security_group_ingress(GroupId=group, IpProtocol='tcp', FromPort=22, ToPort=22, CidrIp='0.0.0.0/0')
    assert f'vpc/{other} ' in refusal(client.create_security_group, **make, VpcId=other)[1]


class TestDatabaseSnapshots:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/security_iam_id-based-policy-examples-grant-permissions-tags-on-create.html"""

    OURS, GOLDEN = (f'arn:aws:rds:{REGION}:{SECURITY}:snapshot:{name}' for name in ('firebreak-sim-r1-*', 'golden'))

    @pytest.fixture
    def golden(self, cloud):
        rds = cloud.client('rds')
        rds.create_db_instance(DBInstanceIdentifier='db', DBInstanceClass='db.t3.micro', Engine='postgres', AllocatedStorage=20)
        rds.create_db_snapshot(DBInstanceIdentifier='db', DBSnapshotIdentifier='golden')
        return 'golden'

    def test_a_copy_is_tagged_and_named_for_its_run(self, as_role, golden):
        client = as_role(
            'rds',
            allow('rds:CopyDBSnapshot', resource=[self.GOLDEN, self.OURS], Condition=REQUESTED),
            allow('rds:AddTagsToResource', resource=self.OURS, Condition=REQUESTED),
        )
        copy = {'SourceDBSnapshotIdentifier': golden, 'TargetDBSnapshotIdentifier': 'firebreak-sim-r1-a'}
        client.copy_db_snapshot(**copy, Tags=tags())
        client.copy_db_snapshot(**{**copy, 'SourceDBSnapshotIdentifier': self.GOLDEN, 'TargetDBSnapshotIdentifier': 'firebreak-sim-r1-b'}, Tags=tags())
        assert refusal(client.copy_db_snapshot, **copy)[0] == 'AccessDenied'
        assert refusal(client.copy_db_snapshot, **copy, Tags=tags('r2'))[0] == 'AccessDenied'
        other = refusal(client.copy_db_snapshot, **{**copy, 'TargetDBSnapshotIdentifier': 'else'}, Tags=tags())
        assert f'arn:aws:rds:{REGION}:{SECURITY}:snapshot:else ' in other[1]
        assert refusal(client.add_tags_to_resource, ResourceName=self.GOLDEN, Tags=tags())[0] == 'AccessDenied'

    def test_tagging_a_copy_is_a_permission_of_its_own(self, as_role, golden):
        client = as_role('rds', allow('rds:CopyDBSnapshot'))
        copy = {'SourceDBSnapshotIdentifier': golden, 'TargetDBSnapshotIdentifier': 'firebreak-sim-r1-a'}
        answer = refusal(client.copy_db_snapshot, **copy, Tags=tags())
        assert f'rds:AddTagsToResource on resource: arn:aws:rds:{REGION}:{SECURITY}:snapshot:firebreak-sim-r1-a ' in answer[1]
        client.copy_db_snapshot(**copy)

    def test_only_what_carries_the_tag_is_shared_and_deleted(self, cloud, as_role, golden):
        root = cloud.client('rds')
        root.copy_db_snapshot(SourceDBSnapshotIdentifier=golden, TargetDBSnapshotIdentifier='ours', Tags=tags())
        client = as_role('rds', allow('rds:ModifyDBSnapshotAttribute', 'rds:DeleteDBSnapshot', Condition=CARRIED))
        share = {'AttributeName': 'restore', 'ValuesToAdd': [MEMBER]}
        client.modify_db_snapshot_attribute(DBSnapshotIdentifier='ours', **share)
        client.delete_db_snapshot(DBSnapshotIdentifier='ours')
        assert refusal(client.modify_db_snapshot_attribute, DBSnapshotIdentifier=golden, **share)[0] == 'AccessDenied'
        assert refusal(client.delete_db_snapshot, DBSnapshotIdentifier=golden)[0] == 'AccessDenied'


class TestUsers:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_users.html"""

    OURS = f'arn:aws:iam::{SECURITY}:user/firebreak/firebreak-sim-r1-*'

    def test_a_user_is_made_tagged_and_named_for_its_run(self, as_role):
        client = as_role(
            'iam',
            allow('iam:CreateUser', 'iam:TagUser', resource=self.OURS, Condition=REQUESTED),
            allow('iam:CreateAccessKey', resource=self.OURS),
        )
        make = {'Path': '/firebreak/', 'UserName': 'firebreak-sim-r1-old'}
        assert refusal(client.create_user, **make)[0] == 'AccessDenied'
        assert refusal(client.create_user, UserName='firebreak-sim-r1-old', Tags=tags())[0] == 'AccessDenied'
        client.create_user(**make, Tags=tags())
        client.create_access_key(UserName='firebreak-sim-r1-old')

    def test_tagging_a_new_user_is_a_permission_of_its_own(self, as_role):
        client = as_role('iam', allow('iam:CreateUser'))
        client.create_user(UserName='plain')
        assert f'iam:TagUser on resource: arn:aws:iam::{SECURITY}:user/ann ' in refusal(client.create_user, UserName='ann', Tags=tags())[1]

    def test_only_the_keys_of_the_tagged_user(self, cloud, as_role):
        root = cloud.client('iam')
        root.create_user(UserName='ours', Tags=tags())
        root.create_user(UserName='other')
        client = as_role('iam', allow('iam:CreateAccessKey', 'iam:DeleteUser', Condition=CARRIED))
        client.create_access_key(UserName='ours')
        assert refusal(client.create_access_key, UserName='other')[0] == 'AccessDenied'
        assert refusal(client.delete_user, UserName='other')[0] == 'AccessDenied'


def test_only_buckets_of_the_runs_name(cloud, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html"""
    ours = 'arn:aws:s3:::firebreak-sim-r1-*'
    client = as_role('s3', allow('s3:CreateBucket', 's3:PutBucketTagging', 's3:PutObject', 's3:DeleteBucket', resource=[ours, f'{ours}/*']))
    place = {'CreateBucketConfiguration': {'LocationConstraint': REGION}}
    client.create_bucket(Bucket='firebreak-sim-r1-a', **place)
    client.put_object(Bucket='firebreak-sim-r1-a', Key='x', Body=b'x')
    client.put_bucket_tagging(Bucket='firebreak-sim-r1-a', Tagging={'TagSet': tags()})
    assert refusal(client.create_bucket, Bucket='firebreak-sim-r2-a', **place)[0] == 'AccessDenied'
    cloud.client('s3').create_bucket(Bucket='other', **place)
    assert refusal(client.delete_bucket, Bucket='other')[0] == 'AccessDenied'
