import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { DeadLetters } from '../../engine/aws/dead-letters.ts';
import { sessionConfig, throttledAlone } from '../../engine/aws/session.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { environment } from '../../engine/environment.ts';
import { describeError, TransientError } from '../../engine/errors.ts';
import type { Incident } from '../../engine/incidents/incident.ts';
import { Incidents } from '../../engine/incidents/record.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { Bus, type OwnEvent } from '../../engine/notify/bus.ts';
import { jsonLine } from '../../engine/notify/encoders.ts';
import { eventFor } from '../../engine/notify/messages.ts';
import { PAGED } from '../../engine/notify/paged.ts';
import { breakerPage, pageFor } from '../../engine/notify/pages.ts';
import { answerOf, tellFindings } from './findings.ts';
import { type Recorder, recordIncident } from './incidents.ts';
import { Memory } from './memory.ts';
import { type Ended, type News, newsOf } from './news.ts';
import { People } from './people.ts';
import playbooks from './playbooks.json' with { type: 'json' };
import { findingKey, SecurityHub } from './security-hub.ts';
import titles from './titles.json' with { type: 'json' };

const account = environment('ACCOUNT_ID');
const region = environment('AWS_REGION');
const session = sessionConfig(account, region);
const logger = logOf('tell');
const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'tell' });
const memory = new Memory(session, environment('LEDGER_TABLE'));
// It takes ten calls a second: who is woken, and what is remembered, does not wait for that.
const hub = new SecurityHub(region, (name) => throttledAlone(sessionConfig(account, name)));
const people = new People(session, { people: environment('PEOPLE_TOPIC'), chat: environment('CHAT_TOPIC') }, memory);
const bus = new Bus(session);
const deadLetters = new DeadLetters(session, environment('DEAD_LETTER_QUEUE_URL'));

/** The title of a remediation; one that is not there any more is called by its id. */
const titleOf = (remediation: string): string =>
  (titles as Readonly<Record<string, string>>)[remediation] ?? remediation;

const recorder: Recorder = {
  incidents: new Incidents(session, environment('INCIDENTS_TABLE')),
  ledger: new DynamoDbLedger(session, environment('LEDGER_TABLE')),
  policy: deployedPolicy(),
  playbooks,
  sandboxes: environment('SANDBOXES').split(','),
  titleOf,
};
/** Resources whose incidents are recorded at a time: with many more, those of one principal would be in each other's way. */
const LANES = 4;
/** What this process has recorded lately: a batch that comes back for another reason is not looked up again. */
const lately = new Map<string, Incident>();
const MOST_LATELY = 1_000;
/** Milliseconds for the incidents of a batch: what is not recorded by then comes back, and nobody waits longer to be woken. */
const INCIDENTS_MS = 20_000;

/** Changes of the ledger's table in; incidents recorded, and Security Hub, people, EventBridge and CloudWatch told of them. */
export const handler = middy<DynamoDBStreamEvent, DynamoDBBatchResponse>()
  .use(withRequest(logger))
  .handler(async ({ Records }) => {
    const failed = await tell(Records);
    const [first] = [...failed.keys()].sort((one, other) => one - other);
    if (first === undefined) return { batchItemFailures: [] };
    for (const [index, error] of failed) {
      const { eventID, dynamodb } = Records[index] ?? {};
      logger.warn('a record comes back', { eventID, keys: dynamodb?.Keys, error: describeError(error) });
    }
    // Lambda tries again from the first one on. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    return { batchItemFailures: [{ itemIdentifier: Records[first]?.dynamodb?.SequenceNumber ?? '' }] };
  });

/**
 * What can be told twice without harm goes first and is not kept from it by the others: incidents, Security Hub and people are
 * told of all records, whatever fails; events and metrics, which each telling adds to, of those that will not come again.
 * @returns by its index, why a record must come again
 */
async function tell(records: readonly DynamoDBRecord[]): Promise<ReadonlyMap<number, unknown>> {
  const failed = new Map<number, unknown>();
  const all = await read(records, failed);
  // Who only looked is told by what they looked with.
  const telling = all.filter(({ news }) => news.what !== 'ended' || !news.response.looks);
  await Promise.all([
    tellSecurityHub(telling, failed),
    // A page names the incident, and goes out without one that could not be recorded.
    recordIncidents(telling, failed).then((incidents) => wakePeople(telling, incidents, failed)),
  ]);
  const final = () => all.filter(({ index }) => index < Math.min(...failed.keys()));

  const sending = final();
  for (const [position, error] of await bus.put(sending.map(({ news }) => eventOf(news)))) {
    failed.set(sending[position]?.index ?? 0, error);
  }
  measure(final().flatMap(({ news }) => (news.what === 'ended' ? [news.response] : [])));
  return failed;
}

/** What a record tells, and its place in the batch. */
interface Entry {
  readonly index: number;
  readonly news: News;
}

