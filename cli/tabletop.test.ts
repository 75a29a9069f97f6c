import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RunRecord } from '../simulations/run.ts';
import { readExercise } from '../simulations/tabletop.ts';
import { main } from './main.ts';
import { Terminal } from './terminal.ts';

const EXERCISE = readExercise('customer-data-leak');
const environment = { ...process.env };
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-table-'));
  // Where nobody answers: what is written down here needs no cloud.
  Object.assign(process.env, { FIREBREAK_HOME: folder, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' });
});
afterAll(() => {
  process.env = environment;
  rmSync(folder, { recursive: true });
});

/** Types lines, and then leaves. */
async function firebreak(words: readonly string[], typed: readonly string[] = [], isTTY = true) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const input = Object.assign(new PassThrough(), { isTTY });
  input.end(typed.map((line) => `${line}\n`).join(''));
  const code = await main(words, { out: new Terminal(out), err: new Terminal(err), input });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const minutes = (run: string): RunRecord => JSON.parse(readFileSync(join(folder, 'tabletops', `${run}.json`), 'utf8'));
const runIn = (err: string): string => /simulation report ([a-z2-7]{10})/.exec(err)?.[1] ?? '';
const lead = (...typed: string[]) => firebreak(['tabletop', EXERCISE.id, '--exercise', '2026-Q4'], typed);
/** What is typed about a card whose decision is taken. */
const decided = (by: string, hint: string, went: string) => ['we close it', by, hint, went];

test('an exercise goes through all its cards, and what was decided is written down with who and how', async () => {
  const cards = EXERCISE.cards.flatMap((_, index) => [
    ...(index === 0 ? [] : ['']),
    ...(index === 2 ? [''] : decided('ann', index === 1 ? 'y' : '', index === 1 ? 'p' : 'good')),
  ]);
  const { code, out, err } = await lead(...cards);
  expect(code).toBe(0);
  for (const { decision, audience, id, after } of EXERCISE.cards) {
    expect(out).toContain(decision);
    expect(out).toContain(`T+${after}  ${id}  for ${audience.join(', ')}`);
  }
  const { run, timeline, responses } = minutes(runIn(err));
  expect(run).toMatchObject({
    ...{ scenario: 'tabletop.customer-data-leak', fidelity: 'tabletop', exercise: '2026-Q4', status: 'clean' },
  });
  expect([run.stopped, responses]).toEqual([undefined, []]);
  const [first, second, third] = EXERCISE.cards.map(({ id }) => id);
  expect(timeline.slice(0, 7).map(({ what, detail }) => `${what}: ${detail}`)).toEqual([
    `started: ${EXERCISE.title}`,
    expect.stringContaining(`alerted: card ${first}`),
    `acknowledged: ${first}: we close it (by ann; good)`,
    expect.stringContaining(`injected: card ${second}`),
    `responded: ${second}: we close it (by ann, after the hint; poor)`,
    expect.stringContaining(`injected: card ${third}`),
    `responded: ${third}: nothing was decided`,
  ]);
});

test('one that is left early keeps what was written down, and says that it was left', async () => {
  const { code, err } = await lead(...decided('ann', '', 'fair'));
  expect(code).toBe(130);
  expect(minutes(runIn(err))).toMatchObject({
    run: { status: 'clean', stopped: { by: 'person' } },
    timeline: [{ what: 'started' }, { what: 'alerted' }, { what: 'acknowledged' }],
  });
});

test('the report tells of it without asking any cloud, beside the times before', async () => {
  const [earlier, later] = [await lead(...decided('ann', '', 'fair')), await lead(...decided('bob', '', 'good'))];
  const run = runIn(later.err);
  const markdown = await firebreak(['simulation', 'report', run]);
  expect([markdown.code, markdown.err]).toEqual([0, '']);
  expect(markdown.out).toContain(EXERCISE.title);
  expect(markdown.out).toContain('by bob');
  const file = join(folder, 'report.html');
  const html = await firebreak(['simulation', 'report', run, '--format', 'html', '--output', file]);
  expect(html).toEqual({ code: 0, out: '', err: `written to ${file}\n` });
  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/i);
  const json = JSON.parse((await firebreak(['simulation', 'report', run, '--format', 'json'])).out);
  const told = json.levels[0].runs[0];
  expect(told.judgement).toMatchObject({ run, fidelity: 'tabletop', verdict: 'stopped' });
  expect(told.judgement.earlier.map((each: { run: string }) => each.run)).toContain(runIn(earlier.err));
});

test('a report that cannot be written says so', async () => {
  const [file = ''] = readdirSync(join(folder, 'tabletops'));
  const output = join(folder, 'no', 'report.md');
  const { code, err } = await firebreak(['simulation', 'report', file.replace('.json', ''), '--output', output]);
  expect([code, err]).toEqual([1, expect.stringMatching(/the report could not be written to .*report\.md: .*ENOENT/)]);
});

test('nobody leads an exercise that there is not, or without a terminal', async () => {
  expect(await firebreak(['tabletop', '../faults'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no exercise ../faults; there are customer-data-leak'),
  });
  expect(await firebreak(['tabletop', EXERCISE.id], [], false)).toMatchObject({
    code: 1,
    err: expect.stringContaining('at a terminal'),
  });
});
