import type { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { runPrefix } from '../engine/rehearsal.ts';
import type { Target } from '../engine/remediation.ts';
import { decisionOf, type Response, type ResponseRecord } from '../engine/response.ts';
import { targetKey } from '../engine/targets.ts';
import { digestOf } from './digest.ts';
import { expectedOf } from './expected.ts';
import { hasResource } from './measure.ts';
import type { Moment, Run, Seen } from './run.ts';
import type { Scenario } from './scenario.ts';

/** Outcomes after which something more may come of a response by itself, or by a person. */
const PASSING: readonly (string | undefined)[] = [undefined, 'awaiting-approval', 'deferred'];

/** What was seen of a run in the ledger. */
export interface Sight {
  readonly responses: readonly Seen[];
  /** By a key of its own each, so that it is recorded once. */
  readonly moments: readonly { readonly key: string; readonly moment: Moment }[];
  /** Every expected finding was answered, and every expected response ended as expected. */
  readonly complete: boolean;
  /** Nothing more comes by itself of what there is. */
  readonly settled: boolean;
}

/**
 * Looks into the ledger for the responses about what a run made, expected or not. A sample names no resource of the run: its
 * responses are those to samples of the scenario's types, in the run's account and Region, since the run asked for them.
 */
export async function lookFor(
  run: Run,
  scenario: Scenario,
  ledger: Pick<DynamoDbLedger, 'headers' | 'get'>,
): Promise<Sight> {
  const { things = {}, place, fidelity, startedAt, injectedAt = startedAt } = run;
  const real = hasResource(fidelity);
  const { findings, responses } = expectedOf(scenario, fidelity);
  const expected = responses.map(({ target, ...response }) => {
    const arn = real ? target(things, place) : undefined;
    return { ...response, isAbout: (one: Target) => !arn || one.arn === arn || targetKey(one) === arn };
  });
  const made = new Set(Object.values(things));
  const isOurs = ({ target, finding }: Response): boolean =>
    real
      ? target.id.startsWith(runPrefix(run.id)) ||
        made.has(target.id) ||
        expected.some(({ isAbout }) => isAbout(target))
      : target.account === place.account &&
        target.region === place.region &&
        findings.some(({ source, type }) => finding.source === source && finding.type === type);
  const found: Response[] = [];
  for await (const response of ledger.headers(new Date(real ? startedAt : injectedAt))) {
    if (isOurs(response)) found.push(response);
  }
  const records: ResponseRecord[] = [];
  for (const { id } of found.reverse()) {
    const record = await ledger.get(id);
    if (record && (real || record.finding.sample)) records.push(record);
  }
  const answered = findings.every(({ source, type }) =>
    records.some(({ response: { finding } }) => finding.source === source && finding.type === type),
  );
  const ended = expected.every(({ remediation, outcome, isAbout }) =>
    records.some(
      ({ response }) =>
        response.remediation === remediation && response.outcome === outcome && isAbout(response.target),
    ),
  );
  return {
    responses: records.map(seen),
    moments: records.flatMap((record) => momentsOf(record, run.injectedAt)),
    complete: answered && ended,
    settled: records.length > 0 && records.every(({ response }) => !PASSING.includes(response.outcome)),
  };
}

const seen = (record: ResponseRecord): Seen => {
  const { id, remediation, target, finding, outcome, reason, startedAt, finishedAt } = record.response;
  return {
    id,
    remediation,
    target: target.arn,
    finding: { source: finding.source, type: finding.type },
    startedAt,
    ...(outcome !== undefined && { outcome }),
    ...(reason !== undefined && { reason }),
    ...(finishedAt !== undefined && { finishedAt }),
    digest: digestOf(record),
  };
};

function momentsOf(record: ResponseRecord, injectedAt = ''): { key: string; moment: Moment }[] {
  const { response, finding, timeline } = record;
  const { id, remediation, outcome, finishedAt, reason } = response;
  const decision = decisionOf(record);
  const first = timeline.find(({ event }) => event === 'applying');
  const moment = (
    what: Moment['what'],
    at: string | undefined,
    detail: string,
    source: Moment['source'],
    key = id,
  ): { key: string; moment: Moment }[] => (at === undefined ? [] : [{ key, moment: { at, what, detail, source } }]);
  return [
    ...moment(
      'detected',
      detected(finding.envelope.time, injectedAt),
      `${finding.source} ${finding.type}: ${finding.title}`,
      'event',
    ),
    ...moment('acted', first?.at, `${id}: ${remediation} changes the first thing`, 'ledger'),
    ...(decision && decision.verb !== 'expire'
      ? moment('acknowledged', decision.at, `${id}: ${decision.verb} by ${decision.by}`, 'ledger')
      : []),
    ...(outcome === undefined
      ? []
      : moment(
          'responded',
          finishedAt,
          `${id}: ${outcome}${reason === undefined ? '' : `: ${reason}`}`,
          'ledger',
          `${id}#${outcome}`,
        )),
  ];
}

/** When an event says that it happened. EventBridge writes whole seconds, so that it may seem to come before its cause. */
function detected(time: string, injectedAt: string): string | undefined {
  const [event, injected] = [Date.parse(time), Date.parse(injectedAt)];
  if (Number.isNaN(event)) return undefined;
  return new Date(injected > event && injected - event < 1_000 ? injected : event).toISOString();
}
