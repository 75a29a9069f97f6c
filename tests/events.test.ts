import { globSync, readFileSync } from 'node:fs';
import { EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { normalise } from '../engine/findings/normalise.ts';
import { PLAYBOOKS } from '../engine/playbook.ts';
import { triggers } from '../engine/triggers.ts';
import { playbookFor } from '../functions/playbooks/playbook-for.ts';
import { HOME_REGION, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { loadWorkers, type Worker } from '../scripts/workers.ts';

/** Samples that nothing responds to: EventBridge filters them, at no cost. */
const UNHANDLED = ['events/samples/inspector/package-vulnerability.json'];

const samples = globSync('events/samples/*/*.json').sort();
const positive = samples.filter((path) => !path.includes('.not-') && !UNHANDLED.includes(path));
const negative = [...samples.filter((path) => path.includes('.not-')), ...UNHANDLED];

interface Rule {
  readonly Properties: { readonly Name: string; readonly EventPattern: object };
}
const rules = Object.values(
  (JSON.parse(readFileSync('events/rules.json', 'utf8')) as { Resources: Record<string, Rule> }).Resources,
);

let events: EventBridgeClient;
let workers: Worker[];
beforeAll(async () => {
  events = new EventBridgeClient((await sharedCloud().account(SECURITY_ACCOUNT, HOME_REGION)).client);
  workers = await loadWorkers();
});

/** Names of the rules that carry an event, as EventBridge itself decides. */
async function carriedBy(event: string): Promise<string[]> {
  const decided = await Promise.all(
    rules.map(async ({ Properties: { Name, EventPattern } }) => {
      const EventPatternText = JSON.stringify(EventPattern);
      const { Result } = await events.send(
        new TestEventPatternCommand({ EventPattern: EventPatternText, Event: event }),
      );
      return Result ? [Name] : [];
    }),
  );
  return decided.flat();
}

/** Workers whose remediations name a finding of the event; with `playbooks`, whether only a playbook names one. */
function namedBy(event: string): string[] {
  const { findings = [] } = normalise(event);
  const people = findings.some((finding) => finding.status === 'active' && playbookFor(finding));
  const named = workers
    .filter(({ remediations }) =>
      findings.some(
        (finding) =>
          finding.status === 'active' &&
          remediations.some(({ handles }) => handles.some((trigger) => triggers(trigger, finding))),
      ),
    )
    .map(({ name }) => name);
  return [...named, ...(people ? [PLAYBOOKS] : [])];
}

const functionsOf = (carriers: readonly string[]) =>
  [...new Set(carriers.map((rule) => rule.split('-')[1] ?? ''))].sort();

describe('the samples', () => {
  test('are at least 25, each with a twin that must not match', () => {
    expect(positive.length).toBeGreaterThanOrEqual(25);
    for (const path of positive) {
      expect(negative.some((twin) => twin.startsWith(path.replace(/\.json$/, '.not-')))).toBe(true);
    }
  });

  test.each(positive)('%s is carried by the rules of the workers that respond to it, and no others', async (path) => {
    const event = readFileSync(path, 'utf8');
    const named = namedBy(event);
    expect(named.length).toBeGreaterThan(0);
    expect(functionsOf(await carriedBy(event))).toEqual(named.sort());
  });

  test.each(negative)(
    '%s is carried by no rule of a worker, and to people only where a playbook names it',
    async (path) => {
      const event = readFileSync(path, 'utf8');
      expect(functionsOf(await carriedBy(event))).toEqual(namedBy(event).filter((name) => name === PLAYBOOKS));
    },
  );

  test('leave no trigger of the catalogue without one', () => {
    const findings = positive.flatMap((path) => normalise(readFileSync(path, 'utf8')).findings ?? []);
    const triggersOfAll = workers.flatMap(({ remediations }) => remediations.flatMap(({ handles }) => handles));
    for (const trigger of triggersOfAll) {
      expect({ trigger, sample: findings.some((finding) => triggers(trigger, finding)) }).toEqual({
        trigger,
        sample: true,
      });
    }
  });
});
