import {
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Finding } from '../../engine/findings/finding.ts';
import type { Target } from '../../engine/remediation.ts';
import { contract } from '../../local/contract.ts';
import { attachInterface, runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork, type Network } from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account, Exposed, Specimen } from '../../local/specimen.ts';
import isolateInstance from './isolate-instance.ts';

type Groups = Record<string, string[]>;

/** The groups of each interface of an instance. */
async function groupsOf({ client }: Account, instance: string): Promise<Groups> {
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

/** Volumes of an instance, and those that a snapshot was made of. */
async function volumesOf({ client }: Account, instance: string): Promise<{ all: string[]; kept: string[] }> {
  const ec2 = new EC2Client(client);
  const { Volumes = [] } = await ec2.send(
    new DescribeVolumesCommand({ Filters: [{ Name: 'attachment.instance-id', Values: [instance] }] }),
  );
  const all = Volumes.map(({ VolumeId = '' }) => VolumeId).sort();
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters: [{ Name: 'volume-id', Values: all }] }),
  );
  return { all, kept: Snapshots.map(({ VolumeId = '' }) => VolumeId).sort() };
}

const about = (account: Account, { type, id }: Target, finding: string): Finding =>
  findingAbout(account, { source: 'guardduty', type: finding, resources: [{ type, id }] });

async function exposed(account: Account, network: Network, target: Target, groups: string[]): Promise<Exposed> {
  const neighbour = await runInstanceWithData(account, network, groups.slice(0, 2));
  const look = async () => ({
    own: await groupsOf(account, target.id),
    neighbour: await groupsOf(account, neighbour.id),
    rules: await rulesOf(account, groups),
  });
  return {
    target,
    finding: about(account, target, 'Backdoor:EC2/C&CActivity.B'),
    observe: look,
    untouched: (observed) => ({ ...(observed as Awaited<ReturnType<typeof look>>), own: {} }),
    async closed() {
      const own = Object.values(await groupsOf(account, target.id));
      const { all, kept } = await volumesOf(account, target.id);
      const one = own.flat();
      return (
        own.every(({ length }) => length === 1) &&
        (await rulesOf(account, one)).length === 0 &&
        JSON.stringify(all) === JSON.stringify(kept)
      );
    },
    async alter() {
      const [NetworkInterfaceId] = Object.keys(await groupsOf(account, target.id));
      await new EC2Client(account.client).send(
        new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups: groups.slice(0, 1) }),
      );
    },
  };
}

const specimen: Specimen = {
  async expose(account, name, size) {
    const network = await createNetwork(account);
    const groups: string[] = [];
    for (let index = 0; index < (size === 'usual' ? 2 : 75); index++) {
      groups.push(await createGroup(account, network, `${name}-${index}`));
    }
    const target = await runInstanceWithData(account, network, groups.slice(0, size === 'usual' ? 2 : 5));
    for (let index = 1; index < (size === 'usual' ? 2 : 15); index++) {
      const own = size === 'usual' ? groups : groups.slice(index * 5, index * 5 + 5);
      await attachInterface(account, network, target.id, index, own);
    }
    return exposed(account, network, target, groups);
  },
};

contract(isolateInstance, specimen);
