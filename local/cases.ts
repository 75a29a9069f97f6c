import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeSecurityGroupsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { sessionConfig } from '../engine/aws/session.ts';
import type { Finding } from '../engine/findings/finding.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import type { Plan, Target } from '../engine/remediation.ts';
import type { Response, ResponseRecord } from '../engine/response.ts';
import { responseId, targetOf } from '../engine/targets.ts';
import { type Connection, HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import { allow, createGroup, createNetwork, fromAnywhere, fromAnywhereV6 } from './exposures/network.ts';
import { findingOn } from './findings.ts';
import { told } from './scenes.ts';
import type { Account } from './specimen.ts';

/** Milliseconds for a deployed worker to come to an end. */
const PATIENCE_MS = 20_000;
const REMEDIATION = 'network.close-open-ingress';

/** The ledger of the embedded cloud, as an administrator sees it. @param now the clock that it writes by */
export function deployedLedger({ endpoint }: Connection, now?: () => Date): DynamoDbLedger {
  const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
  return new DynamoDbLedger(session, LEDGER_TABLE, now);
}

/** Asks until the answer is there. @throws when it does not come */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}

/** A security group that lets the world in by Remote Desktop, of which Security Hub tells the deployed service. */
export class OpenDesktop {
  readonly target: Target;
  readonly #cloud: Connection;
  readonly #account: Account;
  readonly #ledger: DynamoDbLedger;

  private constructor(cloud: Connection, account: Account, target: Target) {
    this.target = target;
    this.#cloud = cloud;
    this.#account = account;
    this.#ledger = deployedLedger(cloud);
  }

  static async make(cloud: Connection): Promise<OpenDesktop> {
    const account = await cloud.account(MEMBER_ACCOUNTS[1], 'us-east-1');
    const group = await createGroup(account, await createNetwork(account), `desktops-${randomUUID().slice(0, 8)}`);
    await allow(account, group, [
      fromAnywhere('tcp', 3389, 3389, 'while we move'),
      fromAnywhereV6('tcp', 3389, 3389),
      fromAnywhere('tcp', 443, 443),
    ]);
    const place = { account: account.id, region: account.region, partition: 'aws' };
    const target = targetOf('AWS::EC2::SecurityGroup', place, group);
    if (!target) throw new Error(`${group} is no security group`);
    return new OpenDesktop(cloud, account, target);
  }

  /** Whom it lets in, in one order. */
  async rules(): Promise<readonly string[]> {
    const ec2 = new EC2Client(this.#account.client);
    const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [this.target.id] }));
    return (SecurityGroups?.[0]?.IpPermissions ?? [])
      .flatMap(({ FromPort, IpRanges = [], Ipv6Ranges = [] }) => [
        ...IpRanges.map(({ CidrIp, Description }) => `${FromPort} ${CidrIp} ${Description ?? ''}`),
        ...Ipv6Ranges.map(({ CidrIpv6, Description }) => `${FromPort} ${CidrIpv6} ${Description ?? ''}`),
      ])
      .sort();
  }

  /** Somebody opens more ports. */
  async open(from: number, to: number): Promise<void> {
    await allow(this.#account, this.target.id, [fromAnywhere('tcp', from, to, 'by somebody else')]);
  }

  /** Security Hub tells of it, and the worker answers. @returns the response as it ended */
  async tell(): Promise<Response> {
    const bus = { account: SECURITY_ACCOUNT, region: HOME_REGION };
    const { account, region, entry } = told(
      'securityhub/security-group-open-rdp',
      { 'sg-09f7b3d6e18c2a450': this.target.id },
      bus,
    );
    const [event] = await this.#cloud.doors.emit(account, region, [entry]);
    return eventually(`a response to ${event?.id}`, async () => {
      const since = new Date(Date.now() - 60_000);
      const all = await this.#ledger.list({ since, limit: 1_000 });
      return all.find(({ correlation, outcome }) => correlation === event?.id && outcome !== undefined);
    });
  }

  /** The record of a response, when that has ended as `outcome` says, or at all. */
  ended(id: string, outcome?: Response['outcome']): Promise<ResponseRecord> {
    return eventually(`the end of ${id}${outcome ? `, ${outcome}` : ''}`, async () => {
      const record = await this.#ledger.get(id);
      const now = record?.response.outcome;
      return (outcome ? now === outcome : now && now !== 'awaiting-approval') ? record : undefined;
    });
  }
}

/** A response in the ledger that awaits approval, of which no worker knows. @param now when it came to wait */
export async function paperCase(cloud: Connection, about: Partial<Finding> = {}, now = new Date()): Promise<Response> {
  const ledger = deployedLedger(cloud, () => now);
  const place = { account: MEMBER_ACCOUNTS[0], region: HOME_REGION, partition: 'aws' };
  const id = `sg-${randomUUID().replaceAll('-', '').slice(0, 17)}`;
  const target = targetOf('AWS::EC2::SecurityGroup', place, id);
  if (!target) throw new Error(`${id} is no security group`);
  const finding = findingOn(target, 'securityhub', 'EC2.14', about);
  const { source, type, severity, title } = finding;
  const response: Response = {
    id: responseId(REMEDIATION, target, randomUUID()),
    remediation: REMEDIATION,
    target,
    correlation: finding.id,
    finding: { source, type, id: finding.id, severity, title },
    startedAt: now.toISOString(),
  };
  const plan: Plan = { before: { rules: ['open'] }, after: { rules: [] }, facts: {} };
  await ledger.open(response, finding);
  await ledger.plan(response.id, plan);
  return ledger.close(response, { outcome: 'awaiting-approval', reason: 'needs approval' });
}
