import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumedSessions } from '../engine/aws/sessions.ts';
import type { Permission } from '../engine/remediation.ts';
import type { Json } from '../engine/state.ts';
import { EXPIRES_TAG, type Kind, RUN_TAG, runPrefix, SCENARIO_TAG } from '../simulations/kinds/kind.ts';
import type { Scenario, Stage } from '../simulations/scenario.ts';
import { createAdministrator } from './administrator.ts';
import { type Connection, HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import { deployMember } from './deployment.ts';
import type { Account } from './specimen.ts';

/** Looks at what a run left, before it is said that it cannot be removed. */
const MOST_ROUNDS = 20;
const BETWEEN_ROUNDS_MS = 100;

/** What a stage is for: a scenario, or the part of it that a kind is tried with. */
export type Played = Pick<Scenario, 'id' | 'kinds' | 'permissions'>;

/** What a run would do until the process dies. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** An account of its own with the response roles deployed, so that nobody else changes what is in it. */
export async function sandboxAccount(cloud: Connection): Promise<Account> {
  const id = String(randomInt(200_000_000_000, 300_000_000_000));
  await createAdministrator(id, cloud.endpoint);
  const account = await cloud.account(id, HOME_REGION);
  await deployMember(account.client, { SecurityAccount: SECURITY_ACCOUNT, HomeRegion: HOME_REGION });
  return account;
}

/** A run's stage on the embedded cloud. Its session is narrowed as a simulator's is: by the role, and by its session policy. */
export class RehearsalStage implements Stage {
  readonly run: string;
  readonly place;
  readonly partner: string;
  readonly session;
  readonly tags;
  /** The kinds of what was made, in the order of making, and what it was. */
  readonly journal: { readonly kind: Kind; readonly what: string }[] = [];
  /** Calls of `make` and `change`. */
  steps = 0;
  readonly #kinds: readonly Kind[];
  readonly #endsAfter: number;

  private constructor(about: Pick<Stage, 'run' | 'place' | 'partner' | 'session'>, played: Played, endsAfter: number) {
    this.run = about.run;
    this.place = about.place;
    this.partner = about.partner;
    this.session = about.session;
    this.tags = {
      [RUN_TAG]: about.run,
      [SCENARIO_TAG]: played.id,
      [EXPIRES_TAG]: new Date(Date.now() + 3_600_000).toISOString(),
    };
    this.#kinds = played.kinds;
    this.#endsAfter = endsAfter;
  }

  /**
   * Sets the endpoint and the security account's root in the environment, as clients of other roles need them.
   * @param partner the account that is shared with
   * @param endsAfter the step after whose call the run is interrupted
   * @throws when the session policy is longer than STS takes
   */
  static async open(
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
    const run = newRun();
    const place = { account: account.id, region: account.region, partition: 'aws' };
    const reads = readsOf(played);
    const role = `simulate-${run}`;
    await createRole(account, role, [{ actions: reads, resources: ['*'] }, ...ownOf(played, '*', place)]);
    const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
    const sessions = new AssumedSessions(home, 'simulate', reads, role);
    const session = await sessions.write(place, ownOf(played, run, place), run);
    if (!session) throw new Error(`the session policy for a run of ${played.id} is longer than STS takes`);
    return new RehearsalStage({ run, place, partner, session }, played, endsAfter);
  }

  name(what: string): string {
    const name = `${runPrefix(this.run)}${what}`;
    if (!/^[a-z0-9-]{1,63}$/.test(name)) throw new Error(`${name} is no name for everything`);
    return name;
  }

  async make<T>(kind: Kind, what: string, call: () => Promise<T>): Promise<T> {
    if (!this.#kinds.includes(kind)) throw new Error(`${kind.type} is not declared among the kinds`);
    this.journal.push({ kind, what });
    return this.change(what, call);
  }

  async change<T>(_what: string, call: () => Promise<T>): Promise<T> {
    const done = await call();
    this.steps += 1;
    if (this.steps === this.#endsAfter) throw new Interrupted(`after step ${this.steps}`);
    return done;
  }

  /** What of all of its kinds has to be the same after a run as before. */
  async inventory(): Promise<Json> {
    const found = this.#kinds.map(async (kind) => [kind.type, await kind.inventory(this.session, this.place)] as const);
    return Object.fromEntries(await Promise.all(found));
  }

  /** Removes what the run left, the kinds made last first, until there is none. @throws with what stays */
  async cleanUp(): Promise<void> {
    const made = this.journal.map(({ kind }) => kind).reverse();
    const kinds = [...new Set([...made, ...this.#kinds.toReversed()])];
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      let found = 0;
      for (const kind of kinds) {
        const left = await kind.left(this.session, this.place, this.run);
        for (const id of left) await kind.remove(this.session, this.place, id);
        found += left.length;
      }
      if (found === 0) return;
      await sleep(round === 0 ? 0 : BETWEEN_ROUNDS_MS);
    }
    const left = await Promise.all(kinds.map((kind) => kind.left(this.session, this.place, this.run)));
    throw new Error(`this run cannot be removed: ${left.flat().join(', ')}`);
  }
}

/** All that a run may read. */
export const readsOf = ({ kinds }: Played): string[] => [
  ...new Set(kinds.flatMap(({ permissions }) => permissions.read)),
];

/** All that a run may do beside: of its kinds, and of the scenario. */
export const ownOf = ({ kinds, permissions }: Played, run: string, place: Stage['place']): Permission[] => [
  ...kinds.flatMap((kind) => kind.permissions.own(run, place)),
  ...permissions(run, place),
];

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const newRun = (): string => [...randomBytes(10)].map((byte) => LETTERS[byte % LETTERS.length]).join('');

async function createRole(account: Account, RoleName: string, permissions: readonly Permission[]): Promise<void> {
  const iam = new IAMClient(account.client);
  const document = (Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
  const trust = { Principal: { AWS: `arn:aws:iam::${SECURITY_ACCOUNT}:root` }, Action: 'sts:AssumeRole' };
  await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document([{ Effect: 'Allow', ...trust }]) }),
  );
  const statements = permissions.map(({ actions: Action, resources: Resource, condition: Condition }) => ({
    ...{ Effect: 'Allow', Action, Resource },
    ...(Condition && { Condition }),
  }));
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument: document(statements) }));
}
