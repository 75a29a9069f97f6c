import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '../engine/findings/finding.ts';
import { normalise } from '../engine/findings/normalise.ts';
import { askedFor } from '../engine/findings/operator.ts';
import type { Action, Permission, Target } from '../engine/remediation.ts';
import { respond } from '../engine/respond.ts';
import type { Outcome, Response } from '../engine/response.ts';
import { responseId, targetFromArn, targetsOf, workerOf } from '../engine/targets.ts';
import { loadWorkers } from '../scripts/workers.ts';
import { askedOf, eventsOf } from '../simulations/events.ts';
import type { ExpectedResponse, Scenario, Things } from '../simulations/scenario.ts';
import { readsOf, writesOf } from '../simulations/stage.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from './connection.ts';
import { sharedCloud } from './contract.ts';
import { deployedHouse } from './house.ts';
import { questionsOf } from './session-proofs.ts';
import type { Account } from './specimen.ts';
import { Interrupted, openStage, type RehearsalStage, roleOf, sandboxAccount } from './stage.ts';

/** What a scenario needs, beside what it makes itself. */
export interface Rehearsal {
  /** Makes what the sandbox's set-up has: a golden snapshot, a network. */
  readonly prepare?: (account: Account) => Promise<void>;
  /** Makes what else a run can leave, so that it has to go too. */
  readonly leave?: (account: Account, things: Things) => Promise<void>;
  /** Parameters of the scenario, where its defaults are not for this. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Parameters of remediations, as the policy of simulations has them; before the scenario's own `judgedBy`. */
  readonly policy?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** How services say that IAM does not allow a call. */
const DENIED = /not authorized|Access Denied/i;
/** Actions that change nothing, by their names. */
const READS = /:(Describe|Get|List)/;
/** Ends that leave the resource as it is, which then is what the scenario expects. */
const LEFT_ALONE: ReadonlySet<Outcome> = new Set(['compliant', 'excepted', 'failed', 'gone', 'refused']);

/**
 * What every scenario promises, tried in an account of its own, in the session that a run has: what it makes and breaks is
 * answered as it says, it reaches nothing of another run, and wherever it stops nothing is left of it.
 */
export function scenarioContract(scenario: Scenario, rehearsal: Rehearsal = {}): void {
  describe(`the contract of ${scenario.id}`, () => {
    const cloud = sharedCloud();
    const [, partner] = MEMBER_ACCOUNTS;
    const environment = { ...process.env };
    const parameters = scenario.parameters.parse({ ...rehearsal.parameters });
    const used = new Set<string>();
    let account: Account;
    let declared: string[] = [];

    const open = async (endsAfter?: number): Promise<RehearsalStage> => {
      const stage = await openStage(cloud, account, partner, scenario, endsAfter);
      declared = [...readsOf(scenario), ...writesOf(scenario, stage.about).flatMap(({ actions }) => actions)];
      return stage;
    };
    const end = async (stage: RehearsalStage): Promise<void> => {
      await stage.cleanUp();
      for (const { principal, decision, actions } of await cloud.doors.calls()) {
        if (decision === 'allowed' && principal.includes(`/${roleOf(stage.run)}/`))
          for (const action of actions) used.add(action);
      }
    };

    /** What a run may do that nobody else may: it names the run. */
    const narrowedTo = ({ run, about }: RehearsalStage): Permission[] =>
      writesOf(scenario, about).filter((permission) => JSON.stringify(permission).includes(run));

    beforeAll(async () => {
      account = await sandboxAccount(cloud);
      await rehearsal.prepare?.(account);
    });
    afterAll(() => {
      process.env = environment;
    });

    test('is filed under its id, with ids of ATT&CK and CSF', () => {
      expect(scenario.id).toMatch(/^[a-z-]+\.[a-z0-9-]+$/);
      for (const id of scenario.attack) expect(id).toMatch(/^T1\d{3}(\.\d{3})?$/);
      for (const id of scenario.csf) expect(id).toMatch(/^(GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-\d\d$/);
      expect(Object.keys(scenario.minutes)).not.toEqual([]);
    });

    test('is answered as it says, and leaves the account as it was', async () => {
      const stage = await open();
      const before = await stage.inventory();
      const things = await scenario.warmUp(stage, parameters);
      // What it made is seen, or nothing was attested by the same inventory before and after.
      expect(await stage.inventory()).not.toEqual(before);
      await scenario.inject(stage, things, parameters);
      const outcomes = scenario.responses.map(({ outcome }) => outcome);
      expect(await scenario.expect(stage, things, parameters)).toBe(outcomes.every((each) => LEFT_ALONE.has(each)));

      for (const expected of scenario.responses) {
        const ended: Response[] = [];
        for (const finding of await findingsOf(scenario, things, stage)) {
          ended.push(...(await answer(expected, finding, things, stage)));
        }
        const { outcome, because = '' } = expected;
        const found = ended.find((response) => response.outcome === outcome && response.reason?.includes(because));
        // Told what came instead, where this fails.
        expect(found ?? ended).toMatchObject({ outcome });
        expect(ended.filter(({ outcome }) => outcome === 'verified').length).toBeLessThanOrEqual(1);
      }
      expect(await scenario.expect(stage, things, parameters)).toBe(true);
      if (scenario.recovered) expect(await scenario.recovered(stage, things, parameters)).toBe(true);
      await rehearsal.leave?.(account, things);
      // As the attestation does, with what responses made there too.
      await stage.inventory();
      await end(stage);
      expect(await stage.inventory()).toEqual(before);
    });

    test('can change nothing of another run', async () => {
      const [ours, theirs] = [await open(), await open()];
      const things = await scenario.warmUp(theirs, parameters);
      const before = await theirs.inventory();
      await expect(scenario.inject(ours, things, parameters)).rejects.toThrow(DENIED);
      for (const kind of scenario.kinds) {
        for (const id of await kind.left(ours.session, ours.place, theirs.run)) {
          await expect(kind.remove(ours.session, ours.place, id)).rejects.toThrow(DENIED);
        }
      }
      await ours.cleanUp();
      expect(await theirs.inventory()).toEqual(before);

      const [session] = await cloud.doors.sessions(`firebreak-sim-${ours.run}`);
      const questions = questionsOf(narrowedTo(theirs));
      const answers = await cloud.doors.decisions(session?.accessKeyId ?? '', questions);
      expect(questions.filter((_, index) => answers[index]?.allowed)).toEqual([]);
      await theirs.cleanUp();
    });

    test('narrows to the run every action that changes something', async () => {
      const stage = await open();
      const narrowed = narrowedTo(stage).flatMap(({ actions }) => actions);
      const free = writesOf(scenario, stage.about)
        .filter(({ condition }) => !condition || !JSON.stringify(condition).includes('"ec2:CreateAction"'))
        .flatMap(({ actions }) => actions)
        .filter((action) => !READS.test(action) && !narrowed.includes(action));
      expect(free).toEqual([]);
    });

    test('leaves nothing wherever it is interrupted', async () => {
      const whole = await open();
      const before = await whole.inventory();
      await scenario.inject(whole, await scenario.warmUp(whole, parameters), parameters);
      await end(whole);
      expect(whole.notes.steps).toBeGreaterThan(0);
      for (let step = 1; step <= whole.notes.steps; step += 1) {
        const stage = await open(step);
        const played = scenario.warmUp(stage, parameters).then((things) => scenario.inject(stage, things, parameters));
        await expect(played).rejects.toThrow(Interrupted);
        await stage.cleanUp();
        // A second clean-up, by whoever else came to it, finds nothing to do.
        await stage.cleanUp();
        expect(await stage.inventory()).toEqual(before);
      }
    });

    test('declares every IAM action that it uses, and no other', () => {
      expect([...used].sort()).toEqual([...new Set(declared)].sort());
    });

    /** The responses of the deployed worker to a finding, for the resource that is expected. */
    async function answer(
      { remediation, target }: ExpectedResponse,
      finding: Finding,
      things: Things,
      stage: RehearsalStage,
    ): Promise<Response[]> {
      const action = await actionOf(remediation);
      const judgedBy = { ...rehearsal.policy?.[remediation], ...scenario.judgedBy?.[remediation] };
      const house = await deployedHouse(cloud, action, judgedBy);
      const meant = await targetsOf(action, finding, house.sessions, action.parameters.parse(judgedBy));
      const own = meant?.filter(({ arn }) => arn === target(things, stage.place)) ?? [];
      expect(own).toHaveLength(1);
      const respondTo = (one: Target): Promise<Response> => {
        const message = randomUUID();
        const id = responseId(action.id, one, message);
        return respond({ id, action, target: one, finding, correlation: message }, house);
      };
      return Promise.all(own.map(respondTo));
    }
  });
}

async function actionOf(remediation: string): Promise<Action> {
  const workers = await loadWorkers([workerOf(remediation)]);
  const action = workers.flatMap(({ remediations }) => remediations).find(({ id }) => id === remediation);
  if (!action) throw new Error(`there is no remediation ${remediation}`);
  return action;
}

/** What the services tell of a run's things, as the workers read it, and what the simulator asks for. */
async function findingsOf(scenario: Scenario, things: Things, { about }: RehearsalStage): Promise<Finding[]> {
  const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
  const { account, region } = about.place;
  const run = { ...about, things };
  const told = scenario.findings.flatMap((expected) => {
    const { source, type } = expected;
    return eventsOf({ ...scenario, findings: [expected] }, run, home, new Date()).flatMap((event) => {
      const { findings = [], rejection } = normalise(JSON.stringify(event));
      expect(rejection).toBeUndefined();
      expect(findings).toMatchObject([{ source, type, account, region, status: 'active' }]);
      return findings;
    });
  });
  const asked = askedOf(scenario, run).map(async ({ remediation, arn, reason }) => {
    const target = targetFromArn((await actionOf(remediation)).resource, arn, about.place);
    if (!target) throw new Error(`${remediation} acts on nothing like ${arn}`);
    return askedFor(target, { id: about.id, title: reason, from: home });
  });
  return [...told, ...(await Promise.all(asked))];
}
