import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  CreateTagsCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { CreateDocumentCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeAll, expect, test } from '@jest/globals';
import { calledOwnGroup } from '../../engine/own-groups.ts';
import { sharedCloud } from '../../local/contract.ts';
import { attachInterface, runInstanceWithData } from '../../local/exposures/instances.ts';
import { allow, createGroup, createNetwork, fromAnywhere, type Network } from '../../local/exposures/network.ts';
import { pythonCommand } from '../../local/python.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
let house: RunbookAccount;
let ec2: EC2Client;
let network: Network;
beforeAll(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'contain-ec2-instance');
  ec2 = new EC2Client(house.account.client);
  network = await createNetwork(house.account);
});

type Asked = readonly [service: string, operation: string, parameters: object];

/** What services answer of which no client is a dependency, asked as the account's administrator. */
async function boto(...calls: readonly Asked[]): Promise<Readonly<Record<string, unknown>>[]> {
  const { region, endpoint, credentials } = house.account.client;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  };
  const { stdout } = await promisify(execFile)(pythonCommand(), ['-c', BOTO, JSON.stringify(calls)], { env });
  return JSON.parse(stdout);
}
const BOTO = `
import boto3, json, sys
answers = [getattr(boto3.client(service), operation)(**parameters) for service, operation, parameters in json.loads(sys.argv[1])]
print(json.dumps(answers, default=str))`;

/** An instance with two interfaces and two volumes, which goes when it is shut down. */
async function instance(name: string) {
  const groups = [
    await createGroup(house.account, network, `${name}-a`),
    await createGroup(house.account, network, `${name}-b`),
  ];
  const { id } = await runInstanceWithData(house.account, network, groups, { Name: name });
  await attachInterface(house.account, network, id, 1, groups.slice(1));
  await ec2.send(
    new ModifyInstanceAttributeCommand({
      InstanceId: id,
      Attribute: 'instanceInitiatedShutdownBehavior',
      Value: 'terminate',
    }),
  );
  return { id, groups };
}

/** The same as a member of an Auto Scaling group and a target. */
async function member(name: string) {
  const made = await instance(name);
  const AutoScalingGroupName = name;
  const sizes = { MinSize: 0, MaxSize: 3, DesiredCapacity: 0, VPCZoneIdentifier: network.subnet };
  const [target] = await boto(
    [
      'elbv2',
      'create_target_group',
      { Name: name, VpcId: network.vpc, Protocol: 'HTTP', Port: 80, TargetType: 'instance' },
    ],
    ['autoscaling', 'create_auto_scaling_group', { AutoScalingGroupName, InstanceId: made.id, ...sizes }],
    ['autoscaling', 'attach_instances', { AutoScalingGroupName, InstanceIds: [made.id] }],
  );
  const [{ TargetGroupArn: arn = '' } = {}] = (target?.TargetGroups ?? []) as { TargetGroupArn?: string }[];
  await boto(['elbv2', 'register_targets', { TargetGroupArn: arn, Targets: [{ Id: made.id, Port: 8080 }] }]);
  return { ...made, targetGroup: arn };
}

