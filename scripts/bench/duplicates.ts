import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import { shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { told } from '../../local/scenes.ts';
import type { Bench } from './bench.ts';
import { atMost, type Measurement, median, ratio, seconds } from './measurement.ts';

/** Not that of the other measurements through the deployed path: changes in a row open its circuit breaker. */
const [, member] = MEMBER_ACCOUNTS;
const TIMES = 100;
const AT_ONCE = 10;
const ALONE = 5;
/** A hundred looks at a resource that is as it should be cost something, and must cost much less than a hundred fixes. */
const TIMES_AS_LONG = 30;

/** One event, told again and again: EventBridge and SQS deliver at least once, and services tell of a thing until it ends. */
export const duplicates: Measurement = {
  name: 'duplicates',
  about: `the same event ${TIMES} times, ${AT_ONCE} at once`,
  page: 'benchmarks',
  async measure(bench) {
    bench.progress('telling one event, and then one a hundred times');
    // The first one begins cold, and is not counted.
    await storm(bench, 1);
    const alone: Storm[] = [];
    while (alone.length < ALONE) alone.push(await storm(bench, 1));
    const many = await storm(bench, TIMES);
    const once = median(alone.map(({ milliseconds }) => milliseconds));
    const row = (what: string, of: Storm, milliseconds: number) => [
      what,
      String(of.changes),
      String(of.verified),
      String(of.compliant),
      String(of.others),
      String(of.reads),
      String(of.ledger),
      seconds(milliseconds),
    ];
    return {
      title: 'Duplicate storm',
      body: [
        `One event about a public EBS snapshot, and another one that is told ${TIMES} times, ${AT_ONCE} at once, through rule, queue and packaged worker of the embedded cloud. The resource's state decides, so that all but one find nothing to do; those that come while a response holds the snapshot are left to it, and share one look. The time is from the first event to the last answer, for one event the median of ${ALONE}.`,
        {
          head: [
            'events',
            'changing calls',
            'verified',
            'compliant',
            'other ends',
            'reads',
            'calls of the ledger',
            'took',
          ],
          rows: [row('1', alone[0] ?? many, once), row(String(TIMES), many, many.milliseconds)],
        },
      ],
      figures: [
        atMost('duplicate storm: changing calls', many.changes, 1),
        atMost('duplicate storm: verified responses', many.verified, 1),
        atMost('duplicate storm: neither verified nor compliant', many.others, 0),
        atMost(
          `duplicate storm: time of ${TIMES} events, in times of one`,
          many.milliseconds / once,
          TIMES_AS_LONG,
          ratio,
        ),
      ],
    };
  },
};

interface Storm {
  readonly changes: number;
  readonly reads: number;
  readonly ledger: number;
  readonly verified: number;
  readonly compliant: number;
  readonly others: number;
  readonly milliseconds: number;
}

async function storm(bench: Bench, times: number): Promise<Storm> {
  const cloud = await bench.cloud();
  const account = await bench.account(member, HOME_REGION);
  const { id } = await shareEbsSnapshot(account, ['all']);
  const event = told(
    'access-analyzer/ebs-snapshot-public',
    { 'snap-0a91c35d7e2f4b680': id, '444455556666': member },
    { account: member, region: HOME_REGION },
  );
  await bench.calls();
  const began = Date.now();
  const events = new Set<string>();
  while (events.size < times) {
    const round = Array.from({ length: Math.min(AT_ONCE, times) }, () =>
      cloud.emit(event.account, event.region, [event.entry]),
    );
    for (const envelope of (await Promise.all(round)).flat()) events.add(envelope.id);
  }
  await cloud.runner.idle(120_000);
  const milliseconds = Date.now() - began;
  const responses = (await cloud.ledger.list({ since: new Date(began - 1_000), limit: 10_000 })).filter(
    ({ correlation }) => events.has(correlation),
  );
  const made = await bench.calls();
  const own = made.filter(({ principal }) => principal.includes(':assumed-role/firebreak-snapshots/'));
  const read = ({ operation }: Call) => operation.startsWith('Describe');
  const ended = (outcome: string) => responses.filter((response) => response.outcome === outcome).length;
  if (ended('verified') === 0) throw new Error(`nothing was fixed: ${responses.length} responses to ${times} events`);
  return {
    changes: own.filter((call) => !read(call)).length,
    reads: own.filter(read).length,
    ledger: made.filter(
      ({ service, principal }) => service === 'dynamodb' && principal.includes('/firebreak-snapshots'),
    ).length,
    verified: ended('verified'),
    compliant: ended('compliant'),
    others: responses.length - ended('verified') - ended('compliant'),
    milliseconds,
  };
}
