import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { edits } from '../cli/difference.ts';
import { Terminal } from '../cli/terminal.ts';
import type { Response, ResponseRecord } from '../engine/response.ts';
import { canonical, changes } from '../engine/state.ts';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { Connection, HOME_REGION, ROOT } from '../local/connection.ts';
import { SCENES, type Scene, type Told } from '../local/scenes.ts';
import { Simulator } from '../local/simulator.ts';
import { type Judgement, judge } from '../simulations/judge.ts';
import { loadScenarios } from './scenarios.ts';
import { timesOf } from './times.ts';

const HELP = `npm start -- [--json]

The main job on the embedded cloud, without an AWS account: makes resources wrong on purpose in two member accounts, lets
the services tell of them, and shows what the deployed workers did, until one fix is taken back and told of again. Then rehearses
two incidents in a sandbox account.`;

/** The policy of the demonstration: everything that the catalogue has happens by itself. */
const POLICY = fileURLToPath(new URL('../local/demo-policy.yml', import.meta.url));
/** The simulations that are shown. */
const REHEARSED = ['exfiltration.s3-bucket-exposed', 'exfiltration.rds-snapshot-shared'];
/** Milliseconds for all responses to end. */
const PATIENCE_MS = 60_000;

/** One response to one scene, as it is shown. */
interface Shown {
  readonly source: string;
  readonly finding: string;
  readonly resource: string;
  readonly account: string;
  readonly region: string;
  readonly wrong: string;
  readonly remediation: string;
  /** Each change in words: what went, and what came. */
  readonly done: readonly string[];
  readonly outcome: string;
  readonly reason: string | undefined;
  readonly milliseconds: number;
  readonly response: string;
  readonly undo: string;
}

interface Telling extends Told {
  readonly scene: Scene;
  readonly event: string;
  readonly at: number;
}

const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
const screen = new Terminal(values.json ? process.stderr : process.stdout);
const started = performance.now();

async function demonstrate(): Promise<number> {
  screen.line(
    ['bold', 'Firebreak'],
    ' on the embedded cloud: two member accounts, a sandbox, two Regions, no AWS account needed.',
  );
  const cloud = await startCloud({ sandbox: true, policy: POLICY, progress: (step) => progress(step) });
  try {
    return await play(cloud);
  } finally {
    await cloud.stop();
  }
}

async function play(cloud: Cloud): Promise<number> {
  const connection = new Connection(cloud.endpoint);
  progress(`making ${SCENES.length} things wrong in the member accounts`);
  const staged = await Promise.all(SCENES.map((scene) => scene.stage(connection)));
  progress('letting the services tell of them');
  const tellings: Telling[] = [];
  for (const [index, told] of staged.entries()) {
    const at = Date.now();
    const [envelope] = await cloud.emit(told.account, told.region, [told.entry]);
    tellings.push({ ...told, scene: SCENES[index] as Scene, event: envelope?.id ?? '', at });
  }
  const expected = SCENES.reduce((count, { remediations }) => count + remediations.length, 0);
  const records = await ended(cloud, expected);

  const shown = tellings.flatMap((telling) => showings(telling, records));
  const filtered = tellings.filter(({ scene }) => scene.remediations.length === 0);
  const problems = tellings.flatMap((telling) => disappointments(telling, records));

  const victim = shown.find(({ remediation }) => remediation === 'snapshots.privatize-rds-snapshot');
  const undone = victim && (await takeBack(victim.response, cloud.endpoint));
  if (undone?.outcome !== 'undone') problems.push(`the undo of ${victim?.response} ended ${undone?.outcome}`);

  const held = undone && victim && (await tellAgain(cloud, victim, tellings, records.length + 2));
  if (held?.outcome !== 'excepted' || !held.reason?.startsWith('hold until ')) {
    problems.push(`told of again, what was taken back ended ${held?.outcome}: ${held?.reason}`);
  }

  const rehearsals = await rehearse(cloud);
  for (const { scenario, verdict, shortcomings } of rehearsals) {
    if (verdict !== 'passed')
      problems.push(`${scenario} is ${verdict}: ${shortcomings.map(({ what }) => what).join(' ')}`);
  }

  const seconds = (performance.now() - started) / 1_000;
  if (values.json) {
    console.log(
      JSON.stringify(
        {
          responses: shown,
          filtered: filtered.map(({ scene, entry }) => ({ source: scene.source, event: entry.detailType })),
          undo: undone,
          held,
          rehearsals,
          problems,
          seconds,
        },
        null,
        2,
      ),
    );
  } else print(shown, filtered, undone, held, rehearsals, problems, seconds);
  return problems.length === 0 ? 0 : 1;
}

