"""Amazon EC2: subnets.

Facts supplied, where moto takes the first subnet that names no Availability Zone for a default one:
- Only AWS's own subnets of the default VPC are default subnets and give instances public addresses by themselves.
  https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
  https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html
"""

from typing import Any

from moto.ec2.models.subnets import Subnet, SubnetBackend

create_subnet_as_moto = SubnetBackend.create_subnet


def create_subnet(backend: SubnetBackend, vpc_id: str, *rest: Any, **named: Any) -> Subnet:
    """Replaces `SubnetBackend.create_subnet`."""
    subnet = create_subnet_as_moto(backend, vpc_id, *rest, **named)
    if not backend.get_vpc(vpc_id).is_default:
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


SubnetBackend.create_subnet = create_subnet
