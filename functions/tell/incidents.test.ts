import { randomUUID } from 'node:crypto';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import { pageFor } from '../../engine/notify/pages.ts';
import type { Target } from '../../engine/remediation.ts';
import type { Outcome, Response } from '../../engine/response.ts';
import { responseId, targetOf } from '../../engine/targets.ts';
import { deployedLedger, eventually } from '../../local/cases.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, ROOT, SANDBOX_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { findingOn } from '../../local/findings.ts';
import { deployedIncidents, incidentAbout, untilIncident } from '../../local/incidents.ts';
import { Listening } from '../../local/listening.ts';
import { recordOf, tellOf } from '../../local/telling.ts';
import { recordIncident } from './incidents.ts';

const [member] = MEMBER_ACCOUNTS;
const RDS = 'snapshots.privatize-rds-snapshot';
const cloud = sharedCloud();
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const lambda = new LambdaClient(config);
const ledger = deployedLedger(cloud);
const incidents = deployedIncidents(cloud);
let listening: Listening;
beforeAll(async () => {
  listening = await Listening.start(config);
});
afterEach(() => cloud.doors.setFaults([]));

function snapshot(id = `i-${randomUUID().slice(0, 8)}`, account: string = member): Target {
  const target = targetOf('AWS::RDS::DBSnapshot', { account, region: HOME_REGION, partition: 'aws' }, id);
  if (!target) throw new Error(`no snapshot is called ${id}`);
  return target;
}

/** Opens a response, as a worker does. */
async function respond(target: Target, about: Partial<Finding> = {}, more: Partial<Response> = {}): Promise<Response> {
  const finding = findingOn(target, 'cloudtrail', 'rds:ModifyDBSnapshotAttribute', about);
  const { source, type, id, severity, title } = finding;
  const response: Response = {
    id: responseId(RDS, target, randomUUID()),
    remediation: RDS,
    target,
    correlation: randomUUID(),
    finding: { source, type, id, severity, title },
    startedAt: new Date().toISOString(),
    ...more,
  };
  return (await ledger.open(response, finding)).response;
}
const close = (response: Response, outcome: Outcome, reason?: string) => ledger.close(response, { outcome, reason });
const told = async (id: string) =>
  ((await incidents.get(id))?.timeline ?? []).map(({ what, outcome }) => outcome ?? what);
/** Waits until an incident has so many entries, and answers them. */
const untilTold = (id: string, entries: number) =>
  eventually(`${entries} entries`, async () => {
    const all = await told(id);
    return all.length >= entries ? all : undefined;
  });