/** All about an instance that a containment changes, read as the account's administrator. */
async function look(InstanceId: string) {
  const attribute = (Attribute: 'disableApiTermination' | 'instanceInitiatedShutdownBehavior') =>
    ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
  const [
    { DisableApiTermination },
    { InstanceInitiatedShutdownBehavior },
    { Reservations },
    { NetworkInterfaces = [] },
  ] = await Promise.all([
    attribute('disableApiTermination'),
    attribute('instanceInitiatedShutdownBehavior'),
    ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] })),
    ec2.send(
      new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [InstanceId] }] }),
    ),
  ]);
  const found = Reservations?.[0]?.Instances?.[0];
  return {
    protected: DisableApiTermination?.Value,
    shutdown: InstanceInitiatedShutdownBehavior?.Value,
    volumes: Object.fromEntries(
      (found?.BlockDeviceMappings ?? []).map(({ Ebs }) => [Ebs?.VolumeId, Ebs?.DeleteOnTermination]),
    ),
    tags: Object.fromEntries((found?.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    interfaces: Object.fromEntries(
      NetworkInterfaces.map(({ NetworkInterfaceId, Groups = [] }) => [
        NetworkInterfaceId,
        Groups.map(({ GroupId = '' }) => GroupId).sort(),
      ]),
    ),
  };
}

async function memberships(id: string, targetGroup: string) {
  const [scaling, targets] = await boto(
    ['autoscaling', 'describe_auto_scaling_instances', { InstanceIds: [id] }],
    ['elbv2', 'describe_target_health', { TargetGroupArn: targetGroup }],
  );
  return {
    scaling: ((scaling?.AutoScalingInstances ?? []) as { LifecycleState: string }[]).map((each) => each.LifecycleState),
    targets: ((targets?.TargetHealthDescriptions ?? []) as { Target: object }[]).map(({ Target }) => Target),
  };
}

/** Which of our groups each interface is in, with its rules; '' for others. */
async function isolationOf(interfaces: Record<string, string[]>) {
  const GroupIds = [...new Set(Object.values(interfaces).flat())];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
  return SecurityGroups.map((group) => ({
    which: calledOwnGroup(group),
    rules: [...(group.IpPermissions ?? []), ...(group.IpPermissionsEgress ?? [])],
  }));
}

test('a dry run says what there is to do, and changes nothing', async () => {
  const { id } = await instance('planned');
  const before = await look(id);
  const { status, failure, outputs } = await house.run({ InstanceId: id });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  const [plan = ''] = outputs['Plan.Plan'] ?? [];
  for (const name of [...Object.keys(before.interfaces), ...Object.keys(before.volumes)]) expect(plan).toContain(name);
  expect(plan).toMatch(/Not reached by security groups: DNS .*NAT gateways.*PrivateLink/);
  expect(await house.changes()).toEqual([]);
  expect(await look(id)).toEqual(before);
});

/** A document that acquires the memory, as an account has one, and an agent of the instance that answers to it. */
async function memoryTool(id: string): Promise<{ MemoryDocument: string; MemoryLocation: string }> {
  const MemoryLocation = 's3://evidence-of-ours/memory';
  const inputs = { runCommand: ["acquire-memory '{{ Destination }}'"] };
  const Content = JSON.stringify({
    schemaVersion: '2.2',
    description: 'Acquires the memory by a tool of the image',
    parameters: { Destination: { type: 'String' } },
    mainSteps: [{ action: 'aws:runShellScript', name: 'acquire', inputs }],
  });
  const Name = 'acquire-memory';
  await new SSMClient(house.account.client).send(
    new CreateDocumentCommand({ Name, Content, DocumentType: 'Command', DocumentFormat: 'JSON' }),
  );
  const { account } = house;
  await sharedCloud().doors.bringAgent(account.id, account.region, id, [{ when: MemoryLocation, output: 'acquired' }]);
  return { MemoryDocument: Name, MemoryLocation };
}

test('an instance is kept as evidence, taken out of service and isolated; and goes back as it was', async () => {
  const { id, targetGroup } = await member('taken');
  const before = { ...(await look(id)), ...(await memberships(id, targetGroup)) };
  expect(before).toMatchObject({ scaling: ['InService'], targets: [{ Id: id, Port: 8080 }], shutdown: 'terminate' });
  const since = (await house.calls()).length;

  const contained = await house.run({ ...REAL, InstanceId: id, ...(await memoryTool(id)) });
  expect(contained).toMatchObject({ status: 'Success', failure: '' });
  const now = { ...(await look(id)), ...(await memberships(id, targetGroup)) };
  expect(now).toEqual({
    protected: true,
    shutdown: 'stop',
    volumes: Object.fromEntries(Object.keys(before.volumes).map((volume) => [volume, false])),
    tags: { ...before.tags, 'firebreak:contained': contained.execution },
    interfaces: expect.anything(),
    scaling: ['Standby'],
    targets: [],
  });
  expect(Object.keys(now.interfaces)).toEqual(Object.keys(before.interfaces));
  expect(await isolationOf(now.interfaces)).toEqual([{ which: 'firebreak-quarantine', rules: [] }]);

  // The groups are there before the first interface moves, and nothing comes between the two moves of one.
  const changes = await house.changes(since);
  expect(changes.slice(0, 8)).toEqual([
    'CreateTags',
    'ModifyInstanceAttribute',
    'ModifyInstanceAttribute',
    'EnterStandby',
    'DeregisterTargets',
    'ModifyInstanceAttribute',
    'CreateSnapshots',
    'SendCommand',
  ]);
  expect(changes.slice(-4)).toEqual(Array.from({ length: 4 }, () => 'ModifyNetworkInterfaceAttribute'));
  const moves = (await house.calls()).filter(({ operation }) => operation === 'ModifyNetworkInterfaceAttribute');
  const groups = await ec2.send(
    new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [network.vpc] }] }),
  );
  const called = new Map(groups.SecurityGroups?.map((group) => [group.GroupId, calledOwnGroup(group)]));
  const ids = (resources: readonly string[], kind: string) =>
    resources.filter((arn) => arn.includes(`:${kind}/`)).map((arn) => arn.replace(/^.*\//, ''));
  expect(
    moves.map(({ resources }) => [
      ...ids(resources, 'network-interface'),
      ...ids(resources, 'security-group').map((group) => called.get(group)),
    ]),
  ).toEqual(
    Object.keys(before.interfaces).flatMap((each) => [
      [each, 'firebreak-flush'],
      [each, 'firebreak-quarantine'],
    ]),
  );

  const Filters = [{ Name: 'tag:firebreak:execution', Values: [contained.execution] }];
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }));
  expect(Snapshots.map(({ VolumeId }) => VolumeId).sort()).toEqual(Object.keys(before.volumes).sort());
  const kept = await house.evidence(contained.execution);
  expect(kept['before.json']).toMatchObject({ target: id, continues: null, before: { interfaces: before.interfaces } });
  expect(kept['custody.json']).toMatchObject({
    startedBy: expect.stringContaining(`:${house.account.id}:assumed-role/OrganizationAccountAccessRole/`),
    incident: REAL.Incident,
    approvals: [{ ApprovalStatus: ['Approved'] }],
    commands: [{ Status: ['Success'], CommandId: [expect.any(String)] }],
    did: { snapshots: expect.arrayContaining(Snapshots.map(({ SnapshotId }) => SnapshotId)) },
    evidence: [{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
  });
  expect(contained.outputs['Verify.Report']?.[0]).toMatch(/contained at the network.*Still open: DNS/);

  const restore = { ...REAL, InstanceId: id, Action: 'Restore', Execution: contained.execution };
  expect(await house.run(restore)).toMatchObject({ status: 'Success', failure: '' });
  expect({ ...(await look(id)), ...(await memberships(id, targetGroup)) }).toEqual(before);
}, 240_000);

