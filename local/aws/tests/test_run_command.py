"""Run Command: agents, commands and their answers, by the API and from an automation."""

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, allow
from runbooks import SSM, step

INSTANCE, OTHER = 'i-0123456789abcdef0', 'i-0123456789abcdef1'
LINUX = 'AWS-RunShellScript'


@pytest.fixture
def ssm(client):
    return client('ssm', MEMBER)


@pytest.fixture
def agent(cloud):
    def bring(*answers, instance=INSTANCE, **more):
        body = {'account': MEMBER, 'region': REGION, 'instanceId': instance, 'answers': list(answers), **more}
        assert cloud.door('PUT', '/agents', body)[0] == 204

    return bring


def send(ssm, *commands, instances=(INSTANCE,), **more):
    given = {'DocumentName': LINUX, 'Parameters': {'commands': list(commands)}, **more}
    return ssm.send_command(InstanceIds=list(instances), **given)['Command']['CommandId']


def invocation(ssm, command, instance=INSTANCE):
    return ssm.get_command_invocation(CommandId=command, InstanceId=instance)


class TestCommands:
    def test_an_agent_answers_what_it_was_told(self, ssm, agent):
        agent({'when': 'uname', 'output': 'Linux\n'}, {'when': 'false', 'error': 'no', 'code': 3})
        found = invocation(ssm, send(ssm, 'uname -a'))
        assert (found['Status'], found['ResponseCode'], found['StandardOutputContent']) == ('Success', 0, 'Linux\n')
        found = invocation(ssm, send(ssm, 'false'))
        assert (found['Status'], found['ResponseCode'], found['StandardErrorContent']) == ('Failed', 3, 'no')
        assert invocation(ssm, send(ssm, 'rm -rf /'))['ResponseCode'] == 127

    def test_an_instance_without_an_agent_is_refused(self, ssm, agent):
        agent()
        for instances in ([OTHER], [INSTANCE, OTHER]):
            with pytest.raises(ClientError, match='InvalidInstanceId'):
                send(ssm, 'ls', instances=instances)

    def test_one_that_is_not_online_gets_it_later_or_never(self, ssm, agent, clock):
        agent(online=False)
        late, never = send(ssm, 'ls', TimeoutSeconds=100), send(ssm, 'ls', TimeoutSeconds=30)
        assert invocation(ssm, late)['Status'] == 'Pending'
        clock.advance(31)
        assert invocation(ssm, never)['StatusDetails'] == 'Delivery Timed Out'
        agent({'when': 'ls', 'output': 'file'})
        assert invocation(ssm, late)['StandardOutputContent'] == 'file'
        assert invocation(ssm, never)['Status'] == 'TimedOut'

    def test_an_answer_takes_its_time_and_can_be_cancelled(self, ssm, agent, clock):
        agent({'when': 'ls', 'output': 'file', 'seconds': 60})
        slow, stopped = send(ssm, 'ls'), send(ssm, 'ls')
        assert invocation(ssm, slow)['Status'] == 'InProgress'
        assert invocation(ssm, slow)['ResponseCode'] == -1
        ssm.cancel_command(CommandId=stopped)
        clock.advance(61)
        assert invocation(ssm, slow)['Status'] == 'Success'
        assert invocation(ssm, stopped)['Status'] == 'Cancelled'

    def test_lists(self, ssm, agent, client):
        agent({'when': 'ls', 'output': 'a', 'error': 'b'})
        agent({'when': 'ls', 'code': 1}, instance=OTHER)
        command = send(ssm, 'ls', instances=[INSTANCE, OTHER])
        [told] = ssm.list_commands(CommandId=command)['Commands']
        assert (told['Status'], told['TargetCount'], told['ErrorCount']) == ('Failed', 2, 1)
        listed = ssm.list_command_invocations(CommandId=command, InstanceId=INSTANCE, Details=True)
        [plugin] = listed['CommandInvocations'][0]['CommandPlugins']
        assert plugin['Output'] == 'a\n----------ERROR-------\nb'
        with pytest.raises(ClientError, match='InvalidCommandId'):
            ssm.list_commands(CommandId='4105a4fc-f944-11e6-9d32-0123456789ab')
        with pytest.raises(ClientError, match='InvocationDoesNotExist'):
            invocation(ssm, command, 'i-0123456789abcdef9')
        assert client('ssm', MEMBER, 'us-east-1').list_commands()['Commands'] == []

    def test_documents_and_parameters_are_checked(self, ssm, agent):
        agent()
        with pytest.raises(ClientError, match='InvalidParameters'):
            ssm.send_command(InstanceIds=[INSTANCE], DocumentName=LINUX, Parameters={'command': ['ls']})
        with pytest.raises(ClientError, match='InvalidDocument'):
            ssm.send_command(InstanceIds=[INSTANCE], DocumentName='Mine')

    def test_targets_are_tags(self, ssm, agent, client):
        ec2 = client('ec2', MEMBER)
        tagged = ec2.run_instances(ImageId='ami-1', MinCount=1, MaxCount=1)['Instances'][0]['InstanceId']
        ec2.create_tags(Resources=[tagged], Tags=[{'Key': 'Stage', 'Value': 'test'}])
        agent(instance=tagged)
        agent()
        sent = ssm.send_command(
            Targets=[{'Key': 'tag:Stage', 'Values': ['test']}], DocumentName=LINUX, Parameters={'commands': ['ls']}
        )['Command']
        listed = ssm.list_command_invocations(CommandId=sent['CommandId'])['CommandInvocations']
        assert [each['InstanceId'] for each in listed] == [tagged]

    def test_who_is_online(self, ssm, agent):
        agent()
        agent(instance=OTHER, online=False, platform='Windows')

        def listed(**filters):
            given = [{'Key': key, 'Values': values} for key, values in filters.items()]
            found = ssm.describe_instance_information(Filters=given)['InstanceInformationList']
            return {each['InstanceId']: each['PingStatus'] for each in found}

        assert listed() == {INSTANCE: 'Online', OTHER: 'ConnectionLost'}
        assert listed(InstanceIds=[OTHER]) == {OTHER: 'ConnectionLost'}
        assert listed(PingStatus=['Online']) == {INSTANCE: 'Online'}

    def test_the_door_takes_no_nonsense(self, cloud):
        body = {'account': MEMBER, 'region': REGION, 'instanceId': INSTANCE}
        assert cloud.door('PUT', '/agents', {**body, 'answers': [{'output': 'x'}]})[0] == 400
        assert cloud.door('PUT', '/agents', {'answers': []})[0] == 400

    def test_iam_is_asked_about_document_and_instance(self, cloud, agent):
        agent()
        document = f'arn:aws:ssm:{REGION}::document/{LINUX}'
        instance = f'arn:aws:ec2:{REGION}:{MEMBER}:instance/{INSTANCE}'
        for name, resources, admitted in (('both', [document, instance], True), ('one', [document], False)):
            role = cloud.role(name, [{**allow('ssm:SendCommand'), 'Resource': resources}], account=MEMBER)
            ssm = cloud.client('ssm', MEMBER, cloud.assume(role))
            if admitted:
                send(ssm, 'ls')
            else:
                with pytest.raises(ClientError, match='AccessDenied'):
                    send(ssm, 'ls')


