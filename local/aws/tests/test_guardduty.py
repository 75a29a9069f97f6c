"""GuardDuty: samples of findings, told to EventBridge."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, OUTSIDE, REGION, SECURITY, allow

MINER = 'CryptoCurrency:EC2/BitcoinTool.B!DNS'
BUCKET = 'Policy:S3/BucketAnonymousAccessGranted'


@pytest.fixture
def heard(client):
    """`heard(account, region)`: has a queue of that account hear GuardDuty, and returns what reads its events."""

    def listen(account, region=REGION):
        sqs, events = client('sqs', account, region), client('events', account, region)
        policy = allow('sqs:SendMessage', Principal={'Service': 'events.amazonaws.com'})
        url = sqs.create_queue(QueueName='q', Attributes={'Policy': json.dumps({'Statement': policy})})['QueueUrl']
        events.put_rule(Name='r', EventPattern=json.dumps({'source': ['aws.guardduty']}))
        events.put_targets(Rule='r', Targets=[{'Id': 'q', 'Arn': f'arn:aws:sqs:{region}:{account}:q'}])

        def read():
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get('Messages', [])
            return [json.loads(message['Body']) for message in messages]

        return read

    return listen


def detector_of(guardduty):
    return guardduty.create_detector(Enable=True)['DetectorId']


def test_a_sample_is_told_to_its_account_and_to_the_administrator(client, heard):
    own, administrator, elsewhere = heard(MEMBER, 'us-east-1'), heard(SECURITY, 'us-east-1'), heard(SECURITY)
    guardduty = client('guardduty', MEMBER, 'us-east-1')
    detector = detector_of(guardduty)
    guardduty.create_sample_findings(DetectorId=detector, FindingTypes=[MINER])
    [there], [here] = own(), administrator()
    assert (there['account'], here['account'], here['region']) == (MEMBER, SECURITY, 'us-east-1')
    assert here['detail-type'] == 'GuardDuty Finding'
    finding = here['detail']
    assert (finding['type'], finding['accountId'], finding['region']) == (MINER, MEMBER, 'us-east-1')
    assert finding['title'].startswith('[SAMPLE] ')
    info = finding['service']['additionalInfo']
    assert info['sample'] is True
    assert json.loads(info['value']) == {'threatListName': 'Amazon', 'sample': True}
    assert finding['arn'] == f'arn:aws:guardduty:us-east-1:{SECURITY}:detector/{detector}/finding/{finding["id"]}'
    assert {**there['detail'], 'arn': finding['arn']} == finding
    assert elsewhere() == []


def test_an_account_of_no_organisation_hears_its_own_once(client, heard):
    own, administrator = heard(OUTSIDE), heard(SECURITY)
    guardduty = client('guardduty', OUTSIDE)
    guardduty.create_sample_findings(DetectorId=detector_of(guardduty), FindingTypes=[MINER, BUCKET])
    assert sorted(event['detail']['type'] for event in own()) == [MINER, BUCKET]
    assert administrator() == []


def test_without_types_all_are_meant(client, heard):
    own = heard(SECURITY)
    guardduty = client('guardduty')
    guardduty.create_sample_findings(DetectorId=detector_of(guardduty))
    assert len({event['detail']['type'] for event in own() + own()}) > 10


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        ({'DetectorId': 'd'}, 'not owned by the current account'),
        ({'FindingTypes': ['Recon:EC2/Unheard']}, 'no sample of Recon:EC2/Unheard'),
        ({'FindingTypes': [MINER] * 51}, 'more than 50'),
    ],
)
def test_refused_it_tells_nothing(client, heard, arguments, reason):
    own = heard(SECURITY)
    guardduty = client('guardduty')
    with pytest.raises(guardduty.exceptions.BadRequestException, match=reason):
        guardduty.create_sample_findings(**{'DetectorId': detector_of(guardduty), **arguments})
    assert own() == []


def test_iam_knows_no_resource_of_it(cloud, client):
    detector = detector_of(client('guardduty'))
    arn = f'arn:aws:guardduty:{REGION}:{SECURITY}:detector/{detector}'
    for name, resource in (('narrow', arn), ('none', '*')):
        action = 'guardduty:CreateSampleFindings' if name == 'narrow' else 'guardduty:ListDetectors'
        role = cloud.role(name, [allow(action, resource=resource)])
        session = cloud.client('guardduty', credentials=cloud.assume(role))
        with pytest.raises(ClientError, match='not authorized to perform: guardduty:CreateSampleFindings'):
            session.create_sample_findings(DetectorId=detector, FindingTypes=[MINER])
    role = cloud.role('wide', [allow('guardduty:CreateSampleFindings', 'guardduty:ListDetectors')])
    session = cloud.client('guardduty', credentials=cloud.assume(role))
    assert session.list_detectors()['DetectorIds'] == [detector]
    session.create_sample_findings(DetectorId=detector, FindingTypes=[MINER])
