import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { Action, Target } from '../engine/remediation.ts';
import { PREFIX } from '../functions/runbooks/automation.ts';
import { signIn } from './analyst.ts';
import { type Ended, ended, signal, startAutomation, waitingFor } from './automation.ts';
import { deployedLedger } from './cases.ts';
import { type Connection, HOME_REGION, MEMBER_ACCOUNTS } from './connection.ts';
import type { Specimen } from './specimen.ts';

type Caller = Awaited<ReturnType<typeof signIn>>;

/** What a person says to a runbook. */
export type Said = Readonly<Record<string, string | readonly string[]>>;

/** The runbook of a remediation on the embedded cloud, and two people: one may start it, the other approve. */
export class RunbookDesk {
  readonly cloud: Connection;
  readonly document: string;
  readonly starter: Caller;
  readonly approver: Caller;

  private constructor(cloud: Connection, remediation: string, starter: Caller, approver: Caller) {
    this.cloud = cloud;
    this.document = `${PREFIX}${remediation}`;
    this.starter = starter;
    this.approver = approver;
  }

  static async open(cloud: Connection, remediation: string): Promise<RunbookDesk> {
    const starter = await signIn(cloud, 'rita', 'firebreak-runbook-starter');
    return new RunbookDesk(cloud, remediation, starter, await signIn(cloud, 'ann', 'firebreak-runbook-approver'));
  }

  /** Of a client that calls as somebody. */
  as({ credentials }: Caller) {
    return { region: HOME_REGION, endpoint: this.cloud.endpoint, credentials };
  }

  /** @returns the id of the execution */
  start(said: Said): Promise<string> {
    return startAutomation(this.as(this.starter), this.document, said);
  }

  end(execution: string): Promise<Ended> {
    return ended(this.as(this.starter), execution);
  }

  /** Starts it where nobody has to approve anything, and waits for its end. */
  async run(said: Said): Promise<Ended> {
    return this.end(await this.start(said));
  }

  /** Starts it in earnest, and waits until it asks for an approval. @returns the id of the execution */
  async ask(said: Said): Promise<string> {
    const execution = await this.start({ ...said, DryRun: 'false', Approvers: [this.approver.arn] });
    await waitingFor(this.as(this.starter), execution, 'approve');
    return execution;
  }

  /** Says yes or no, and waits for the end. */
  async decide(execution: string, word: 'Approve' | 'Reject', comment?: string): Promise<Ended> {
    await signal(this.as(this.approver), execution, word, comment);
    return this.end(execution);
  }
}

/** What the parameters say of a target. */
export const aimedAt = ({ arn, account, region }: Target): Said => ({ Target: arn, Account: account, Region: region });

/** How a runbook ended: its status, and the outcome and id of its response. */
export const endOf = ({ status, outputs }: Ended) => ({
  status,
  outcome: outputs['verify.outcome']?.[0],
  response: outputs['verify.response']?.[0] ?? '',
});

/** That the generated runbook of a remediation does with the deployed worker what the remediation promises, and takes it back. */
export function runbookContract(action: Action, specimen: Specimen, cloud: () => Connection): void {
  test('is planned, fixed and taken back by its runbook', async () => {
    const desk = await RunbookDesk.open(cloud(), action.id);
    const account = await cloud().account(MEMBER_ACCOUNTS[0], HOME_REGION);
    const exposed = await specimen.expose(account, `t${randomUUID().slice(0, 8)}`, 'usual');
    const before = await exposed.observe();
    const apply = aimedAt(exposed.target);

    const planned = await desk.run(apply);
    expect([planned.failure, endOf(planned)]).toEqual([
      '',
      { status: 'Success', outcome: 'observed', response: expect.any(String) },
    ]);
    const ledger = deployedLedger(cloud());
    const looked = async (id = '') => (await ledger.get(id))?.response.looks;
    expect(await looked(endOf(planned).response)).toBe(true);
    const asked = await desk.ask(apply);
    expect(await exposed.observe()).toEqual(before);
    const fixed = await desk.decide(asked, 'Approve');
    expect(endOf(fixed)).toMatchObject({ status: 'Success', outcome: 'verified' });
    expect(await exposed.closed()).toBe(true);
    const after = await exposed.observe();

    const restore = { Action: 'Restore', Response: endOf(fixed).response };
    const shown = endOf(await desk.run(restore));
    expect(shown).toMatchObject({ status: 'Success', outcome: 'observed' });
    expect([await looked(shown.response), await looked(endOf(fixed).response)]).toEqual([true, undefined]);
    const back = await desk.ask(restore);
    expect(await exposed.observe()).toEqual(after);
    expect(endOf(await desk.decide(back, 'Approve'))).toMatchObject({ status: 'Success', outcome: 'undone' });
    expect(await exposed.observe()).toEqual(before);
  }, 120_000);
}
