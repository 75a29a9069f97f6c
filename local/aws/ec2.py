"""Amazon EC2: what moto lacks, by subject: snapshots, security groups, subnets, network interfaces."""

import ec2_interfaces  # noqa: F401
import ec2_security_groups  # noqa: F401
import ec2_snapshots  # noqa: F401
import ec2_subnets  # noqa: F401
