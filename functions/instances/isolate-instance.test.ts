import {
  CreateTagsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FLUSH, QUARANTINE } from '../../engine/own-groups.ts';
import type { Plan } from '../../engine/remediation.ts';
import { triggers } from '../../engine/triggers.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import { attachInterface, runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork } from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account, Specimen } from '../../local/specimen.ts';
import { BRUTE_FORCE, COMPROMISE } from './compromise.ts';
import { takeEvidence } from './evidence.ts';
import isolateInstance from './isolate-instance.ts';
import { isolated, isolationState } from './isolation-state.ts';

/** The groups of each interface of an instance. */
async function groupsOf({ client }: Account, instance: string): Promise<Record<string, string[]>> {
  const Filters = [{ Name: 'attachment.instance-id', Values: [instance] }];
  const { NetworkInterfaces = [] } = await new EC2Client(client).send(
    new DescribeNetworkInterfacesCommand({ Filters }),
  );
  const groups = NetworkInterfaces.map(({ NetworkInterfaceId = '', Groups = [] }) => [
    NetworkInterfaceId,
    Groups.map(({ GroupId = '' }) => GroupId).sort(),
  ]);
  return Object.fromEntries(groups.sort());
}

async function rulesOf({ client }: Account, groups: string[]): Promise<string[]> {
  const Filters = [{ Name: 'group-id', Values: groups }];
  const { SecurityGroupRules = [] } = await new EC2Client(client).send(
    new DescribeSecurityGroupRulesCommand({ Filters }),
  );
  return SecurityGroupRules.map((rule) => `${rule.GroupId} ${rule.IsEgress} ${rule.CidrIpv4 ?? rule.CidrIpv6}`).sort();
}

/** True when each volume of an instance has one snapshot. */
async function isKept({ client }: Account, instance: string): Promise<boolean> {
  const ec2 = new EC2Client(client);
  const attached = [{ Name: 'attachment.instance-id', Values: [instance] }];
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: attached }));
  const volumes = Volumes.map(({ VolumeId = '' }) => VolumeId).sort();
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: [{ Name: 'volume-id', Values: volumes }] }),
  );
  const kept = Snapshots.map(({ VolumeId = '' }) => VolumeId).sort();
  return volumes.length === 2 && JSON.stringify(volumes) === JSON.stringify(kept);
}

/** Two interfaces with the same two groups; largest: as many interfaces and groups as AWS lets an instance have. */
const specimen: Specimen = {
  async expose(account, name, size) {
    const network = await createNetwork(account);
    const [interfaces, each] = size === 'usual' ? [2, 2] : [15, 5];
    const groups: string[] = [];
    for (let index = 0; index < (size === 'usual' ? each : interfaces * each); index++) {
      groups.push(await createGroup(account, network, `${name}-${index}`));
    }
    const some = (index: number) => groups.slice((index * each) % groups.length).slice(0, each);
    const tags: Record<string, string> = size === 'usual' ? { Name: 'shop', team: '' } : {};
    const target = await runInstanceWithData(account, network, some(0), tags);
    for (let index = 1; index < interfaces; index++) {
      await attachInterface(account, network, target.id, index, some(index));
    }
    const neighbour = await runInstanceWithData(account, network, some(0));
    const look = async () => ({
      own: await groupsOf(account, target.id),
      neighbour: await groupsOf(account, neighbour.id),
      rules: await rulesOf(account, groups),
    });
    const { type, id } = target;
    return {
      target,
      tags,
      finding: findingAbout(account, {
        source: 'guardduty',
        type: 'Backdoor:EC2/C&CActivity.B',
        resources: [{ type, id }],
      }),
      observe: look,
      untouched: (observed) => ({ ...(observed as Awaited<ReturnType<typeof look>>), own: {} }),
      async closed() {
        const own = Object.values(await groupsOf(account, target.id));
        const isolated = own.every(({ length }) => length === 1) && (await rulesOf(account, own.flat())).length === 0;
        return isolated && (await isKept(account, target.id));
      },
      async alter() {
        const [NetworkInterfaceId] = Object.keys(await groupsOf(account, target.id));
        await new EC2Client(account.client).send(
          new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups: groups.slice(0, 1) }),
        );
      },
    };
  },
};

contract(isolateInstance, specimen);

test('evidence has the tags of its volume, and is taken though they are too many', async () => {
  const account = await sharedCloud().account(MEMBER_ACCOUNTS[0], HOME_REGION);
  const ec2 = new EC2Client(account.client);
  const { id } = await runInstanceWithData(account, await createNetwork(account), []);
  const attached = [{ Name: 'attachment.instance-id', Values: [id] }];
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: attached }));
  const [first = '', second = ''] = Volumes.map(({ VolumeId }) => VolumeId);
  const tag = (volume: string, keys: string[]) =>
    ec2.send(new CreateTagsCommand({ Resources: [volume], Tags: keys.map((Key) => ({ Key, Value: 'theirs' })) }));
  const keysOf = async (volume: string) => {
    const taken = await takeEvidence(ec2, id, 'instances-evidence');
    const SnapshotIds = taken.filter((each) => each.volume === volume).map(({ snapshot }) => snapshot);
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }));
    return Snapshots.flatMap(({ Tags = [] }) => Tags.map(({ Key }) => Key)).sort();
  };
  const own = ['firebreak:instance', 'firebreak:purpose', 'firebreak:response'];

  await tag(first, ['owner']);
  expect(await keysOf(first)).toEqual([...own, 'owner']);
  await tag(
    second,
    Array.from({ length: 50 }, (_, index) => `key-${index}`),
  );
  expect(await keysOf(first)).toEqual(own);
});