describe('a response that ended', () => {
  test('says nothing to others where somebody only looked', async () => {
    const target = snapshot();
    const looked = await close(await respond(target, {}, { looks: true }), 'refused', 'there is nothing to take back');
    const real = await close(await respond(target), 'refused', 'it is protected');
    const { id } = await untilIncident(target.arn, incidents);
    const page = await eventually('a page', async () => (await listening.pages(target.arn))[0]);
    expect(page.Message).toContain(real.id);
    expect((await incidents.get(id))?.timeline.map(({ response }) => response)).not.toContain(looked.id);
    expect(await listening.pages(target.arn)).toHaveLength(1);
  });

  test('opens an incident, of which its later outcomes and its undo become a part', async () => {
    const target = snapshot();
    const waiting = await close(await respond(target), 'awaiting-approval', 'it is disruptive');
    const { id } = await untilIncident(target.arn, incidents);
    const [page] = await eventually('a page', async () => {
      const pages = await listening.pages(target.arn);
      return pages.length > 0 ? pages : undefined;
    });
    expect(page?.Message).toMatch(new RegExp(`firebreak incident show ${id}\n +firebreak show ${waiting.id}`));

    await ledger.reopen(waiting);
    const { outcome: _, finishedAt: __, reason: ___, ...open } = waiting;
    const fixed = await close(open, 'verified');
    expect(await untilTold(id, 4)).toEqual(['opened', 'awaiting-approval', 'verified', 'state']);
    expect(await incidents.find(id)).toMatchObject({ state: 'contained', account: member, severity: 'HIGH' });

    const by = `arn:aws:sts::${SECURITY_ACCOUNT}:assumed-role/undoers/una`;
    await close(await respond(target, {}, { undoes: fixed.id, by }), 'undone');
    expect((await untilTold(id, 6)).slice(4)).toEqual(['undone', 'state']);
    const { incident, timeline } = (await incidents.get(id)) ?? {};
    expect(incident?.state).toBe('open');
    expect(timeline?.[4]).toMatchObject({ by, undoes: fixed.id, detail: expect.stringContaining('Undo: Make an RDS') });
  });

  test('is joined by who did it, as the finding in the ledger says', async () => {
    const sessionIssuer = `arn:aws:iam::${member}:role/ci/r-${randomUUID().slice(0, 8)}`;
    const principal = sessionIssuer.replace(/^(.*):iam:(.*):role\/ci\/(.*)$/, '$1:sts:$2:assumed-role/$3/build-7');
    const [first, second] = [snapshot(), snapshot()];
    await close(await respond(first, { principal, sessionIssuer }), 'verified');
    const { id } = await untilIncident(first.arn, incidents);
    await close(await respond(second, { principal }), 'compliant');
    expect(await untilTold(id, 4)).toEqual(['opened', 'verified', 'state', 'compliant']);
    expect((await incidents.find(id))?.subjects).toEqual(
      expect.arrayContaining([sessionIssuer, first.arn, second.arn]),
    );
  });

  test('opens none when it is fixed and not grave, or was only planned', async () => {
    const [mild, planned, grave] = [snapshot(), snapshot(), snapshot()];
    await close(await respond(mild, { severity: 'MEDIUM' }), 'verified');
    await close(await respond(planned), 'observed');
    await close(await respond(grave, { severity: 'CRITICAL' }), 'verified');
    await untilIncident(grave.arn, incidents);
    expect(await incidentAbout(mild.arn, incidents)).toBeUndefined();
    expect(await incidentAbout(planned.arn, incidents)).toBeUndefined();
  });

  test('of a simulation is marked with its run, in a sandbox and nowhere else', async () => {
    const [sandbox] = SANDBOX_ACCOUNTS;
    // The deployed function is told of no sandboxes here.
    const policy = { incidents: { verifiedFrom: 'HIGH', joinHours: 24 } } as const;
    const recorder = {
      incidents,
      ledger,
      policy,
      playbooks: {},
      sandboxes: SANDBOX_ACCOUNTS,
      titleOf: () => 'a title',
    };
    const recorded = async (target: Target, about: Partial<Finding> = {}) => {
      const response = {
        ...(await respond(target, about)),
        outcome: 'failed',
        finishedAt: new Date().toISOString(),
      } as const;
      const incident = await recordIncident(response, recorder);
      return { incident, page: pageFor({ response, title: 'a title' }, incident).body };
    };
    const name = 'firebreak-sim-abcdefghij-copy';
    const made = await recorded(snapshot(name, sandbox));
    expect(made.incident).toMatchObject({ simulation: 'abcdefghij' });
    expect(made.page).toMatch(/Simulation +abcdefghij\n/);
    const forged = await recorded(snapshot(name, member));
    expect(forged.incident).not.toHaveProperty('simulation');
    expect(forged.page).not.toContain('Simulation');

    const session = (account: string) =>
      `arn:aws:sts::${account}:assumed-role/firebreak-simulate/firebreak-sim-klmnopqrst`;
    const done = await recorded(snapshot(undefined, sandbox), { principal: session(sandbox) });
    expect(done.incident).toMatchObject({ simulation: 'klmnopqrst' });
    const elsewhere = await recorded(snapshot(undefined, sandbox), { principal: session(member) });
    expect(elsewhere.incident).not.toHaveProperty('simulation');
  });

  test('names the playbooks for its finding, and its own where it stands for one', async () => {
    const policy = { incidents: { verifiedFrom: 'HIGH', joinHours: 24 } } as const;
    const playbooks = {
      'shared-rds-snapshot': { title: 'x', findings: { cloudtrail: ['rds:ModifyDBSnapshotAttribute'] } },
      'root-activity': { title: 'y', findings: { guardduty: ['rds:ModifyDBSnapshotAttribute'] } },
    };
    const recorder = { incidents, ledger, policy, playbooks, sandboxes: [], titleOf: () => 'a title' };
    const recorded = async (remediation: string) => {
      const response = await respond(snapshot(), {}, { remediation });
      return recordIncident({ ...response, outcome: 'refused', finishedAt: new Date().toISOString() }, recorder);
    };
    expect((await recorded(RDS))?.playbooks).toEqual(['shared-rds-snapshot']);
    expect((await recorded('playbooks.root-activity'))?.playbooks).toEqual(['shared-rds-snapshot', 'root-activity']);
  });
});

describe('a batch of the stream', () => {
  const invoke = (records: readonly unknown[]) => tellOf(lambda, records);
  /** Responses that no worker wrote, one after the other. */
  const responses = (target: Target, outcomes: readonly Outcome[]): readonly Response[] =>
    outcomes.map((outcome, index) => {
      const at = new Date(Date.now() - 60_000 + 1_000 * index).toISOString();
      const finding = { source: 'macie', type: 'Policy:IAMUser/S3BucketPublic', id: 'f', severity: 'HIGH' } as const;
      const id = responseId(RDS, target, randomUUID());
      const ended = { startedAt: at, finishedAt: at, outcome };
      return { id, remediation: RDS, target, correlation: id, finding: { ...finding, title: 'public' }, ...ended };
    });

  test('that has records twice, and comes twice, is told once', async () => {
    const target = snapshot();
    const records = responses(target, ['failed', 'unverified', 'verified']).map(recordOf);
    expect(await invoke([...records, ...records])).toEqual([]);
    expect(await invoke(records)).toEqual([]);
    const { id, state } = await untilIncident(target.arn, incidents);
    expect([state, await told(id)]).toEqual(['contained', ['opened', 'failed', 'unverified', 'verified', 'state']]);
  });

  test('wakes people though no incident can be recorded, and comes back for that', async () => {
    const target = snapshot();
    const records = responses(target, ['failed']).map(recordOf);
    const TransactWriteItems = 'TransactWriteItems';
    await cloud.doors.setFaults([{ operation: TransactWriteItems, principal: '*/firebreak-tell/*', deny: true }]);
    expect(await invoke(records)).toEqual([{ itemIdentifier: records[0]?.dynamodb.SequenceNumber }]);
    const pages = () => listening.pages(target.arn);
    const [page] = await eventually('a page', async () => ((await pages()).length > 0 ? pages() : undefined));
    expect(page?.Message).not.toContain('firebreak incident');
    await cloud.doors.setFaults([]);
    expect(await invoke(records)).toEqual([]);
    expect(await told((await untilIncident(target.arn, incidents)).id)).toEqual(['opened', 'failed']);
    expect(await pages()).toHaveLength(1);
  });
});
