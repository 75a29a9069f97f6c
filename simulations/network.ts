import { DescribeSubnetsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import type { Permission } from '../engine/remediation.ts';

const TAG = 'firebreak:sandbox';
const NETWORK = 'network';

/** Tags of the VPC that each sandbox account keeps for simulations, and of the subnet in it. */
export const NETWORK_TAGS: Readonly<Record<string, string>> = { [TAG]: NETWORK };

/** Only in that VPC, and in that subnet. */
export const inSandbox = { StringEquals: { [`aws:ResourceTag/${TAG}`]: NETWORK } } satisfies Permission['condition'];

/** With which it is found. */
export const findsNetwork: Permission = { actions: ['ec2:DescribeSubnets'], resources: ['*'] };

/** The network of the sandbox account and Region. Nothing in it has a public address. */
export interface SandboxNetwork {
  readonly vpc: string;
  readonly subnet: string;
}

/** @throws where the account is not set up for simulations in the Region */
export async function sandboxNetwork(ec2: EC2Client): Promise<SandboxNetwork> {
  const Filters = [{ Name: `tag:${TAG}`, Values: [NETWORK] }];
  const { Subnets } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
  const { VpcId: vpc, SubnetId: subnet } = Subnets?.[0] ?? {};
  if (!vpc || !subnet) throw new Error(`no subnet here is tagged ${TAG}=${NETWORK}: the sandbox is not set up`);
  return { vpc, subnet };
}
