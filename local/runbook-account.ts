import { randomInt } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { loadRunbooks, type Runbook, runbookRole } from '../scripts/runbooks.ts';
import { createAdministrator } from './administrator.ts';
import { type Ended, ended, signal, startAutomation, waitingFor } from './automation.ts';
import { ADMINISTRATOR_ROLE, type Connection, HOME_REGION } from './connection.ts';
import { changing } from './deployed.ts';
import { deployRunbooks } from './deployment.ts';
import type { Call } from './doors.ts';
import type { Account } from './specimen.ts';

type Parameters = Readonly<Record<string, string | readonly string[]>>;

/** An account of its own with the runbooks deployed, and its administrator, who starts one of them and approves. */
export class RunbookAccount {
  readonly account: Account;
  readonly runbook: Runbook;
  readonly #cloud: Connection;

  private constructor(cloud: Connection, account: Account, runbook: Runbook) {
    this.#cloud = cloud;
    this.account = account;
    this.runbook = runbook;
  }

  /** @param file name of the runbook's file, without its ending */
  static async open(cloud: Connection, file: string): Promise<RunbookAccount> {
    const runbook = loadRunbooks().find((each) => each.file === file);
    if (!runbook) throw new Error(`there is no runbook ${file}`);
    const id = String(randomInt(200_000_000_000, 300_000_000_000));
    await createAdministrator(id, cloud.endpoint);
    const account = await cloud.account(id, HOME_REGION);
    await deployRunbooks(account.client, { HomeRegion: HOME_REGION });
    return new RunbookAccount(cloud, account, runbook);
  }

  /** Starts the runbook, answers where it asks for approval, and waits for its end. */
  async run(parameters: Parameters, answer: 'Approve' | 'Reject' = 'Approve'): Promise<Ended & { execution: string }> {
    const execution = await this.start(parameters);
    if (parameters.DryRun === 'false') {
      await waitingFor(this.account.client, execution, 'Approve');
      await signal(this.account.client, execution, answer);
    }
    return { execution, ...(await this.ended(execution)) };
  }

  /** Starts the runbook, and does not wait. */
  start(parameters: Parameters): Promise<string> {
    const Approvers = [`arn:aws:iam::${this.account.id}:role/${ADMINISTRATOR_ROLE}`];
    return startAutomation(this.account.client, this.runbook.document, { Approvers, ...parameters });
  }

  ended(execution: string): Promise<Ended> {
    return ended(this.account.client, execution);
  }

  /** The calls that the runbook's role made so far. */
  async calls(): Promise<readonly Call[]> {
    const role = `:${this.account.id}:assumed-role/${runbookRole(this.runbook.file)}/`;
    return (await this.#cloud.doors.calls()).filter(({ principal }) => principal.includes(role));
  }

  /** Operations by which the role changed something since so many calls, in their order; evidence is not counted. */
  async changes(since = 0): Promise<readonly string[]> {
    const made = (await this.calls()).slice(since).filter((call) => changing(call) && call.service !== 's3');
    return made.map(({ operation }) => operation);
  }

  /** What an execution put into the evidence bucket, by name. */
  async evidence(execution: string): Promise<Record<string, unknown>> {
    const s3 = new S3Client({ ...this.account.client, forcePathStyle: true });
    const Bucket = `firebreak-evidence-${this.account.id}-${this.account.region}`;
    const Prefix = `${this.runbook.file}/${execution}/`;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    const documents = Contents.map(async ({ Key = '' }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return [Key.slice(Prefix.length), JSON.parse((await Body?.transformToString()) ?? '')] as const;
    });
    return Object.fromEntries(await Promise.all(documents));
  }

  /** The IAM actions that the runbook declares, and those that its role was asked about, evidence and custody apart. */
  async actions(): Promise<{ readonly declared: readonly string[]; readonly used: readonly string[] }> {
    const used = (await this.calls())
      .filter(({ decision }) => decision === 'allowed')
      .flatMap(({ actions }) => actions);
    const own = used.filter((action) => !/^s3:(Get|Put)Object$|^ssm:GetAutomationExecution$/.test(action));
    const declared = this.runbook.permissions.flatMap(({ Action }) => Action);
    return { declared: [...new Set(declared)].sort(), used: [...new Set(own)].sort() };
  }
}