/** The records of all responses, when as many as expected have ended or patience has. */
async function ended(cloud: Cloud, expected: number): Promise<readonly ResponseRecord[]> {
  const since = new Date(Date.now() - 3_600_000);
  const deadline = Date.now() + PATIENCE_MS;
  let told = 0;
  for (;;) {
    const done = (await cloud.ledger.list({ since, limit: 1_000 })).filter(({ outcome }) => outcome !== undefined);
    if (done.length > told) progress(`${done.length} of ${expected} responses ended`);
    told = done.length;
    if (done.length >= expected || Date.now() > deadline) break;
    await sleep(200);
  }
  // What nobody expected would still be on its way.
  await cloud.runner.idle();
  const all = await cloud.ledger.list({ since, limit: 1_000 });
  return (await Promise.all(all.map(({ id }) => cloud.ledger.get(id)))).filter((record) => record !== undefined);
}

const about = ({ event }: Telling, records: readonly ResponseRecord[]): ResponseRecord[] =>
  records.filter(({ response }) => response.correlation === event);

function showings(telling: Telling, records: readonly ResponseRecord[]): Shown[] {
  return about(telling, records).map(({ response, plan }) => ({
    source: telling.scene.source,
    finding: response.finding.type,
    resource: response.target.id,
    account: response.target.account,
    region: response.target.region,
    wrong: response.finding.title,
    remediation: response.remediation,
    done: plan ? changes(plan.before, plan.after).flatMap(({ part, from, to }) => inWords(part, from, to)) : [],
    outcome: response.outcome ?? 'open',
    reason: response.reason,
    milliseconds: Date.parse(response.finishedAt ?? '') - telling.at,
    response: response.id,
    undo: `npx firebreak undo ${response.id}`,
  }));
}

const inWords = (...change: Parameters<typeof edits>): string[] =>
  edits(...change).map(({ path, from, to }) => {
    const text = (value: typeof from) => (value === undefined || value === null ? 'nothing' : canonical(value));
    return `${path}: ${text(from)} -> ${text(to)}`;
  });

/** In what a scene did not end as it should. */
function disappointments(telling: Telling, records: readonly ResponseRecord[]): string[] {
  const wanted = [...telling.scene.remediations].sort();
  const found = about(telling, records).map(({ response }) => response);
  const name = `${telling.scene.source} ${telling.entry.detailType}`;
  const got = found.map(({ remediation }) => remediation).sort();
  return [
    ...(canonical(got) === canonical(wanted)
      ? []
      : [`${name}: expected ${wanted.join(', ') || 'no response'}, got ${got.join(', ') || 'none'}`]),
    ...found
      .filter(({ outcome }) => outcome !== 'verified')
      .map(({ id, outcome, reason }) => `${name}: ${id} ended ${outcome ?? 'open'}: ${reason ?? ''}`),
  ];
}

/** Runs the analyst's command, with the credentials of the organisation's administrator. */
async function takeBack(response: string, endpoint: string): Promise<Response> {
  progress(`taking one fix back: firebreak undo ${response}`);
  const command = fileURLToPath(new URL('../cli/firebreak.mjs', import.meta.url));
  const child = spawn(process.execPath, [command, 'undo', response, '--yes', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: HOME_REGION,
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
    },
  });
  const output = Buffer.concat(await child.stdout.toArray()).toString();
  if (output === '') throw new Error(`firebreak undo ${response} said nothing`);
  return (JSON.parse(output) as { response: Response }).response;
}

