import { describeUnequal, type Walk } from './walk.ts';

const PROSE = `# Reliability

What the service promises when its process dies, proven by \`npm run chaos -- --all\` on the embedded cloud: each remediation
runs as it is deployed, its bundle in a Node process of its own behind the Lambda Runtime API, fed from its queue. A first
run without a kill counts the calls of AWS that the worker makes: in the member account, of the ledger, of STS and of SQS. Then
for each call the process is killed with SIGKILL right before that call takes place, and in another run right after it took
place and before the worker hears of it; the message is visible again at once and goes to a new process. Each kill point has
a fresh resource. Runs with seeds have one to three kills at places that the seed chooses, also in the processes that go on.

A state is equal when all of this is as in the run without a kill: the resource and its neighbours, read independently;
the outcome in the ledger; the recorded way back, which is what the resource really was before the first process; how often
each changing call took place; a free lease and nothing in the dead-letter queue; and an undo, which brings back exactly
what was. A part of it runs with \`npm test\`.`;

/** The page below docs/. */
export const pageOf = (walks: readonly Walk[], on: { readonly date: string }): string =>
  [
    PROSE,
    `Run on ${on.date}, Node ${process.versions.node}.`,
    [
      '| remediation | specimen | calls | kill points | runs with seeds | unequal | seconds |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...walks.map(
        ({ remediation, specimen, calls, points, seeds, unequal, seconds }) =>
          `| ${remediation} | ${specimen} | ${calls} | ${points} | ${seeds} | ${unequal.length} | ${seconds} |`,
      ),
      `| **all** | ${walks.length} | ${sum(walks, 'calls')} | ${sum(walks, 'points')} | ${sum(walks, 'seeds')} | ${unequalIn(walks)} | ${sum(walks, 'seconds')} |`,
    ].join('\n'),
    ...walks.flatMap((walk) =>
      walk.unequal.length === 0
        ? []
        : [
            `## ${walk.remediation}, specimen ${walk.specimen}`,
            walk.unequal.map((found) => `- ${describeUnequal(found)}`).join('\n'),
          ],
    ),
  ].join('\n\n');

const sum = (walks: readonly Walk[], of: 'calls' | 'points' | 'seeds' | 'seconds'): number =>
  walks.reduce((total, walk) => total + walk[of], 0);

export const unequalIn = (walks: readonly Walk[]): number =>
  walks.reduce((total, { unequal }) => total + unequal.length, 0);
