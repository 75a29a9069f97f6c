import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Breaker } from '../../engine/ledger/budgets.ts';
import type { Hold } from '../../engine/ledger/ledger.ts';
import type { Instruction } from '../../engine/messages.ts';
import { policySchema } from '../../engine/policy-schema.ts';
import { type Order, OUTCOMES, type Response, type ResponseRecord, type TimelineEntry } from '../../engine/response.ts';
import { responseId, successorOf, targetOf } from '../../engine/targets.ts';
import { findingOn } from '../../local/findings.ts';
import { approvals } from './approvals.ts';
import { type Concern, DAY_MS, type SweptHouse } from './concern.ts';
import { drift } from './drift.ts';
import { endings } from './endings.ts';
import { leftOpen } from './left-open.ts';
import { retries } from './retries.ts';
import { type Sweep, sweep } from './sweep.ts';

const AT = new Date('2026-11-26T06:00:00.000Z');
const ANN = 'arn:aws:iam::111122223333:user/ann';
const REMEDIATION = 'storage.close-door';
const ago = (hours: number): string => new Date(AT.getTime() - hours * 3_600_000).toISOString();

const door = (name: string) => {
  const target = targetOf('AWS::S3::Bucket', { account: '444455556666', region: 'eu-west-1', partition: 'aws' }, name);
  if (!target) throw new Error(`${name} is no bucket`);
  return target;
};

let made = 0;
/** What came of a finding on a bucket some hours ago. */
function response(bucket: string, hours: number, end: Partial<Response> = {}): Response {
  const target = door(bucket);
  const startedAt = ago(hours);
  made += 1;
  return {
    ...{
      id: responseId(REMEDIATION, target, `message ${made}`),
      remediation: REMEDIATION,
      target,
      correlation: 'event',
    },
    finding: { source: 'securityhub', type: 'S3.2', id: 'finding', severity: 'HIGH', title: 'a door is open' },
    ...{ startedAt, ...(end.outcome && { finishedAt: startedAt }), ...end },
  };
}

interface Known {
  readonly orders?: readonly Order[];
  readonly timeline?: readonly TimelineEntry[];
  readonly hold?: Hold;
  readonly stopped?: string;
  readonly breaker?: Breaker;
  readonly policy?: object;
}

/** A house whose ledger has these responses; what is told to workers is added to `told`. */
function houseOf(responses: readonly Response[], known: Known = {}, told: Instruction[] = []): SweptHouse {
  const newestFirst = [...responses].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  return {
    at: AT,
    policy: policySchema.parse({ version: 1, ...known.policy }),
    ledger: {
      async *headers(since) {
        for (const each of newestFirst) if (Date.parse(each.startedAt) >= since.getTime()) yield each;
      },
      async get(id): Promise<ResponseRecord | undefined> {
        const found = responses.find((each) => each.id === id);
        const { orders = [], timeline = [] } = known;
        return found && { response: found, finding: findingOn(found.target, 'securityhub', 'S3.2'), orders, timeline };
      },
    },
    holds: { get: async () => known.hold },
    breaker: async () => known.breaker,
    stopped: async () => known.stopped,
    sessions: { read: () => Promise.reject(new Error('there is no account')) },
    workers: {
      async instruct(instructions) {
        told.push(...instructions);
      },
    },
  };
}

async function found(make: (house: SweptHouse) => Concern, responses: readonly Response[], known: Known = {}) {
  const house = houseOf(responses, known);
  const concern = make(house);
  for await (const each of house.ledger.headers(new Date(0))) concern.see(each);
  return concern.find((what, error) => {
    throw new Error(`${what}: ${error}`);
  });
}
const instructed = async (...look: Parameters<typeof found>) => (await found(...look)).instructions;

/** A hold that ended an hour ago. */
const ENDED: Hold = { by: ANN, reason: 'a demo', until: ago(1) };
/** One that ends in an hour. */
const HOLDS: Hold = { ...ENDED, until: ago(-1) };