/** What the records tell. One that cannot be read will not be another time: it is put where people look, and holds nobody up. */
async function read(records: readonly DynamoDBRecord[], failed: Map<number, unknown>): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for (const [index, record] of records.entries()) {
    try {
      const news = newsOf(record);
      if (news) all.push({ index, news });
    } catch (error) {
      await reject(record, error).catch((refusal: unknown) => failed.set(index, refusal));
    }
  }
  return all;
}

/** The ledger has the item: the message names it and its place in the stream. */
async function reject({ eventID, dynamodb }: DynamoDBRecord, error: unknown): Promise<void> {
  const named = { eventID, keys: dynamodb?.Keys, sequenceNumber: dynamodb?.SequenceNumber };
  logger.error('a record cannot be read', { ...named, error: describeError(error) });
  await deadLetters.put(jsonLine(named), describeError(error));
}

async function tellSecurityHub(entries: readonly Entry[], failed: Map<number, unknown>): Promise<void> {
  const answers = entries.flatMap(({ index, news }) => {
    const answer = news.what === 'ended' ? answerOf(news.response) : undefined;
    return answer ? [{ index, ...answer }] : [];
  });
  const errors = await tellFindings(answers, { memory, hub, titleOf, logger });
  for (const { index, finding } of answers) {
    const key = findingKey(finding);
    if (errors.has(key)) failed.set(index, errors.get(key));
  }
}

/** Those about one resource one after the other, as they came. @returns by its index, the incident that a record is told in */
async function recordIncidents(
  entries: readonly Entry[],
  failed: Map<number, unknown>,
): Promise<ReadonlyMap<number, Incident>> {
  const until = Date.now() + INCIDENTS_MS;
  const recorded = new Map<number, Incident>();
  const ended = entries.flatMap(({ index, news }) =>
    news.what === 'ended' ? [{ index, response: news.response }] : [],
  );
  const waiting = [...Map.groupBy(ended, ({ response: { target } }) => target.arn).values()];
  const lane = async (): Promise<void> => {
    for (let about = waiting.shift(); about; about = waiting.shift()) {
      for (const { index, response } of about) {
        try {
          if (Date.now() > until) throw new TransientError('the incidents before it took all of the time');
          const key = `${response.id} ${response.finishedAt}`;
          const incident = lately.get(key) ?? (await recordIncident(response, recorder));
          if (!incident) continue;
          if (lately.size === MOST_LATELY) lately.clear();
          lately.set(key, incident);
          recorded.set(index, incident);
        } catch (error) {
          failed.set(index, error);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return recorded;
}

async function wakePeople(
  entries: readonly Entry[],
  incidents: ReadonlyMap<number, Incident>,
  failed: Map<number, unknown>,
): Promise<void> {
  // One after the other, as they came: few outcomes wake anybody.
  for (const { index, news } of entries) {
    try {
      await wakeFor(news, incidents.get(index));
    } catch (error) {
      failed.set(index, error);
    }
  }
}

async function wakeFor(news: News, incident: Incident | undefined): Promise<void> {
  if (news.what === 'breaker opened') {
    const { remediation, account } = news.kind;
    const { at: openedAt, ...breaker } = news.breaker;
    const labels = { outcome: 'breaker-opened', severity: 'HIGH', remediation, account };
    const page = breakerPage({ ...news.kind, ...breaker, openedAt });
    await people.page(`breaker#${remediation}#${account}#${openedAt}`, page, labels);
  } else if (news.what === 'ended' && PAGED[news.response.outcome].page) {
    const { id, outcome, finishedAt, remediation, target, finding } = news.response;
    const labels = { outcome, severity: finding.severity, remediation, account: target.account };
    const page = pageFor({ response: news.response, title: titleOf(remediation) }, incident);
    await people.page(`response#${id}#${outcome}#${finishedAt}`, page, labels);
  }
}

function eventOf(news: News): OwnEvent {
  switch (news.what) {
    case 'ended': {
      const { response } = news;
      return { ...eventFor({ response, title: titleOf(response.remediation) }), at: response.finishedAt };
    }
    case 'breaker opened':
      return { detailType: 'Firebreak Breaker Opened', detail: { ...news.kind, ...news.breaker }, at: news.breaker.at };
    case 'breaker closed': {
      const { kind, by, at } = news;
      return { detailType: 'Firebreak Breaker Closed', detail: { ...kind, by, at }, at };
    }
  }
}

/** One line for each remediation and outcome, with a value for each response. */
function measure(responses: readonly Ended[]): void {
  const alike = Map.groupBy(responses, ({ remediation, outcome }) => `${remediation} ${outcome}`);
  for (const group of alike.values()) {
    const [{ remediation, outcome } = { remediation: '', outcome: '' }] = group;
    metrics.addDimensions({ remediation, outcome });
    for (const { startedAt, finishedAt } of group) {
      metrics.addMetric('responses', MetricUnit.Count, 1);
      // Since the response began: the header does not have the time of the event.
      metrics.addMetric('timeToOutcome', MetricUnit.Milliseconds, Date.parse(finishedAt) - Date.parse(startedAt));
    }
    metrics.publishStoredMetrics();
  }
}
