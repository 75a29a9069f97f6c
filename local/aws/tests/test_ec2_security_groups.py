"""Security groups, their rules, and the interfaces that have them."""

import pytest
from botocore.exceptions import ClientError


class Network:
    """A VPC with two subnets and three groups."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId']
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f'10.0.{number}.0/24')['Subnet']['SubnetId']
            for number in (1, 2)
        ]
        self.groups = [self.group(name) for name in ('web', 'db', 'quarantine')]

    def group(self, name, **arguments):
        return self.ec2.create_security_group(GroupName=name, Description='d', VpcId=self.vpc, **arguments)['GroupId']

    def run(self, **arguments):
        return self.ec2.run_instances(ImageId='ami-12345678', MinCount=1, MaxCount=1, **arguments)['Instances'][0][
            'InstanceId'
        ]

    def run_with_two_interfaces(self):
        return self.run(
            NetworkInterfaces=[
                {'DeviceIndex': index, 'SubnetId': self.subnets[index], 'Groups': [self.groups[index]]}
                for index in (0, 1)
            ]
        )

    def instance(self, identifier):
        return self.ec2.describe_instances(InstanceIds=[identifier])['Reservations'][0]['Instances'][0]

    def interfaces(self, identifier):
        filters = [{'Name': 'attachment.instance-id', 'Values': [identifier]}]
        return self.ec2.describe_network_interfaces(Filters=filters)['NetworkInterfaces']

    def shown(self, identifier):
        """The groups of an instance: its own, those of its interfaces, and those told by the interfaces themselves."""
        instance = self.instance(identifier)
        by_instance = [names(nic['Groups']) for nic in by_index(instance['NetworkInterfaces'])]
        by_interface = [names(nic['Groups']) for nic in by_index(self.interfaces(identifier))]
        assert by_instance == by_interface
        return names(instance['SecurityGroups']), by_instance

    def rules(self, group):
        filters = [{'Name': 'group-id', 'Values': [group]}]
        return self.ec2.describe_security_group_rules(Filters=filters)['SecurityGroupRules']

    def ingress(self, group):
        return [rule for rule in self.rules(group) if not rule['IsEgress']]


def by_index(interfaces):
    return sorted(interfaces, key=lambda nic: nic['Attachment']['DeviceIndex'])


def names(groups):
    return [group['GroupId'] for group in groups]


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response['Error']['Code']


@pytest.fixture
def ec2(client):
    return client('ec2', '111122223333', 'eu-west-1')


@pytest.fixture
def network(ec2):
    return Network(ec2)


SSH = {'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22}
OPEN = {**SSH, 'IpRanges': [{'CidrIp': '0.0.0.0/0', 'Description': 'ssh'}], 'Ipv6Ranges': [{'CidrIpv6': '::/0'}]}
WEB = {'IpProtocol': 'tcp', 'FromPort': 443, 'ToPort': 443, 'IpRanges': [{'CidrIp': '10.0.0.0/8'}]}
MISSING_GROUP, MISSING_RULE = 'sg-0123456789abcdef0', 'sgr-0123456789abcdef0'


class TestRules:
    def open(self, ec2, group, *permissions, **arguments):
        return ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions or [OPEN], **arguments)[
            'SecurityGroupRules'
        ]

    def test_all_new_rules_are_answered_with_description_and_tags(self, ec2, network):
        tags = [{'ResourceType': 'security-group-rule', 'Tags': [{'Key': 'firebreak', 'Value': 'r-1'}]}]
        made = self.open(ec2, network.groups[0], OPEN, WEB, TagSpecifications=tags)
        assert [(rule.get('CidrIpv4') or rule['CidrIpv6'], rule['FromPort']) for rule in made] == [
            ('0.0.0.0/0', 22),
            ('::/0', 22),
            ('10.0.0.0/8', 443),
        ]
        assert made[0]['Description'] == 'ssh'
        assert made[0]['GroupOwnerId'] == '111122223333'
        assert network.ingress(network.groups[0]) == made
        tagged = ec2.describe_security_group_rules(Filters=[{'Name': 'tag:firebreak', 'Values': ['r-1']}])[
            'SecurityGroupRules'
        ]
        assert tagged == made

    def test_a_rule_keeps_its_id(self, ec2, network):
        first, second, third = self.open(ec2, network.groups[0], OPEN, WEB)
        ec2.revoke_security_group_ingress(
            GroupId=network.groups[0], SecurityGroupRuleIds=[first['SecurityGroupRuleId']]
        )
        assert network.ingress(network.groups[0]) == [second, third]

    def test_a_rule_that_exists_is_a_duplicate_and_nothing_is_added(self, ec2, network):
        made = self.open(ec2, network.groups[0])
        code = refused(ec2.authorize_security_group_ingress, GroupId=network.groups[0], IpPermissions=[WEB, OPEN])
        assert code == 'InvalidPermission.Duplicate'
        assert network.ingress(network.groups[0]) == made

    def test_revoking_by_id_tells_what_was_revoked(self, ec2, network):
        ipv4, ipv6 = self.open(ec2, network.groups[0])
        answer = ec2.revoke_security_group_ingress(
            GroupId=network.groups[0], SecurityGroupRuleIds=[ipv6['SecurityGroupRuleId']]
        )
        assert answer['RevokedSecurityGroupRules'] == [
            {
                'SecurityGroupRuleId': ipv6['SecurityGroupRuleId'],
                'GroupId': network.groups[0],
                'IsEgress': False,
                'IpProtocol': 'tcp',
                'FromPort': 22,
                'ToPort': 22,
                'CidrIpv6': '::/0',
            }
        ]
        assert network.ingress(network.groups[0]) == [ipv4]

    def test_revoking_by_permission_tells_what_was_revoked(self, ec2, network):
        self.open(ec2, network.groups[0], OPEN, WEB)
        answer = ec2.revoke_security_group_ingress(GroupId=network.groups[0], IpPermissions=[OPEN, WEB])
        assert len(answer['RevokedSecurityGroupRules']) == 3
        assert network.ingress(network.groups[0]) == []

    def test_an_unknown_rule_id_revokes_nothing(self, ec2, network):
        made = self.open(ec2, network.groups[0])
        some = [made[0]['SecurityGroupRuleId'], MISSING_RULE]
        code = refused(ec2.revoke_security_group_ingress, GroupId=network.groups[0], SecurityGroupRuleIds=some)
        assert code == 'InvalidSecurityGroupRuleId.NotFound'
        code = refused(ec2.revoke_security_group_ingress, GroupId=network.groups[0], IpPermissions=[OPEN, WEB])
        assert code == 'InvalidPermission.NotFound'
        assert network.ingress(network.groups[0]) == made

    def test_a_missing_group(self, ec2, network):
        assert (
            refused(ec2.authorize_security_group_ingress, GroupId=MISSING_GROUP, IpPermissions=[WEB])
            == 'InvalidGroup.NotFound'
        )
        assert (
            refused(ec2.revoke_security_group_egress, GroupId=MISSING_GROUP, IpPermissions=[WEB])
            == 'InvalidGroup.NotFound'
        )
        with pytest.raises(ClientError, match=f"The security group '{MISSING_GROUP}' does not exist"):
            ec2.describe_security_groups(GroupIds=[network.groups[0], MISSING_GROUP])

    def test_a_rule_may_name_a_group_or_all_traffic(self, ec2, network):
        web, db, _ = network.groups
        pair = {'IpProtocol': '-1', 'UserIdGroupPairs': [{'GroupId': db, 'Description': 'pair'}]}
        [rule] = self.open(ec2, web, pair)
        assert (rule['FromPort'], rule['ToPort'], rule['Description']) == (-1, -1, 'pair')
        assert rule['ReferencedGroupInfo'] == {'GroupId': db, 'UserId': '111122223333'}
        [revoked] = ec2.revoke_security_group_ingress(GroupId=web, IpPermissions=[pair])['RevokedSecurityGroupRules']
        assert revoked['ReferencedGroupId'] == db

    def test_egress_is_revoked_the_same_way(self, ec2, network):
        [rule] = [rule for rule in network.rules(network.groups[2]) if rule['IsEgress']]
        answer = ec2.revoke_security_group_egress(
            GroupId=network.groups[2], SecurityGroupRuleIds=[rule['SecurityGroupRuleId']]
        )
        assert [each['CidrIpv4'] for each in answer['RevokedSecurityGroupRules']] == ['0.0.0.0/0']
        assert network.rules(network.groups[2]) == []


class TestGroups:
    def test_tags_are_answered_and_stored(self, ec2, network):
        tags = [{'Key': 'firebreak', 'Value': 'quarantine'}]
        made = ec2.create_security_group(
            GroupName='q',
            Description='d',
            VpcId=network.vpc,
            TagSpecifications=[{'ResourceType': 'security-group', 'Tags': tags}],
        )
        assert made['Tags'] == tags
        [found] = ec2.describe_security_groups(Filters=[{'Name': 'tag:firebreak', 'Values': ['quarantine']}])[
            'SecurityGroups'
        ]
        assert (found['GroupId'], found['Tags']) == (made['GroupId'], tags)
        assert refused(network.group, name='q') == 'InvalidGroup.Duplicate'

    def test_a_group_in_use_is_not_deleted(self, ec2, network):
        web, db, quarantine = network.groups
        interface = ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[web])['NetworkInterface'][
            'NetworkInterfaceId'
        ]
        pair = {'IpProtocol': '-1', 'UserIdGroupPairs': [{'GroupId': db}]}
        ec2.authorize_security_group_ingress(GroupId=quarantine, IpPermissions=[pair])
        assert refused(ec2.delete_security_group, GroupId=web) == 'DependencyViolation'
        assert refused(ec2.delete_security_group, GroupId=db) == 'DependencyViolation'
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        ec2.delete_security_group(GroupId=web)
        ec2.delete_security_group(GroupId=quarantine)
        ec2.delete_security_group(GroupId=db)
        left = ec2.describe_security_groups(Filters=[{'Name': 'vpc-id', 'Values': [network.vpc]}])['SecurityGroups']
        assert [group['GroupName'] for group in left] == ['default']
        assert refused(ec2.delete_security_group, GroupId=left[0]['GroupId']) == 'CannotDelete'


class TestInterfaces:
    def test_the_groups_of_an_instance_are_those_of_its_interface(self, ec2, network):
        web, db, quarantine = network.groups
        instance = network.run(SubnetId=network.subnets[0], SecurityGroupIds=[web])
        assert network.shown(instance) == ([web], [[web]])
        ec2.modify_instance_attribute(InstanceId=instance, Groups=[quarantine])
        assert network.shown(instance) == ([quarantine], [[quarantine]])
        interface = network.interfaces(instance)[0]['NetworkInterfaceId']
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[web, db])
        assert network.shown(instance) == ([web, db], [[web, db]])

    def test_several_interfaces_each_have_their_own(self, ec2, network):
        web, db, quarantine = network.groups
        instance = network.run_with_two_interfaces()
        assert network.shown(instance) == ([web], [[web], [db]])
        assert refused(ec2.modify_instance_attribute, InstanceId=instance, Groups=[quarantine]) == 'InvalidInstanceID'
        second = by_index(network.interfaces(instance))[1]['NetworkInterfaceId']
        ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Groups=[quarantine])
        assert network.shown(instance) == ([web], [[web], [quarantine]])

    def test_an_interface_is_attached_and_detached(self, ec2, network):
        web, db, _ = network.groups
        instance = network.run(SubnetId=network.subnets[0], SecurityGroupIds=[web])
        extra = ec2.create_network_interface(SubnetId=network.subnets[1], Groups=[db])['NetworkInterface'][
            'NetworkInterfaceId'
        ]
        attachment = ec2.attach_network_interface(NetworkInterfaceId=extra, InstanceId=instance, DeviceIndex=1)[
            'AttachmentId'
        ]
        assert network.shown(instance) == ([web], [[web], [db]])
        assert [nic['Attachment']['InstanceId'] for nic in network.interfaces(instance)] == [instance, instance]
        ec2.detach_network_interface(AttachmentId=attachment)
        assert network.shown(instance) == ([web], [[web]])

    def test_a_group_must_exist_in_the_same_vpc(self, ec2, network):
        instance = network.run(SubnetId=network.subnets[0], SecurityGroupIds=network.groups[:1])
        interface = network.interfaces(instance)[0]['NetworkInterfaceId']
        elsewhere = Network(ec2).groups[0]
        for group, code in ((MISSING_GROUP, 'InvalidGroup.NotFound'), (elsewhere, 'InvalidParameter')):
            assert refused(ec2.modify_network_interface_attribute, NetworkInterfaceId=interface, Groups=[group]) == code
            assert refused(ec2.modify_instance_attribute, InstanceId=instance, Groups=[group]) == code
        assert network.shown(instance) == (network.groups[:1], [network.groups[:1]])

    @pytest.mark.parametrize('name', ['instance.group-id', 'network-interface.group-id'])
    def test_instances_are_found_by_group(self, ec2, network, name):
        instance = network.run(SubnetId=network.subnets[0], SecurityGroupIds=network.groups[:1])
        found = lambda group: ec2.describe_instances(Filters=[{'Name': name, 'Values': [group]}])['Reservations']
        assert [each['InstanceId'] for each in found(network.groups[0])[0]['Instances']] == [instance]
        assert found(network.groups[1]) == []

    def test_a_terminated_instance_frees_its_groups(self, ec2, network):
        instance = network.run_with_two_interfaces()
        ec2.terminate_instances(InstanceIds=[instance])
        [again] = ec2.terminate_instances(InstanceIds=[instance])['TerminatingInstances']
        assert again['PreviousState']['Name'] == 'terminated'
        assert network.interfaces(instance) == []
        for group in network.groups:
            ec2.delete_security_group(GroupId=group)
