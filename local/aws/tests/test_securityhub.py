"""Security Hub findings: imported, updated, found, and told to EventBridge."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

SECURITY, MEMBER = '111122223333', '444455556666'
HOME = 'eu-west-1'
CONTROLS = f'arn:aws:securityhub:{HOME}::product/aws/securityhub'
DEFAULT = f'arn:aws:securityhub:{HOME}:{SECURITY}:product/{SECURITY}/default'


def finding(identifier='f1', product=DEFAULT, account=SECURITY, **more):
    return {
        'SchemaVersion': '2018-10-08',
        'Id': identifier,
        'ProductArn': product,
        'GeneratorId': 'security-control/RDS.1',
        'AwsAccountId': account,
        'CreatedAt': '2026-11-03T14:05:00.000Z',
        'UpdatedAt': '2026-11-03T14:05:00.000Z',
        'Severity': {'Label': 'CRITICAL'},
        'Title': 'RDS snapshot should be private',
        'Description': 'd',
        'Types': ['Software and Configuration Checks'],
        'Compliance': {'Status': 'FAILED', 'SecurityControlId': 'RDS.1'},
        'Resources': [
            {'Type': 'AwsRdsDbSnapshot', 'Id': f'arn:aws:rds:{HOME}:{account}:snapshot:s', 'Tags': {'env': 'prod'}}
        ],
        **more,
    }


class Hub:
    def __init__(self, client, post, account=SECURITY):
        self.client, self.post, self.account = client('securityhub', account, HOME), post, account

    def get(self, **filters):
        return self.client.get_findings(Filters=filters)['Findings']

    def ids(self, **filters):
        return [each['Id'] for each in self.get(**filters)]

    def as_aws(self, *findings):
        """Imports findings as AWS's own products do."""
        self.post('/firebreak/findings', {'account': self.account, 'region': HOME, 'findings': list(findings)})

    def update(self, identifier='f1', product=DEFAULT, **changes):
        return self.client.batch_update_findings(
            FindingIdentifiers=[{'Id': identifier, 'ProductArn': product}], **changes
        )


@pytest.fixture
def hub(client, post):
    return Hub(client, post)


class TestImport:
    def test_a_new_finding_gets_its_defaults(self, hub):
        assert hub.client.batch_import_findings(Findings=[finding()])['SuccessCount'] == 1
        [stored] = hub.get()
        assert stored['Workflow'] == {'Status': 'NEW'}
        assert stored['RecordState'] == 'ACTIVE'
        assert stored['Severity'] == {'Label': 'CRITICAL', 'Normalized': 90}
        assert stored['Region'] == HOME
        assert abs(datetime.datetime.fromisoformat(stored['ProcessedAt']) - datetime.datetime.now(datetime.UTC)).seconds < 60

    def test_an_update_leaves_the_customers_fields_alone(self, hub):
        hub.client.batch_import_findings(Findings=[finding()])
        hub.update(Workflow={'Status': 'NOTIFIED'}, Note={'Text': 'n', 'UpdatedBy': 'u'}, UserDefinedFields={'k': 'v'})
        hub.client.batch_import_findings(
            Findings=[
                finding(
                    Title='new', Workflow={'Status': 'NEW'}, UserDefinedFields={'k': 'w'}, VerificationState='UNKNOWN'
                )
            ]
        )
        [stored] = hub.get()
        assert stored['Title'] == 'new'
        assert stored['Workflow']['Status'] == 'NOTIFIED'
        assert stored['Note']['Text'] == 'n'
        assert stored['UserDefinedFields'] == {'k': 'v'}
        assert 'VerificationState' not in stored

    @pytest.mark.parametrize(
        'wrong',
        [{'account': MEMBER}, {'product': CONTROLS}, {'Resources': []}],
        ids=['another account', 'a product of AWS', 'no resource'],
    )
    def test_what_is_not_the_callers_fails_alone(self, hub, wrong):
        answer = hub.client.batch_import_findings(Findings=[finding('bad', **wrong), finding('good')])
        assert (answer['FailedCount'], answer['SuccessCount']) == (1, 1)
        assert [(each['Id'], each['ErrorCode']) for each in answer['FailedFindings']] == [('bad', 'InvalidInput')]
        assert hub.ids() == ['good']

    def test_a_missing_attribute_is_named(self, hub):
        incomplete = {name: value for name, value in finding().items() if name != 'Title'}
        with pytest.raises(AssertionError, match='required property Title'):
            hub.as_aws(incomplete)


