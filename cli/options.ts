import { InvalidArgumentError, Option } from 'commander';
import { LONGEST_REASON } from '../engine/response.ts';
import { LONGEST_HOLD_MS } from '../engine/undo.ts';

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** A time ago (`90m`, `12h`, `7d`, `2w`) or a time (`2026-11-23`, `2026-11-23T09:00:00Z`). */
export function since(text: string): Date {
  const [, amount, unit = ''] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return new Date(Date.now() - Number(amount) * (UNITS[unit] ?? 0));
  const date = /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is a time ago (90m, 12h, 7d, 2w) or a date (2026-11-23).');
  return date;
}

/** A time, ISO 8601 with its zone, or a day in UTC. */
export function moment(text: string): Date {
  const date = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? new Date(text)
    : undefined;
  if (!date || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is a time with its zone (2026-12-24T18:00:00+01:00) or a date.');
  return date;
}

/** Milliseconds of `12h`, `7d` or `2w`; 0 for `0`. What shall be left alone for longer is an exception of the policy. */
export function holdTime(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const time = text === '0' ? 0 : Number(amount || Number.NaN) * (UNITS[unit] ?? 0);
  if (!(time <= LONGEST_HOLD_MS)) throw new InvalidArgumentError('It is a time (12h, 7d, 2w) of at most 52w, or 0.');
  return time;
}

export function reasonText(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > LONGEST_REASON) {
    throw new InvalidArgumentError(`It is a text of 1 to ${LONGEST_REASON} characters.`);
  }
  return reason;
}

export const wholeNumber =
  (largest: number) =>
  (text: string): number => {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > largest) throw new InvalidArgumentError(`It is a whole number from 1 to ${largest}.`);
    return number;
  };

export const json = new Option('--json', 'one JSON document on standard output');
export const region = new Option(
  '--region <region>',
  "AWS Region; without it the SDK's own setting (AWS_REGION, profile)",
);
export const role = new Option(
  '--role <name>',
  "role to assume where a resource is in another account than the caller's",
);
export const reason = (why: string): Option => new Option('--reason <text>', why).argParser(reasonText);
export const noWait = new Option('--no-wait', 'do not wait until it has ended');
export const policy = new Option(
  '--policy <file>',
  'response policy to go by (default: the shipped response-policy.yml)',
);
export const deployed = [
  new Option('--table <name>', 'table of the deployed ledger').default('firebreak-ledger'),
  region,
];
export const ledger = [new Option('--local', 'only look into the local ledger, .firebreak/responses'), ...deployed];

export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