/** Whether a response says something of its resource: one that only looks does not, nor does an undo that took nothing back. */
const counts = ({ looks, undoes, outcome = 'failed' }: Response): boolean =>
  !looks && (undoes === undefined || ['undone', 'unverified', 'failed'].includes(outcome));

test('of all tellings of a finding on a resource the newest is tried again, and no other, and never twice', async () => {
  const end = fc.record({
    outcome: fc.constantFrom(...OUTCOMES),
    guard: fc.constantFrom('kill-switch', 'freeze', 'budget', 'exception', 'hold', 'mode'),
  });
  const kind = fc.constantFrom<Partial<Response>>(
    {},
    {},
    { undoes: 'storage-aaaaaaaaaa' },
    { undoes: 'storage-aaaaaaaaaa', looks: true },
    { looks: true },
  );
  const telling = fc.tuple(fc.constantFrom('door-a', 'door-b', 'door-c'), fc.integer({ min: 1, max: 700 }), end, kind);
  const all = fc.uniqueArray(telling, { maxLength: 30, selector: ([, hours]) => hours });
  await fc.assert(
    fc.asyncProperty(all, fc.constantFrom({}, { hold: ENDED }), async (tellings, known: Known) => {
      const ledger = tellings.map(([bucket, hours, how, what]) => response(bucket, hours, { ...how, ...what }));
      const newest = Map.groupBy(
        ledger.filter(counts).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1)),
        ({ target }) => target.id,
      );
      const due = [...newest.values()].flatMap(([first]) => (first && passes(first, known) ? [first] : []));
      const again = await instructed(retries, ledger, known);
      expect(new Set(again)).toEqual(new Set(due.map(({ id }) => ({ do: 'again', response: id }))));
      // Each was answered by its successor, whatever became of that, as long as nothing keeps it back again.
      const answered = due.map((before) => {
        const { undoes: _, ...header } = before;
        return { ...header, id: successorOf(before), startedAt: ago(0), outcome: 'verified' as const };
      });
      expect(await instructed(retries, [...ledger, ...answered], known)).toEqual([]);
    }),
  );
});

const passes = ({ outcome = 'failed', guard = '', undoes }: Response, { hold }: Known): boolean =>
  outcome === 'deferred' ||
  (outcome === 'excepted' && ['exception', 'hold'].includes(guard)) ||
  (undoes !== undefined && ['undone', 'unverified', 'failed'].includes(outcome) && hold !== undefined);

const stands: readonly [string, Known][] = [
  ['the kill switch', { stopped: 'an outage' }],
  ['a breaker', { breaker: { at: ago(1), count: 50, limit: 50, why: 'many' } }],
  ['a hold', { hold: HOLDS }],
  [
    'an exception',
    {
      policy: {
        exceptions: [
          { remediation: '*', resource: 'arn:aws:s3:::door-a', owner: 'o', reason: 'r', expires: '2026-11-26' },
        ],
      },
    },
  ],
  [
    'a freeze',
    {
      policy: {
        freezes: [{ name: 'f', owner: 'o', reason: 'r', remediation: '*', from: ago(1), until: ago(-1) }],
      },
    },
  ],
];

test.each(stands)('nothing is tried again while %s keeps it back, whatever did so before', async (_, known) => {
  for (const guard of ['kill-switch', 'freeze', 'budget']) {
    const deferred = [response('door-a', 3, { outcome: 'deferred', guard })];
    expect(await instructed(retries, deferred)).toHaveLength(1);
    expect(await found(retries, deferred, known)).toMatchObject({ instructions: [], counts: { deferred: 1 } });
  }
});

test('half of an hour’s budget is left to what comes by itself, and the oldest have their turn first', async () => {
  const many = Array.from({ length: 9 }, (_, index) =>
    response(`door-${index}`, 20 - index, { outcome: 'deferred', guard: 'budget' }),
  );
  const policy = { remediations: { [REMEDIATION]: { budget: { perHour: 5 } } } };
  const { instructions, counts } = await found(retries, many, { policy });
  expect(instructions).toEqual(many.slice(0, 3).map(({ id }) => ({ do: 'again', response: id })));
  expect(counts).toMatchObject({ retried: 3, nextTime: 6 });
});

