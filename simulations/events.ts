import { createHash } from 'node:crypto';
import type { Place } from '../engine/arn.ts';
import type { Instruction, Replay } from '../engine/messages.ts';
import type { Run } from './run.ts';
import { isAskedFor, type Scenario } from './scenario.ts';

/** An event as it comes by EventBridge. */
export type Told = Replay['event'] & {
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly region: string;
  readonly resources: string[];
};

/** Whose names the samples speak of. */
const SAMPLE = { account: '444455556666', region: 'eu-west-1', security: '111122223333' } as const;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const TIME = /\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * The events by which the services would tell what a run made wrong, each as often as the scenario says: the samples, with the
 * names, the times and the ids of this run.
 * @param home the account and Region of Firebreak, which is the administrator of the services that have one
 * @param at when they are told
 */
export function eventsOf(scenario: Scenario, run: Run, home: Omit<Place, 'partition'>, at: Date): readonly Told[] {
  const { things = {}, place } = run;
  return scenario.findings.flatMap((finding, index) => {
    if (isAskedFor(finding)) return [];
    const { sample, names, times = 1 } = finding;
    const text = JSON.stringify(sample);
    const replaced = Object.entries(names(things, place)).reduce((event, [name, real]) => {
      if (!event.includes(name)) throw new Error(`sample ${index + 1} of ${scenario.id} does not speak of ${name}`);
      return event.replaceAll(name, JSON.stringify(real).slice(1, -1));
    }, text);
    const placed = replaced
      .replaceAll(SAMPLE.account, place.account)
      .replaceAll(SAMPLE.security, home.account)
      .replaceAll(SAMPLE.region, place.region)
      .replace(TIME, at.toISOString())
      .replace(UUID, (id) => uuid(`${run.id} ${id}`));
    const event = JSON.parse(placed) as Told;
    // One finding told often is the same finding in events of their own.
    return Array.from({ length: times }, (_, number) => ({ ...event, id: uuid(`${run.id} ${index} ${number}`) }));
  });
}

/** What workers are asked for by name. */
export function askedOf(
  { findings }: Scenario,
  { id, things = {}, place }: Run,
): readonly Extract<Instruction, { readonly do: 'run' }>[] {
  const { account, region } = place;
  return findings.filter(isAskedFor).map(({ remediation, target }) => {
    const arn = target(things, place);
    return { do: 'run', remediation, arn, account, region, reason: `simulation ${id} rehearses it` };
  });
}

/** The same id for the same text, in the form of a UUID. */
function uuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
