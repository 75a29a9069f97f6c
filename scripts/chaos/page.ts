import type { Reliability } from './record.ts';
import type { Numbered } from './results.ts';
import { describeUnequal, type Walk } from './walk.ts';

const PROSE = `# Reliability

What the service promises when its process dies, AWS is not at its best and messages come as they like, proven by
\`npm run chaos -- --all\` on the embedded cloud: each remediation runs as it is deployed, its bundle in a Node process of its
own behind the Lambda Runtime API, fed from its queue. A first run with nothing in its way counts the calls of AWS that the
worker makes: in the member account, of the ledger, of STS and of SQS. Every other run has a fresh resource, and ends with an
undo. A part of all this runs with \`npm test\`.

**Faults.** Each call is throttled once, answered with 500, reset before it takes place and after, and cut short; some hang
until our own time-out. These pass, so that all must be as without them: the resource and its neighbours, read independently;
the outcome in the ledger; the recorded way back, which is what the resource really was; a free lease and nothing in the
dead-letter queue; an undo that brings back exactly what was; and each changing call at most once more than needed. Each call
is also refused, by IAM from then on, and each changing one answered with success without taking place. These stay: then the outcome must be what
is so, the missing action must be named, and undo must still bring back exactly what was.

**Kills.** For each call the process is killed with SIGKILL right before that call takes place, and in another run right after
it took place and before the worker hears of it; the message is visible again at once and goes to a new process. Runs with
seeds have one to three kills at places that the seed chooses, also in the processes that go on. A state is equal when all of
the above is as in the first run, and each changing call took place as often.

A run in which a call took two seconds by itself says how busy this machine is, and is made again, four times at most.`;

const TESTS = `## Numbered tests

Faults, abuse and orders of delivery that have a number and a criterion each. Tries are what one run tried: deliveries,
resources or kill points, as the test counts.`;

/** What has a number and no test yet, and why. */
const NOT_YET: readonly (readonly [number: number, title: string, why: string])[] = [
  [20, 'a compromised key with live sessions', 'there is no remediation for it yet'],
];

/** The page below docs/. */
export const pageOf = ({ walks, numbered }: Reliability): string =>
  [
    PROSE,
    'Each row is as its specimen was walked last. Where not every fault and kill point was tried, so many were, spread evenly over the run.',
    [
      '| remediation | specimen | calls | faults | kill points | runs with seeds | unequal | seconds | walked |',
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...walks.map(
        ({ remediation, specimen, calls, faults, points, seeds, unequal, seconds, date, whole }) =>
          `| ${remediation} | ${specimen} | ${calls} | ${faults} | ${points} | ${seeds} | ${unequal.length} | ${seconds} | ${date}, ${whole ? 'all' : 'in part'} |`,
      ),
      `| **all** | ${walks.length} | ${sum(walks, 'calls')} | ${sum(walks, 'faults')} | ${sum(walks, 'points')} | ${sum(walks, 'seeds')} | ${unequalIn(walks)} | ${sum(walks, 'seconds')} | |`,
    ].join('\n'),
    ...walks.flatMap((walk) =>
      walk.unequal.length === 0
        ? []
        : [
            `### ${walk.remediation}, specimen ${walk.specimen}`,
            walk.unequal.map((found) => `- ${describeUnequal(found)}`).join('\n'),
          ],
    ),
    TESTS,
    ...(numbered ? [`Run on ${numbered.date}, in their ${numbered.long ? 'long' : 'lean'} form.`] : []),
    ['| | test | tries | passed |', '| --- | --- | --- | --- |', ...rows(walks, numbered?.tests ?? [])].join('\n'),
  ].join('\n\n');

/** The first of the numbered tests is the walk over all kill points. */
function rows(walks: readonly Walk[], numbered: readonly Numbered[]): string[] {
  const killed: Numbered = {
    number: 1,
    titles: ['killed before and after every call of every remediation, then redelivered: the table above'],
    tries: sum(walks, 'points') + sum(walks, 'seeds'),
    passed: unequalIn(walks) === 0,
  };
  const tried = [killed, ...numbered].map(
    ({ number, titles, tries, passed }) =>
      [number, `| ${number} | ${titles.join('; ')} | ${tries} | ${passed ? 'yes' : '**no**'} |`] as const,
  );
  const notYet = NOT_YET.filter(([number]) => !numbered.some((each) => each.number === number)).map(
    ([number, title, why]) => [number, `| ${number} | ${title} | 0 | ${why} |`] as const,
  );
  return [...tried, ...notYet].sort(([a], [b]) => a - b).map(([, row]) => row);
}

const sum = (walks: readonly Walk[], of: 'calls' | 'faults' | 'points' | 'seeds' | 'seconds'): number =>
  walks.reduce((total, walk) => total + walk[of], 0);

export const unequalIn = (walks: readonly Walk[]): number =>
  walks.reduce((total, { unequal }) => total + unequal.length, 0);
