"""AWS Organizations: who may ask about an account, and what is answered."""

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, OUTSIDE, SECURITY, allow
from test_authorization import refusal

MANAGEMENT, SANDBOX, PARTNER = '000011112222', '222233334444', '333344445555'
SANDBOX_ARN = f'arn:aws:organizations::{MANAGEMENT}:account/o-firebreak0/{SANDBOX}'


def tags(client, account=SANDBOX):
    return {tag['Key']: tag['Value'] for tag in client.list_tags_for_resource(ResourceId=account)['Tags']}


def test_the_security_account_reads_an_account_and_its_tags(client):
    security = client('organizations')
    account = security.describe_account(AccountId=SANDBOX)['Account']
    assert (account['Id'], account['Arn'], account['Status']) == (SANDBOX, SANDBOX_ARN, 'ACTIVE')
    assert tags(security) == tags(security, PARTNER) == {'firebreak:sandbox': 'true'}
    assert tags(security, MEMBER) == tags(security, SECURITY) == {}
    assert {each['Id'] for each in security.list_accounts()['Accounts']} == {MANAGEMENT, SECURITY, MEMBER, '777788889999', SANDBOX, PARTNER}
    with pytest.raises(ClientError, match='AccountNotFoundException'):
        security.describe_account(AccountId=OUTSIDE)


def test_only_the_management_account_tags(client):
    security, management = client('organizations'), client('organizations', MANAGEMENT)
    assert refusal(security.untag_resource, ResourceId=SANDBOX, TagKeys=['firebreak:sandbox'])[0] == 'AccessDeniedException'
    management.untag_resource(ResourceId=SANDBOX, TagKeys=['firebreak:sandbox'])
    assert tags(security) == {}
    management.tag_resource(ResourceId=SANDBOX, Tags=[{'Key': 'firebreak:sandbox', 'Value': 'true'}])
    assert tags(security) == {'firebreak:sandbox': 'true'}


def test_a_member_that_administers_nothing_may_only_ask_about_the_organisation(client):
    member = client('organizations', MEMBER)
    assert member.describe_organization()['Organization']['MasterAccountId'] == MANAGEMENT
    assert refusal(member.describe_account, AccountId=MEMBER)[0] == 'AccessDeniedException'
    assert refusal(member.list_tags_for_resource, ResourceId=MEMBER)[0] == 'AccessDeniedException'
    client('organizations', MANAGEMENT).register_delegated_administrator(AccountId=MEMBER, ServicePrincipal='guardduty.amazonaws.com')
    assert member.describe_account(AccountId=SANDBOX)['Account']['Id'] == SANDBOX


def test_an_account_outside_has_no_organisation(client):
    with pytest.raises(ClientError, match='AWSOrganizationsNotInUseException'):
        client('organizations', OUTSIDE).describe_organization()


def test_a_role_may_ask_about_one_account(cloud):
    statement = allow('organizations:DescribeAccount', 'organizations:ListTagsForResource', resource=SANDBOX_ARN)
    role = cloud.client('organizations', credentials=cloud.assume(cloud.role('simulate', [statement])))
    assert tags(role) == {'firebreak:sandbox': 'true'}
    assert role.describe_account(AccountId=SANDBOX)['Account']['Id'] == SANDBOX
    for call, named in ((role.describe_account, 'AccountId'), (role.list_tags_for_resource, 'ResourceId')):
        code, message = refusal(call, **{named: PARTNER})
        assert code == 'AccessDeniedException'
        assert f'on resource: arn:aws:organizations::{MANAGEMENT}:account/o-firebreak0/{PARTNER} ' in message


def test_an_organisation_that_is_created_takes_its_place(client):
    security = client('organizations')
    security.create_organization(FeatureSet='ALL')
    assert security.list_tags_for_resource(ResourceId=SECURITY)['Tags'] == []
    with pytest.raises(ClientError, match='TargetNotFoundException'):
        security.list_tags_for_resource(ResourceId=SANDBOX)
