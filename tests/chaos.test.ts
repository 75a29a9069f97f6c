import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import type { Walk } from '../scripts/chaos/walk.ts';
import { loadWorkers } from '../scripts/workers.ts';

/** Kill points and faults of each specimen: all of them take an hour. */
const POINTS = 2;

/** In a process and a cloud of its own, since the kills are faults of the cloud, and would meet other tests too. */
async function chaos(...args: string[]): Promise<{ status: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, ['scripts/chaos.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, status] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ]);
  return { status, output: Buffer.concat(output).toString(), errors: Buffer.concat(errors).toString() };
}

test('#1 every remediation ends as it would have when a call is disturbed or its process is killed on the way', async () => {
  const { status, output, errors } = await chaos('--all', '--points', String(POINTS), '--seeds', '1', '--json');
  expect([status, errors]).toEqual([0, expect.stringMatching(/^\d+ faults; \d+ kill points, 0 unequal states\n$/m)]);
  const walks = JSON.parse(output) as Walk[];
  const ids = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  expect(new Set(walks.map(({ remediation }) => remediation))).toEqual(new Set(ids));
  for (const { faults, points, seeds, calls, unequal } of walks) {
    expect({ faults, points, seeds, unequal }).toEqual({ faults: POINTS, points: POINTS, seeds: 1, unequal: [] });
    expect(calls).toBeGreaterThan(10);
  }
}, 300_000);

test('says what it takes when it is asked for what it has not', async () => {
  const { status, output, errors } = await chaos('storage.no-such-thing');
  expect([status, output]).toEqual([2, '']);
  expect(errors).toMatch('there is no remediation storage.no-such-thing');
});
