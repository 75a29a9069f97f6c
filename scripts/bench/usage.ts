import type { Call, Fault } from '../../local/doors.ts';
import { workerNames } from '../workers.ts';
import type { Trace } from './deployed.ts';
import { writeUnits } from './item-size.ts';
import { ASSUMED, LINE_OVERHEAD, PLATFORM_LINES } from './prices.ts';

/** Who runs for a finding: its worker, what tells of it, and what keeps its incident in OpsCenter. */
export const FUNCTIONS = ['worker', 'tell', 'registers'] as const;
export type Who = (typeof FUNCTIONS)[number];

/** What one of them runs for one finding. */
interface Running {
  readonly invocations: number;
  /** MB. */
  readonly memory: number;
  /** Measured on the embedded cloud, warm, with what is assumed of AWS put into each call. */
  readonly milliseconds: number;
  /** Of a processor of this machine. */
  readonly processorMs: number;
  /** What the embedded cloud itself took to answer, all calls in a row. */
  readonly cloudMs: number;
}

/** What one finding uses of our own account. */
export interface Usage extends Readonly<Record<Who, Running>> {
  readonly sqsRequests: number;
  /** Events that EventBridge takes money for: our own, and those that come from another account or Region. */
  readonly events: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly logBytes: number;
}

const isRead = ({ operation }: Call): boolean => ['Query', 'GetItem', 'BatchGetItem'].includes(operation);

const WORKERS = workerNames();
/** Principals of sessions of roles, as globs. */
const sessionsOf = (roles: readonly string[]): string[] => roles.map((role) => `*:assumed-role/${role}/*`);
const OWN: Readonly<Record<Who, readonly string[]>> = {
  worker: WORKERS.map((worker) => `firebreak-worker-${worker}`),
  tell: ['firebreak-tell'],
  registers: ['firebreak-registers'],
};
const IN_MEMBERS = WORKERS.map((worker) => `firebreak-${worker}`);
const isOf = (roles: readonly string[], { principal }: Call): boolean =>
  roles.some((role) => principal.includes(`:assumed-role/${role}/`)) && !principal.endsWith('-poller');
const isPollerOf = (roles: readonly string[], { principal }: Call): boolean =>
  roles.some((role) => principal.includes(`:assumed-role/${role}/`)) && principal.endsWith('-poller');

/** Milliseconds of a call in our own account. What the registers ask of SSM is about OpsItems, and not a parameter. */
function assumedOf(who: Who, service: string): number {
  return who === 'registers' && service === 'ssm'
    ? ASSUMED.opsItem
    : (ASSUMED.own[service as keyof typeof ASSUMED.own] ?? 0);
}

/** Makes each call of a function as slow as it is assumed to be at AWS. */
export const LATENCIES: readonly Fault[] = [
  { principal: sessionsOf(IN_MEMBERS), latency: ASSUMED.resource },
  ...FUNCTIONS.flatMap((who) =>
    Object.keys(ASSUMED.own).map((service) => ({
      ...{ principal: sessionsOf(OWN[who]), service, latency: assumedOf(who, service) },
    })),
  ),
];

/** Whose function it is; undefined: it runs for no finding. */
const whoIs = (name: string): Who | undefined => {
  if (WORKERS.some((worker) => name === `firebreak-${worker}`)) return 'worker';
  return FUNCTIONS.find((who) => name === `firebreak-${who}`);
};

/**
 * What one finding used.
 * @param forwarded whether its event came from another account or Region
 */
export function usageOf(
  { responses, calls, invocations, lines, writes, incidentWrites, eventBytes }: Trace,
  forwarded: boolean,
): Usage {
  const own = calls.filter((call) => FUNCTIONS.some((who) => isOf(OWN[who], call)));
  const deletes = calls.filter(
    (call) => call.operation.startsWith('DeleteMessage') && FUNCTIONS.some((who) => isPollerOf(OWN[who], call)),
  ).length;
  const sent = own.filter(({ service, operation }) => service === 'sqs' && operation.startsWith('SendMessage')).length;
  const strange = own.find(({ service }) => !Object.hasOwn(ASSUMED.own, service));
  if (strange) throw new Error(`nothing is assumed of how long ${strange.service} takes`);
  const table = own.filter(({ service }) => service === 'dynamodb');
  const failed = table.filter(({ status }) => status >= 400).length;
  const units = writes.map(({ dynamodb }) => {
    const { OldImage: before, NewImage: after } = dynamodb ?? {};
    const base = writeUnits(before, after);
    // Headers alone have the keys of the index, which has all of their attributes.
    return after?.day ? 2 * base : base;
  });
  for (const { dynamodb } of incidentWrites) {
    const { OldImage: before, NewImage: after } = dynamodb ?? {};
    const base = writeUnits(before, after);
    // All of an incident is written in transactions, which take twice the units, but what a register has of it; the index holds headers.
    units.push(after?.sk?.S?.startsWith('REGISTER#') ? base : after?.day ? 3 * base : 2 * base);
  }
  const running = (who: Who): Running => {
    const runs = invocations.filter(({ deployed }) => whoIs(deployed.name) === who);
    const own = calls.filter((call) => isOf(OWN[who], call));
    const inMembers = who === 'worker' ? calls.filter((call) => isOf(IN_MEMBERS, call)) : [];
    const waited = own.reduce((sum, { service }) => sum + assumedOf(who, service), inMembers.length * ASSUMED.resource);
    return {
      invocations: runs.length,
      memory: runs[0]?.deployed.memory ?? 0,
      milliseconds: runs.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      processorMs: runs.reduce((sum, { processorMs }) => sum + processorMs, 0),
      cloudMs: [...own, ...inMembers].reduce((sum, { duration }) => sum + duration, -waited),
    };
  };
  const ran = invocations.filter(({ deployed }) => whoIs(deployed.name) !== undefined);
  // Lambda's own lines about an invocation that went well are information.
  const reported = ran.filter(({ deployed }) => deployed.logLevels?.system !== 'WARN').length;
  const written = lines.filter(({ functionName }) => whoIs(functionName) !== undefined);
  return {
    worker: running('worker'),
    tell: running('tell'),
    registers: running('registers'),
    events: responses.length + (forwarded ? 1 : 0),
    // Received and deleted by Lambda's poller, after the worker sent it (a second look) or EventBridge delivered it. The event of
    // our own note is no larger than the finding's.
    sqsRequests: 2 * deletes + sent + (deletes - sent) * Math.ceil(eventBytes / 65_536),
    writeUnits: units.reduce((sum, unit) => sum + unit, failed),
    readUnits: table.filter(isRead).length,
    logBytes:
      written.reduce((sum, { line }) => sum + Buffer.byteLength(line) + LINE_OVERHEAD, 0) +
      reported * (PLATFORM_LINES.bytes + PLATFORM_LINES.count * LINE_OVERHEAD),
  };
}