test('a rejected approval changes nothing', async () => {
  const { id } = await instance('rejected');
  const before = await look(id);
  const { status, execution } = await house.run({ ...REAL, InstanceId: id }, 'Reject');
  expect(status).toBe('Failed');
  expect(await look(id)).toEqual(before);
  expect(await house.evidence(execution)).toEqual({});
});

test('one that was ended half-way is gone on with; what was changed since is said, and nothing is taken back', async () => {
  const { id, groups, targetGroup } = await member('interrupted');
  const before = { ...(await look(id)), ...(await memberships(id, targetGroup)) };
  const { doors } = sharedCloud();
  const [first = '', second = ''] = Object.keys(before.interfaces);
  const operation = 'ModifyNetworkInterfaceAttribute';
  const refused = {
    service: 'ec2',
    operation,
    account: house.account.id,
    resource: `*/${second}`,
    deny: true,
  } as const;
  await doors.setFaults([refused]);
  const contain = { ...REAL, InstanceId: id, AutoScaling: 'Detach' };
  const half = await house.run(contain).finally(() => doors.setFaults([]));
  expect(half.status).toBe('Failed');
  expect(half.steps.find(({ StepName }) => StepName === 'Verify')?.FailureMessage).toContain(
    `${second} is not isolated`,
  );
  expect((await look(id)).interfaces[second]).toEqual(before.interfaces[second]);

  const whole = await house.run(contain);
  expect(whole).toMatchObject({ status: 'Success', failure: '' });
  expect(await memberships(id, targetGroup)).toEqual({ scaling: [], targets: [] });
  expect((await house.evidence(whole.execution))['before.json']).toMatchObject({
    continues: half.execution,
    before: { interfaces: before.interfaces, shutdown: 'terminate' },
  });

  const restore = { ...REAL, InstanceId: id, Action: 'Restore', Execution: whole.execution };
  const isolated = await look(id);
  const open = { NetworkInterfaceId: first, Groups: groups.slice(0, 1) };
  await ec2.send(new ModifyNetworkInterfaceAttributeCommand(open));
  const changed = await house.run({ ...restore, DryRun: 'true' });
  expect(changed.status).toBe('Failed');
  expect(changed.failure).toContain(`the interface ${first} has the groups ${groups[0]}`);
  expect((await look(id)).interfaces).toEqual({ ...isolated.interfaces, [first]: groups.slice(0, 1) });

  await ec2.send(
    new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: first, Groups: isolated.interfaces[first] }),
  );
  expect(await house.run(restore)).toMatchObject({ status: 'Success', failure: '' });
  expect({ ...(await look(id)), ...(await memberships(id, targetGroup)) }).toEqual(before);
}, 240_000);

test('a group in our name with a rule more isolates nobody, and a tag that names nothing is not believed', async () => {
  const { id } = await instance('lured');
  const Filters = [
    { Name: 'vpc-id', Values: [network.vpc] },
    { Name: 'tag:firebreak:role', Values: ['quarantine'] },
  ];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
  const known = SecurityGroups.map(({ GroupId = '' }) => GroupId);
  for (const group of known) await allow(house.account, group, [fromAnywhere('tcp', 22, 22)]);
  const nothing = '01234567-0123-0123-0123-0123456789ab';
  await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'firebreak:contained', Value: nothing }] }));
  const { status, execution } = await house.run({ ...REAL, InstanceId: id });
  expect(status).toBe('Success');
  const { interfaces, tags } = await look(id);
  expect(tags['firebreak:contained']).toBe(execution);
  expect(await isolationOf(interfaces)).toEqual([{ which: 'firebreak-quarantine', rules: [] }]);
  for (const group of Object.values(interfaces).flat()) expect(known).not.toContain(group);
});

test('its role may do what the runbook does, and nothing else', async () => {
  const { declared, used } = await house.actions();
  // AWS's own policies for aws:runCommand have it; the embedded cloud looks at the command by its invocations alone.
  expect(used).toEqual(declared.filter((action) => action !== 'ssm:ListCommands'));
  expect((await house.calls()).filter(({ decision, error }) => decision === 'denied' && error === null)).toEqual([]);
});