test('an undo that was deferred, and what a remediation excepts by itself, are nobody’s to try again', async () => {
  const undo = response('door-a', 3, { outcome: 'deferred', guard: 'kill-switch', undoes: 'storage-aaaaaaaaaa' });
  expect(await instructed(retries, [undo, response('door-b', 3, { outcome: 'excepted' })])).toEqual([]);
});

describe('a hold that kept open what was taken back', () => {
  const undone = (end: Partial<Response> = {}) =>
    response('door-a', 170, { outcome: 'undone', undoes: 'storage-aaaaaaaaaa', ...end });

  test('is told when it has ended, and the finding is tried again though nobody told it a second time', async () => {
    const undo = undone();
    expect(await found(endings, [undo], { hold: ENDED })).toMatchObject({
      counts: { ended: 1 },
      notices: [
        { label: 'Hold ended', value: `${REMEDIATION} on arn:aws:s3:::door-a, by ${ANN}: a demo`, fresh: true },
      ],
    });
    expect(await instructed(retries, [undo], { hold: ENDED })).toEqual([{ do: 'again', response: undo.id }]);
    const since = response('door-a', 0.5, { outcome: 'deferred', guard: 'freeze' });
    expect(await instructed(retries, [undo, since], { hold: ENDED })).toEqual([{ do: 'again', response: since.id }]);
  });

  test.each([
    ['lasts', HOLDS],
    ['was lifted, or nobody wanted one', undefined],
  ])('is left alone where it %s', async (_, hold) => {
    const known = hold ? { hold } : {};
    expect(await found(endings, [undone()], known)).toMatchObject({ notices: [] });
    expect(await found(retries, [undone()], known)).toMatchObject({ instructions: [], counts: { deferred: 0 } });
  });

  test('tries nothing again that a person ran by name, and that no finding told', async () => {
    const { finding } = undone();
    const run = undone({ finding: { ...finding, source: 'operator' } });
    expect(await instructed(retries, [run], { hold: ENDED })).toEqual([]);
    expect(await found(endings, [run], { hold: ENDED })).toMatchObject({ counts: { ended: 1 } });
  });

  test('hands over to whatever else keeps the resource back', async () => {
    for (const [, known] of stands) {
      expect(await instructed(retries, [undone()], { hold: ENDED, ...known })).toEqual([]);
    }
  });
});

test('what is deferred for more than a day is news on one day', async () => {
  const fresh = async (hours: number) => {
    const waiting = [response('door-a', hours, { outcome: 'deferred', guard: 'kill-switch' })];
    const { notices } = await found(retries, waiting, { stopped: 'an outage' });
    return notices.map((notice) => notice.fresh);
  };
  expect([await fresh(23), await fresh(25), await fresh(49)]).toEqual([[], [true], [false]]);
});

test('what waits is told before it goes out of sight', async () => {
  const past = (days: number, end: Partial<Response>, bucket = `door-${days}`) => response(bucket, days * 24, end);
  const deferred: Partial<Response> = { outcome: 'deferred', guard: 'kill-switch' };
  const known = { stopped: 'an outage', hold: HOLDS };
  const leaving = async (responses: readonly Response[], how: Known = known) =>
    (await found(retries, responses, how)).notices.filter(({ label }) => label === 'Out of sight tomorrow');
  expect(await leaving([past(29, deferred), past(30, { outcome: 'verified' })])).toEqual([]);

  const two = [past(30.5, deferred), past(30.9, deferred)];
  const value = `2 (${two[1]?.id}, ${two[0]?.id}) by the kill switch: an outage`;
  expect(await leaving([past(2, deferred), ...two])).toEqual([{ label: 'Out of sight tomorrow', value, fresh: true }]);
  // Two sweeps are a day apart, but not to the second.
  expect(await leaving([past(29.99, deferred)])).toHaveLength(1);

  const kept = [
    past(30.1, { outcome: 'excepted', guard: 'hold' }),
    past(30.2, { outcome: 'undone', undoes: 'storage-aaaaaaaaaa' }),
  ];
  for (const each of kept) {
    expect(await leaving([each], { hold: HOLDS })).toMatchObject([{ value: expect.stringContaining(each.id) }]);
  }
  // An hour's budget is for one of them at a time.
  const policy = { remediations: { [REMEDIATION]: { budget: { perHour: 1 } } } };
  expect(await leaving(two, { policy })).toMatchObject([{ value: `1 (${two[0]?.id}) by the budget of an hour` }]);
  expect(await leaving(two, {})).toEqual([]);
});