class TestWorkflow:
    def states(self, hub, *imports, workflow='NOTIFIED'):
        """The workflow status after imports, of which the first is followed by an update to `workflow`."""
        first, *rest = [finding(product=CONTROLS, **each) for each in imports]
        hub.as_aws(first)
        hub.update(product=CONTROLS, Workflow={'Status': workflow})
        hub.as_aws(*rest)
        return hub.get()[0]['Workflow']['Status']

    @pytest.mark.parametrize(('workflow', 'after'), [('NOTIFIED', 'NEW'), ('SUPPRESSED', 'SUPPRESSED')])
    def test_a_control_that_fails_again_starts_again(self, hub, workflow, after):
        passed, failed = {'Compliance': {'Status': 'PASSED'}}, {'Compliance': {'Status': 'FAILED'}}
        assert self.states(hub, failed, passed, failed, workflow=workflow) == after

    def test_a_control_that_passes_is_resolved(self, hub):
        assert self.states(hub, {}, {'Compliance': {'Status': 'PASSED'}}) == 'RESOLVED'

    def test_a_record_that_comes_back_starts_again(self, hub):
        assert self.states(hub, {}, {'RecordState': 'ARCHIVED'}) == 'NOTIFIED'
        hub.as_aws(finding(product=CONTROLS, RecordState='ACTIVE'))
        assert hub.get()[0]['Workflow']['Status'] == 'NEW'

    def test_a_control_that_keeps_failing_stays_notified(self, hub):
        assert self.states(hub, {}, {}) == 'NOTIFIED'


class TestUpdate:
    def test_it_changes_what_is_asked_and_nothing_else(self, hub):
        hub.client.batch_import_findings(Findings=[finding()])
        before = hub.get()[0]
        answer = hub.update(
            Workflow={'Status': 'NOTIFIED'}, Note={'Text': 'fixed', 'UpdatedBy': 'firebreak'}, Severity={'Label': 'LOW'}
        )
        assert answer['ProcessedFindings'] == [{'Id': 'f1', 'ProductArn': DEFAULT}]
        after = hub.get()[0]
        note = after.pop('Note')
        assert (note['Text'], note['UpdatedBy']) == ('fixed', 'firebreak')
        assert note['UpdatedAt'].endswith('Z')
        assert after == {**before, 'Workflow': {'Status': 'NOTIFIED'}, 'Severity': {'Label': 'LOW', 'Normalized': 1}}

    def test_the_same_id_of_another_product_is_not_found(self, hub):
        hub.client.batch_import_findings(Findings=[finding()])
        answer = hub.update(product=CONTROLS, Workflow={'Status': 'NOTIFIED'})
        assert answer['ProcessedFindings'] == []
        [unprocessed] = answer['UnprocessedFindings']
        assert unprocessed['ErrorCode'] == 'FindingNotFound'
        assert unprocessed['FindingIdentifier'] == {'Id': 'f1', 'ProductArn': CONTROLS}

    @pytest.mark.parametrize(
        'changes', [{'Note': {'Text': 'x' * 513, 'UpdatedBy': 'u'}}, {'Workflow': {'Status': 'DONE'}}]
    )
    def test_what_asff_forbids_is_refused(self, hub, changes):
        with pytest.raises(ClientError) as error:
            hub.update(**changes)
        assert error.value.response['Error']['Code'] == 'InvalidInputException'


def equals(value, comparison='EQUALS'):
    return {'Value': value, 'Comparison': comparison}