/** Has the same service tell of what was taken back, which is open again. @param count responses that there are then */
async function tellAgain(cloud: Cloud, { response }: Shown, tellings: readonly Telling[], count: number) {
  const fix = await cloud.ledger.get(response);
  const first = tellings.find(({ event }) => event === fix?.response.correlation);
  if (!first) return undefined;
  progress('letting the service tell of it again');
  const [envelope] = await cloud.emit(first.account, first.region, [first.entry]);
  const records = await ended(cloud, count);
  return records.find(({ response }) => response.correlation === envelope?.id)?.response;
}

/** Breaks something in the sandbox on purpose, measures what comes of it, and cleans up. */
async function rehearse(cloud: Cloud): Promise<readonly Judgement[]> {
  const simulator = new Simulator(cloud);
  const judgements: Judgement[] = [];
  for (const scenario of (await loadScenarios()).filter(({ id }) => REHEARSED.includes(id))) {
    progress(`rehearsing in the sandbox account: ${scenario.title}`);
    const { previous, ...record } = await simulator.run(scenario);
    judgements.push(judge(record, scenario, previous));
  }
  return judgements;
}

/** As much of a text as a line of a terminal shows. */
const clipped = (text: string): string => (text.length > 104 ? `${text.slice(0, 103)}…` : text);
/** Lines for the changes of one response. */
const DONE_LINES = 6;

function progress(step: string): void {
  screen.line(['dim', `${((performance.now() - started) / 1_000).toFixed(1).padStart(5)} s  ${step}`]);
}

function print(
  shown: readonly Shown[],
  filtered: readonly Telling[],
  undone: Response | undefined,
  held: Response | undefined,
  rehearsals: readonly Judgement[],
  problems: readonly string[],
  seconds: number,
): void {
  screen.line('');
  const cells = shown.map(({ outcome, milliseconds, source, finding, resource, account, region }) => [
    outcome,
    String(milliseconds),
    source,
    finding,
    `${resource} in ${account}, ${region}`,
  ]);
  const heads = ['OUTCOME', 'MS', 'SOURCE', 'FINDING', 'RESOURCE'];
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const aligned = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  screen.line(['dim', aligned(heads)]);
  for (const [index, row] of shown.entries()) {
    const good = row.outcome === 'verified';
    screen.line([good ? 'green' : 'red', aligned(cells[index] ?? [])]);
    screen.table(
      [
        ['wrong', clipped(row.wrong)],
        ['done', row.remediation],
        ...row.done.slice(0, DONE_LINES).map((change) => ['', clipped(change)]),
        ...(row.done.length > DONE_LINES ? [['', `and ${row.done.length - DONE_LINES} more`]] : []),
        ...(good ? [] : [['why', row.reason ?? '']]),
        ['undo', row.undo],
      ],
      '    ',
    );
  }
  screen.line('');
  for (const { scene, entry } of filtered) {
    screen.line(
      ['bold', 'Filtered: '],
      `${scene.source}, ${entry.detailType}: nothing handles it, so no rule carries it and it costs nothing.`,
    );
  }
  if (undone) {
    screen.line(
      ['bold', 'Taken back: '],
      `${undone.undoes} is ${undone.outcome}, as an analyst would do it; that is recorded as ${undone.id}.`,
    );
  }
  if (held) {
    screen.line(['bold', 'Told of again: '], `${held.id} is ${held.outcome}: ${held.reason}`);
  }
  for (const judgement of rehearsals) {
    const { scenario, fidelity, verdict, cleanUp } = judgement;
    screen.line(
      ['bold', 'Rehearsed: '],
      `${scenario}, by ${fidelity}: `,
      [verdict === 'passed' ? 'green' : 'red', verdict],
      ` (${timesOf(judgement)}); the sandbox is ${cleanUp === 'clean' ? 'as it was' : 'not as it was'}.`,
    );
  }
  screen.line('');
  screen.line(
    'The demonstration lets everything happen by itself (local/demo-policy.yml). As shipped, what is disruptive waits for a person.',
  );
  for (const problem of problems) screen.line(['red', 'NOT AS EXPECTED: '], problem);
  screen.line(
    problems.length === 0 ? ['green', 'All as expected'] : ['red', `${problems.length} not as expected`],
    `: ${shown.length} responses in ${seconds.toFixed(1)} s.  Next: npm run cloud keeps it up; npx firebreak --help; README.md.`,
  );
}

if (values.help) screen.text(HELP);
else process.exitCode = await demonstrate();
