"""Amazon RDS: who manages the password of a master user.

Facts supplied, where moto differs:
- RotateMasterUserPassword is for a password that RDS manages; ManageMasterUserPassword excludes a MasterUserPassword, and to end
  it takes one. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
- The password of a member of a cluster is the cluster's.
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
"""

from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend

modify_instance_as_moto = RDSBackend.modify_db_instance
modify_cluster_as_moto = RDSBackend.modify_db_cluster
OF_PASSWORDS = ('manage_master_user_password', 'master_user_password', 'rotate_master_user_password')


def modify_db_instance(backend: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]):
    """Replaces RDSBackend.modify_db_instance."""
    database = backend.describe_db_instances(db_instance_identifier)[0]
    if database.db_cluster_identifier and any(db_kwargs.get(name) is not None for name in OF_PASSWORDS):
        raise RDSClientError('InvalidParameterCombination', 'The password is managed by the DB cluster.')
    _check(database, db_kwargs)
    return modify_instance_as_moto(backend, db_instance_identifier, db_kwargs)


def modify_db_cluster(backend: RDSBackend, kwargs: dict[str, Any]):
    """Replaces RDSBackend.modify_db_cluster."""
    identifier = kwargs['db_cluster_identifier']
    _check(backend.describe_db_clusters(identifier)[0], kwargs)
    # moto takes a cluster out of its list while it modifies it, and loses it where that fails.
    cluster = backend.clusters[identifier]
    try:
        return modify_cluster_as_moto(backend, kwargs)
    except RDSClientError:
        backend.clusters[identifier] = cluster
        raise


def _check(database: Any, asked: dict[str, Any]) -> None:
    managed = hasattr(database, 'master_user_secret')
    manage, password = asked.get('manage_master_user_password'), asked.get('master_user_password')
    if manage and password:
        raise RDSClientError(
            'InvalidParameterCombination', 'You can specify MasterUserPassword or ManageMasterUserPassword, not both.'
        )
    if manage is False and managed and not password:
        raise RDSClientError(
            'InvalidParameterCombination', 'You must specify MasterUserPassword when ManageMasterUserPassword is turned off.'
        )
    if asked.get('rotate_master_user_password') and not managed:
        raise RDSClientError(
            'InvalidParameterCombination', 'RotateMasterUserPassword is valid only if RDS manages the master user password.'
        )


RDSBackend.modify_db_instance = modify_db_instance
RDSBackend.modify_db_cluster = modify_db_cluster
