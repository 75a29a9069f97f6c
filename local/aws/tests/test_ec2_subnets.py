"""Subnets: which of them give public addresses."""

import json

import pytest
from conftest import REGION


@pytest.mark.parametrize('zone', [{}, {'AvailabilityZone': f'{REGION}b'}])
def test_a_new_subnet_is_private(cloud, zone):
    ec2 = cloud.client('ec2')
    vpc = ec2.create_vpc(CidrBlock='10.0.0.0/24')['Vpc']['VpcId']
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock='10.0.0.0/28', **zone)['Subnet']
    assert (subnet['DefaultForAz'], subnet['MapPublicIpOnLaunch']) == (False, False)
    image = ec2.register_image(Name='ours', Architecture='arm64', RootDeviceName='/dev/sda1')['ImageId']
    started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet['SubnetId'])['Instances'][0]
    [seen] = ec2.describe_instances(InstanceIds=[started['InstanceId']])['Reservations'][0]['Instances']
    assert not seen.get('PublicIpAddress')


def test_so_is_that_of_a_template(cloud):
    network = {'Type': 'AWS::EC2::VPC', 'Properties': {'CidrBlock': '10.0.0.0/24'}}
    subnet = {'Type': 'AWS::EC2::Subnet', 'Properties': {'VpcId': {'Ref': 'Network'}, 'CidrBlock': '10.0.0.0/24'}}
    cloud.client('cloudformation').create_stack(
        StackName='network', TemplateBody=json.dumps({'Resources': {'Network': network, 'Subnet': subnet}})
    )
    ec2 = cloud.client('ec2')
    [made] = ec2.describe_subnets(Filters=[{'Name': 'cidr-block', 'Values': ['10.0.0.0/24']}])['Subnets']
    assert (made['DefaultForAz'], made['MapPublicIpOnLaunch']) == (False, False)


def test_those_of_the_default_vpc_are_public(cloud):
    subnets = cloud.client('ec2').describe_subnets()['Subnets']
    assert subnets
    assert all(each['DefaultForAz'] and each['MapPublicIpOnLaunch'] for each in subnets)