class TestAutomation:
    RUN = step(
        'run',
        'runCommand',
        {'DocumentName': LINUX, 'InstanceIds': ['{{ Instance }}'], 'Parameters': {'commands': ['dump {{ Instance }}']}},
    )
    MORE = {'parameters': {'Instance': {'type': 'AWS::EC2::Instance::Id'}}, 'outputs': ['run.Output', 'run.Status']}

    def test_its_output_is_the_commands(self, automation, agent, clock):
        agent({'when': f'dump {INSTANCE}', 'output': 'done', 'seconds': 600})
        automation.deploy([self.RUN], **self.MORE)
        execution = automation.start(Instance=INSTANCE)
        automation.until(execution, lambda _: automation.ssm.list_commands()['Commands'])
        clock.advance(601)
        found = automation.ended(execution)
        assert found['Outputs'] == {'run.Output': ['done'], 'run.Status': ['Success']}

    @pytest.mark.parametrize('answer', [{'when': 'dump', 'code': 1, 'error': 'full'}, None])
    def test_it_fails_with_the_command(self, automation, agent, answer):
        if answer:
            agent(answer)
        found = automation.run([self.RUN], given={'Instance': INSTANCE}, **self.MORE)
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert ('ResponseCode=[1]' if answer else 'InvalidInstanceId') in found['FailureMessage']

    def test_its_role_is_asked(self, automation, agent, cloud):
        agent({'when': 'dump'})
        role = cloud.role('runbook', [allow('ssm:ListCommandInvocations')], SSM, MEMBER)
        found = automation.run([self.RUN], given={'Instance': INSTANCE}, assumeRole=role, **self.MORE)
        assert 'ssm:SendCommand' in found['FailureMessage']