test('many that go out of sight are counted, and the first are named', async () => {
  const many = Array.from({ length: 60 }, (_, index) =>
    response(`door-${index}`, 30.5 * 24, { outcome: 'deferred', guard: 'kill-switch' }),
  );
  const { notices } = await found(retries, many, { stopped: 'an outage' });
  const value = notices.find(({ label }) => label === 'Out of sight tomorrow')?.value ?? '';
  expect(value).toMatch(/^60 \(storage-[^ ]+, .* and 40 more\) by the kill switch: an outage$/);
  expect(value.length).toBeLessThan(1_000);
});

test.each([
  ['nobody decided in time', 25, [], ['expire']],
  ['there is time', 23, [], []],
  ['it was just decided', 23, [{ verb: 'approve', by: ANN, at: ago(0.1) }], []],
  ['its worker was not told of the approval', 23, [{ verb: 'approve', by: ANN, at: ago(1) }], ['approve']],
  ['its worker was not told of the denial', 30, [{ verb: 'deny', by: ANN, at: ago(10) }], ['deny']],
] as const)('a plan that waits, where %s', async (_, hours, orders, verbs) => {
  const waiting = [response('door-a', hours, { outcome: 'awaiting-approval' })];
  expect((await instructed(approvals, waiting, { orders })).map((one) => one.do)).toEqual(verbs);
});

test.each([
  ['nothing happened in it', 2, {}, 1],
  ['it has just begun', 0.4, {}, 0],
  ['it is worked on', 2, { timeline: [{ at: ago(0.1), event: 'applying', detail: [] }] }, 0],
  ['it was approved a moment ago', 30, { orders: [{ verb: 'approve', by: ANN, at: ago(0.1) }] }, 0],
  ['it was left after its approval', 30, { orders: [{ verb: 'approve', by: ANN, at: ago(2) }] }, 1],
] as const)('a response without an end, where %s', async (_, hours, known, resumed) => {
  expect(await instructed(leftOpen, [response('door-a', hours)], known)).toHaveLength(resumed);
});

test('a fix is looked at until something else is known of its resource', async () => {
  const fix = response('door-a', 48, { outcome: 'verified' });
  const looks = async (...since: Partial<Response>[]) =>
    (await instructed(drift, [fix, ...since.map((end, index) => response('door-a', 10 - index, end))])).length;
  const undoes = fix.id;
  expect(await looks()).toBe(1);
  expect(await looks({ outcome: 'compliant' }, { outcome: 'observed' })).toBe(1);
  expect(await looks({ outcome: 'denied', undoes }, { outcome: 'compliant' })).toBe(1);
  const decided = [
    'deferred',
    'excepted',
    'awaiting-approval',
    'expired',
    'denied',
    'refused',
    'changed-since',
  ] as const;
  const facts = ['unverified', 'failed', 'gone'] as const;
  for (const outcome of [...decided, ...facts]) expect(await looks({ outcome })).toBe(0);
  // What was decided on a plan is over when the resource was found right since.
  for (const outcome of decided) expect(await looks({ outcome }, { outcome: 'compliant' })).toBe(1);
  for (const outcome of facts) expect(await looks({ outcome }, { outcome: 'compliant' })).toBe(0);
  expect(await looks({ outcome: 'compliant' }, { outcome: 'deferred' })).toBe(0);
  expect(await looks({}, { outcome: 'compliant' })).toBe(0);
  for (const outcome of ['undone', 'failed', 'unverified'] as const) {
    expect(await looks({ outcome, undoes }, { outcome: 'compliant' })).toBe(0);
  }
  for (const outcome of ['changed-since', 'deferred', 'observed'] as const) {
    expect(await looks({ outcome, undoes })).toBe(1);
    expect(await looks({ outcome, looks: true })).toBe(1);
  }
  const exceptions = [
    { remediation: REMEDIATION, resource: 'arn:aws:s3:::door-a', owner: 'o', reason: 'r', expires: '2026-11-26' },
  ];
  expect(await instructed(drift, [fix], { policy: { exceptions } })).toEqual([]);
});