const ACCOUNT = { id: '444455556666', region: 'eu-west-1' };
const FACTS = {
  volumes: ['vol-00000001', 'vol-00000002'],
  evidence: [],
  unchangeable: [],
  autoScalingGroup: null,
  forwards: false,
  bastion: false,
};

function context(score = 8, source: 'guardduty' | 'operator' = 'guardduty') {
  const finding = { ...findingAbout(ACCOUNT, { source, type: 'any', resources: [] }), score };
  const record = async () => undefined;
  return { finding, parameters: isolateInstance.parameters.parse({}), response: 'r', now: new Date(), record };
}
const planOf = (groups: string[], facts: object = {}): Plan => {
  const before = { evidence: [], groups: [], 'interface/eni-00000001': groups };
  return { before, after: isolated(before, FACTS.volumes), facts: { ...FACTS, ...facts } };
};

describe('the findings it handles', () => {
  const handles = (type: string, role: 'actor' | 'target') => {
    const finding = { ...findingAbout(ACCOUNT, { source: 'guardduty', type, resources: [] }), role };
    return isolateInstance.handles.some((trigger) => triggers(trigger, finding));
  };

  test('mean compromise whatever part the instance plays, but brute force only where it is the actor', () => {
    for (const type of COMPROMISE.flatMap(({ types }) => types)) {
      expect([handles(type, 'actor'), handles(type, 'target')]).toEqual([true, true]);
    }
    for (const type of BRUTE_FORCE) expect([handles(type, 'actor'), handles(type, 'target')]).toEqual([true, false]);
  });

  test('are none about others trying it, and none about keys or buckets', () => {
    const types = [...COMPROMISE.flatMap(({ types }) => types), ...BRUTE_FORCE];
    expect(types.filter((type) => !/^\w+:(EC2|Runtime)\//.test(type) || /Recon|Probe|Portscan/.test(type))).toEqual([]);
    expect(new Set(types).size).toBe(types.length);
  });
});

describe('it is refused', () => {
  test('below the severity that the policy asks for, unless a person asks', () => {
    const plan = planOf(['sg-00000001']);
    expect(isolateInstance.decline?.(plan, context(6.9))).toMatchObject({ outcome: 'refused' });
    expect(isolateInstance.decline?.(plan, context(7))).toBeUndefined();
    expect(isolateInstance.decline?.(plan, context(0, 'operator'))).toBeUndefined();
    expect(isolateInstance.parameters.safeParse({ minimumScore: 0 }).success).toBe(false);
  });

  test('where an interface cannot be changed', () => {
    const plan = planOf(['sg-00000001'], { unchangeable: ['eni-00000002 is managed by an AWS service'] });
    expect(isolateInstance.decline?.(plan, context())?.reason).toMatch('eni-00000002 is managed by an AWS service');
  });
});

test('a person looks first where others depend on it', () => {
  expect(isolateInstance.caution?.(planOf(['sg-00000001']), context())).toBeUndefined();
  const group = planOf(['sg-00000001'], { autoScalingGroup: 'web' });
  expect(isolateInstance.caution?.(group, context())).toMatch('Auto Scaling');
  const router = planOf(['sg-00000001'], { forwards: true });
  expect(isolateInstance.caution?.(router, context())).toMatch('forwards');
  const bastion = planOf(['sg-00000001'], { bastion: true });
  expect(isolateInstance.caution?.(bastion, context())).toMatch('bastion');
});

test('nothing holds up an instance that an interrupted response left open', () => {
  const open = planOf([FLUSH], { autoScalingGroup: 'web', forwards: true, unchangeable: ['eni-00000002'] });
  expect(isolateInstance.decline?.(open, context(1))).toBeUndefined();
  expect(isolateInstance.caution?.(open, context(1))).toBeUndefined();
});

test('the wanted state is recorded and read back as such', () => {
  const group = fc.constantFrom(QUARANTINE, FLUSH, 'sg-00000001', 'sg-00000002');
  const state = fc.dictionary(
    fc.constantFrom('interface/eni-00000001', 'interface/eni-00000002'),
    fc.uniqueArray(group, { minLength: 1 }),
  );
  fc.assert(
    fc.property(state, (before) => {
      const after = isolated(before, FACTS.volumes);
      expect(isolationState.parse(after)).toEqual(after);
      expect(isolated(after, FACTS.volumes)).toEqual(after);
      expect(Object.keys(after)).toEqual(expect.arrayContaining(Object.keys(before)));
    }),
  );
  expect(isolationState.safeParse({ 'interface/eni-00000001': ['*'] }).success).toBe(false);
});