class TestFilters:
    @pytest.fixture
    def filled(self, hub):
        hub.as_aws(
            finding('a-1', CONTROLS),
            finding('a-2', CONTROLS, account=MEMBER, Severity={'Label': 'LOW'}, UpdatedAt='2026-11-05T00:00:00.000Z'),
            finding(
                'b-1',
                CONTROLS,
                RecordState='ARCHIVED',
                Compliance={'Status': 'PASSED', 'SecurityControlId': 'S3.8'},
                Confidence=80,
            ),
        )
        return hub

    @pytest.mark.parametrize(
        ('filters', 'found'),
        [
            ({}, ['a-1', 'a-2', 'b-1']),
            ({'Id': [equals('a-1')]}, ['a-1']),
            ({'Id': [equals('a-1'), equals('b-1')]}, ['a-1', 'b-1']),
            ({'Id': [equals('a-', 'PREFIX')]}, ['a-1', 'a-2']),
            ({'Id': [equals('a-1', 'NOT_EQUALS'), equals('a-2', 'NOT_EQUALS')]}, ['b-1']),
            ({'Id': [equals('a-', 'PREFIX'), equals('a-2', 'NOT_EQUALS')]}, ['a-1']),
            ({'Id': [equals('a-', 'PREFIX_NOT_EQUALS')]}, ['b-1']),
            ({'Title': [equals('snapshot', 'CONTAINS')], 'SeverityLabel': [equals('LOW')]}, ['a-2']),
            ({'Title': [equals('snapshot', 'NOT_CONTAINS')]}, []),
            ({'AwsAccountId': [equals(MEMBER)]}, ['a-2']),
            ({'RecordState': [equals('ACTIVE')], 'WorkflowStatus': [equals('NEW')]}, ['a-1', 'a-2']),
            ({'ComplianceStatus': [equals('PASSED')]}, ['b-1']),
            ({'ComplianceSecurityControlId': [equals('RDS.1')]}, ['a-1', 'a-2']),
            ({'ResourceId': [equals(f'arn:aws:rds:{HOME}:{MEMBER}:snapshot:s')]}, ['a-2']),
            ({'ResourceType': [equals('AwsS3Bucket')]}, []),
            ({'ResourceTags': [{'Key': 'env', **equals('prod')}]}, ['a-1', 'a-2', 'b-1']),
            ({'ResourceTags': [{'Key': 'env', **equals('prod', 'NOT_EQUALS')}]}, []),
            ({'UpdatedAt': [{'Start': '2026-11-04T00:00:00Z', 'End': '2026-11-06T00:00:00Z'}]}, ['a-2']),
            ({'Confidence': [{'Gte': 80, 'Lte': 90}]}, ['b-1']),
        ],
    )
    def test_each_narrows_the_list(self, filled, filters, found):
        assert filled.ids(**filters) == found

    def test_a_filter_that_is_not_evaluated_is_an_error(self, filled):
        with pytest.raises(ClientError, match='InvalidInputException'):
            filled.get(MalwareName=[equals('x')])

    def test_findings_are_sorted_and_come_in_pages(self, filled):
        pages = filled.client.get_paginator('get_findings').paginate(
            SortCriteria=[{'Field': 'UpdatedAt', 'SortOrder': 'desc'}], PaginationConfig={'PageSize': 2}
        )
        assert [[each['Id'] for each in page['Findings']] for page in pages] == [['a-2', 'a-1'], ['b-1']]


class TestEvents:
    @pytest.fixture
    def events(self, client, request):
        """`events()`: what a rule on the default bus has seen since the last call."""
        sqs, events = client('sqs', SECURITY, HOME), client('events', SECURITY, HOME)
        url = sqs.create_queue(QueueName='q')['QueueUrl']
        arn = f'arn:aws:sqs:{HOME}:{SECURITY}:q'
        statement = {
            'Effect': 'Allow',
            'Principal': {'Service': 'events.amazonaws.com'},
            'Action': 'sqs:SendMessage',
            'Resource': arn,
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps({'Statement': [statement]})})
        pattern = {
            'source': ['aws.securityhub'],
            'detail-type': ['Security Hub Findings - Imported'],
            'detail': {'findings': {'Workflow': {'Status': ['NEW', 'NOTIFIED']}}},
        }
        events.put_rule(Name='r', EventPattern=json.dumps(pattern))
        events.put_targets(Rule='r', Targets=[{'Id': 't', 'Arn': arn}])

        def receive():
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get('Messages', [])
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message['ReceiptHandle'])
            return [json.loads(message['Body']) for message in messages]

        return receive

    def test_every_import_is_an_event_of_its_own(self, hub, events):
        hub.client.batch_import_findings(Findings=[finding('f1'), finding('f2')])
        seen = events()
        assert [event['resources'] for event in seen] == [[f'{DEFAULT}/f1'], [f'{DEFAULT}/f2']]
        assert (seen[0]['source'], seen[0]['account'], seen[0]['region']) == ('aws.securityhub', SECURITY, HOME)
        assert seen[0]['detail'] == {'findings': hub.get(Id=[equals('f1')])}

    def test_every_update_is_an_event_until_suppressed(self, hub, events):
        hub.client.batch_import_findings(Findings=[finding()])
        events()
        hub.update(Workflow={'Status': 'NOTIFIED'})
        assert [event['detail']['findings'][0]['Workflow']['Status'] for event in events()] == ['NOTIFIED']
        hub.update(Workflow={'Status': 'SUPPRESSED'})
        assert events() == []

    def test_a_rejected_finding_is_no_event(self, hub, events):
        hub.client.batch_import_findings(Findings=[finding(account=MEMBER)])
        assert events() == []

    def test_the_administrator_sees_the_finding_of_a_member(self, hub, events):
        hub.as_aws(finding(product=CONTROLS, account=MEMBER))
        [event] = events()
        assert (event['account'], event['detail']['findings'][0]['AwsAccountId']) == (SECURITY, MEMBER)
