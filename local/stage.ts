import { randomInt } from 'node:crypto';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumedSessions } from '../engine/aws/sessions.ts';
import type { Permission } from '../engine/remediation.ts';
import { document, statements } from '../scripts/generate/roles.ts';
import { cleanUp, inventoryOf } from '../simulations/clean-up.ts';
import { newRunId } from '../simulations/kinds/kind.ts';
import type { Run } from '../simulations/run.ts';
import type { Scenario, Stage } from '../simulations/scenario.ts';
import { readsOf, type Scribe, sessionFor, stageFor, writesOf } from '../simulations/stage.ts';
import type { Intent, Inventory } from '../simulations/store.ts';
import { createAdministrator } from './administrator.ts';
import { type Connection, HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import { deployMember } from './deployment.ts';
import type { Account } from './specimen.ts';

/** Milliseconds for a clean-up, before it is said that something stays. */
const CLEAN_UP_MS = 10_000;

/** What a stage is for: a scenario, or the part of it that a kind is tried with. */
export type Played = Pick<Scenario, 'id' | 'kinds' | 'permissions'>;

/** What a run would do until the process dies. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Keeps in memory what a run is about to make, and interrupts it after a step. */
class Notes implements Scribe {
  /** In the order of making. */
  readonly journal: Intent[] = [];
  /** Calls of `make` and `change` that came to their end. */
  steps = 0;
  readonly #endsAfter: number;

  constructor(endsAfter: number) {
    this.#endsAfter = endsAfter;
  }

  async intend(intent: Intent): Promise<void> {
    this.journal.push(intent);
  }

  async assertHeld(): Promise<void> {}

  async happened(): Promise<void> {
    this.steps += 1;
    if (this.steps === this.#endsAfter) throw new Interrupted(`after step ${this.steps}`);
  }
}

/** A run's stage on the embedded cloud, and what a runner does around it. */
export interface RehearsalStage extends Stage {
  readonly about: Run;
  readonly notes: Notes;
  /** What of all of its kinds has to be the same after a run as before. */
  inventory(): Promise<Inventory>;
  /** Removes what the run left. @throws with what stays */
  cleanUp(): Promise<void>;
}

/** An account of its own with the response roles deployed, so that nobody else changes what is in it. */
export async function sandboxAccount(cloud: Connection): Promise<Account> {
  const id = String(randomInt(200_000_000_000, 300_000_000_000));
  await createAdministrator(id, cloud.endpoint);
  const account = await cloud.account(id, HOME_REGION);
  await deployMember(account.client, { SecurityAccount: SECURITY_ACCOUNT, HomeRegion: HOME_REGION });
  return account;
}

/** Name of the role of a run alone: with it, as a simulator with its own, the run acts. */
export const roleOf = (run: string): string => `simulate-${run}`;

/**
 * Opens the stage of a new run, in a session that is narrowed as a simulator's is: by the role, and by its session policy.
 * Sets the endpoint and the security account's root in the environment, as clients of other roles need them.
 * @param partner the account that is shared with
 * @param endsAfter the step after whose call the run is interrupted
 * @throws when the session policy is longer than STS takes
 */
export async function openStage(
  cloud: Connection,
  account: Account,
  partner: string,
  played: Played,
  endsAfter = Number.POSITIVE_INFINITY,
): Promise<RehearsalStage> {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
  });
  delete process.env.AWS_SESSION_TOKEN;
  const now = Date.now();
  const run: Run = {
    id: newRunId(),
    scenario: played.id,
    fidelity: 'handler-replay',
    place: { account: account.id, region: account.region, partition: 'aws' },
    partner,
    parameters: {},
    launch: 'on-demand',
    startedAt: new Date(now).toISOString(),
    expiresAt: new Date(now + 3_600_000).toISOString(),
    status: 'warming-up',
    watchSeconds: 60,
  };
  const reads = readsOf(played);
  const role = roleOf(run.id);
  const any = { id: '*', place: run.place, fidelity: run.fidelity };
  await createRole(account, role, [{ actions: reads, resources: ['*'] }, ...writesOf(played, any)]);
  const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
  const sessions = new AssumedSessions(home, 'simulate', reads, role);
  const notes = new Notes(endsAfter);
  return {
    ...stageFor(run, played, await sessionFor(played, run, sessions), notes),
    about: run,
    notes,
    inventory: () => inventoryOf(played, run, sessions),
    async cleanUp() {
      // Whoever interrupted it waited for its calls: none is under way.
      const over = { ...run, injectedAt: run.startedAt };
      const left = await cleanUp(played, over, notes.journal, sessions, Date.now() + CLEAN_UP_MS);
      if (left.length > 0) throw new Error(`this run cannot be removed: ${left.join(', ')}`);
    },
  };
}

async function createRole(account: Account, RoleName: string, permissions: readonly Permission[]): Promise<void> {
  const iam = new IAMClient(account.client);
  const trust = { Principal: { AWS: `arn:aws:iam::${SECURITY_ACCOUNT}:root` }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify(document([{ Effect: 'Allow', ...trust }]));
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  const PolicyDocument = JSON.stringify(document(statements(permissions)));
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument }));
}