test('more fixes than a day has looks for take turns, and each has its own', async () => {
  const fixes = Array.from({ length: 1_400 }, (_, index) => response(`door-${index}`, 30, { outcome: 'verified' }));
  const seen: string[] = [];
  for (let day = 0; day < 3; day += 1) {
    const house = { ...houseOf([]), at: new Date(AT.getTime() + day * DAY_MS) };
    const concern = drift(house);
    for (const each of fixes) concern.see(each);
    const { instructions, notices } = await concern.find(() => undefined);
    // What comes of a look is not known yet.
    expect(notices).toMatchObject([{ label: 'Looks asked for', value: `${instructions.length} of 1400 fixes` }]);
    expect(instructions.length).toBeGreaterThan(400);
    expect(instructions.length).toBeLessThan(540);
    seen.push(...instructions.flatMap((one) => (one.do === 'look' ? one.response : [])));
  }
  expect(seen.sort()).toEqual(fixes.map(({ id }) => id).sort());
});

/** Hours ago: of all, of those that are seen, and of those that wait. */
test.each([
  ['hourly', [1, 40, 60], [1, 40]],
  ['hourly', [1, 40, 60, 150], [1, 40, 60], [40]],
  ['hourly', [1, 40, 60, 80, 150], [1, 40, 60, 80], [40, 60, 80, 150]],
  [
    'hourly',
    [40, 60, 80, 100, 120, 140, 160, 180, 200],
    [40, 60, 80, 100, 120, 140, 160, 180],
    [40, 60, 80, 100, 120, 140, 160, 180, 200],
  ],
  ['daily', [1, 40, 700, 800], [1, 40, 700]],
] as const)(
  'a %s sweep of responses %j hours old sees %j',
  async (which, hours, seen, waiting: readonly number[] = []) => {
    const ledger = hours.map((each) =>
      response(`door-${each}`, each, waiting.includes(each) ? { outcome: 'deferred' } : { outcome: 'compliant' }),
    );
    const { responses } = await sweep(which as Sweep, houseOf(ledger, { stopped: 'an outage' }));
    expect(responses).toBe(seen.length);
  },
);

test('what cannot be read is reported, nothing is concluded from it, and the rest goes on', async () => {
  const told: Instruction[] = [];
  const responses = [
    response('door-a', 3, { outcome: 'deferred', guard: 'kill-switch' }),
    response('door-b', 30, { outcome: 'awaiting-approval' }),
    response('door-c', 2),
  ];
  const house = houseOf(responses, {}, told);
  const broken: SweptHouse = {
    ...house,
    stopped: () => Promise.reject(new Error('SSM does not answer')),
    ledger: {
      ...house.ledger,
      get: async (id) => {
        if (id === responses[1]?.id) throw new Error('DynamoDB does not answer');
        return house.ledger.get(id);
      },
    },
  };
  const { failures } = await sweep('hourly', broken);
  expect(failures).toEqual([
    `response ${responses[1]?.id}: Error: DynamoDB does not answer`,
    'retries: Error: SSM does not answer',
  ]);
  expect(told).toEqual([{ do: 'resume', response: responses[2]?.id }]);

  const deaf = { ...house, workers: { instruct: () => Promise.reject(new Error('no worker answers')) } };
  const report = await sweep('hourly', deaf);
  expect(report.failures).toEqual(
    ['approvals', 'leftOpen', 'retries'].map((name) => `${name}: Error: no worker answers`),
  );
});
