"""Amazon EC2: security groups belong to network interfaces, and an instance shows those of its primary one.

Facts supplied, where moto keeps a second list on the instance and shows both together:
- An interface has the groups it was given and no others; DescribeInstances shows the primary interface's as the
  instance's. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
- ModifyInstanceAttribute replaces the groups of the only interface and is refused for several interfaces.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
- A group must exist, in the interface's VPC. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
- The interface that RunInstances makes ends with its instance unless the request says otherwise.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html
- An instance that was terminated, without interfaces by then, can be terminated again.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
"""

import copy

from moto.ec2.exceptions import EC2ClientError, InvalidSecurityGroupNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.utils import filter_dict_attribute_mapping

modify_interface_as_moto = NetworkInterfaceBackend.modify_network_interface_attribute
prepare_interfaces_as_moto = Instance.prep_nics
terminate_as_moto = Instance.terminate


def primary_groups(instance: Instance) -> list[SecurityGroup]:
    """The groups that an instance shows. Before its interfaces exist: those it is launched with."""
    primary = getattr(instance, 'nics', {}).get(0)
    return primary._group_set if primary else instance.launch_groups


def set_launch_groups(instance: Instance, groups: list[SecurityGroup]) -> None:
    """moto assigns the groups of a launch before it makes the interfaces."""
    instance.launch_groups = groups


def groups_named(backend: EC2Backend, group_ids: list[str], vpc_id: str) -> list[SecurityGroup]:
    """The groups of these ids, each once. Raises InvalidGroup.NotFound, or InvalidParameter for one of another VPC."""
    groups = []
    for group_id in dict.fromkeys(group_ids):
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(group_id)
        if group.vpc_id != vpc_id:
            raise EC2ClientError(
                'InvalidParameter', 'You have specified two resources that belong to different networks.'
            )
        groups.append(group)
    return groups


def modify_network_interface_attribute(
    backend: EC2Backend,
    eni_id: str,
    group_ids: list[str],
    source_dest_check: bool | None = None,
    description: str | None = None,
) -> None:
    """Replaces `modify_network_interface_attribute`, which takes a missing group as no group."""
    interface = backend.get_network_interface(eni_id)
    if group_ids:
        interface._group_set = groups_named(backend, group_ids, interface.vpc_id)
    modify_interface_as_moto(backend, eni_id, [], source_dest_check, description)


def modify_instance_security_groups(backend: EC2Backend, instance_id: str, group_ids: list[str]) -> Instance:
    """Replaces `modify_instance_security_groups`."""
    instance = backend.get_instance(instance_id)
    if len(instance.nics) > 1:
        raise EC2ClientError(
            'InvalidInstanceID',
            f"There are multiple interfaces attached to instance '{instance_id}'. "
            'Please specify an interface ID for the operation instead.',
        )
    [interface] = instance.nics.values()
    interface._group_set = groups_named(backend, group_ids, interface.vpc_id)
    return instance


def prepare_interfaces(instance: Instance, nic_spec: list[dict], *arguments, **named) -> None:
    """Wraps `prep_nics`: the interfaces that a launch makes are deleted at termination, unless it says otherwise."""
    prepare_interfaces_as_moto(instance, nic_spec, *arguments, **named)
    given = {int(spec['DeviceIndex']): spec for spec in nic_spec}
    for index, interface in instance.nics.items():
        spec = given.get(index, {})
        interface.delete_on_termination = (
            'NetworkInterfaceId' not in spec and spec.get('DeleteOnTermination') is not False
        )


def terminate(instance: Instance) -> InstanceState:
    """Wraps `terminate`, which looks for the interfaces each time. Answers the state before."""
    before = copy.copy(instance._state)
    return before if before.name == 'terminated' else terminate_as_moto(instance)


NetworkInterface.group_set = property(lambda interface: interface._group_set)
NetworkInterfaceBackend.modify_network_interface_attribute = modify_network_interface_attribute
InstanceBackend.modify_instance_security_groups = modify_instance_security_groups
Instance.prep_nics = prepare_interfaces
Instance.terminate = terminate
Instance.security_groups = property(primary_groups, set_launch_groups)
Instance.interface_group_ids = property(
    lambda instance: [group.id for nic in instance.nics.values() for group in nic._group_set]
)
filter_dict_attribute_mapping['network-interface.group-id'] = 'interface_group_ids'
