import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Busy, Claims, type Held } from './claims.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-claims-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const take = (key: string, response: string): Held & Busy => new Claims(folder).take(key, response) as Held & Busy;

/** Takes the claim in a process that then ends without releasing it. */
function interruptedProcess(key: string, response: string): void {
  const url = new URL('./claims.ts', import.meta.url).href;
  const program = `const { Claims } = await import('${url}'); new Claims(${JSON.stringify(folder)}).take('${key}', '${response}'); process.kill(process.pid, 'SIGKILL');`;
  expect(spawnSync(process.execPath, ['--input-type=module', '-e', program]).signal).toBe('SIGKILL');
}

describe('a claim', () => {
  test('is held by one at a time', () => {
    const first = take('a', 'r-1');
    expect(first.interrupted).toEqual([]);
    expect(take('a', 'r-2').busy).toContain(`process ${process.pid}`);
    expect(take('a', 'r-2').busy).toContain('r-1');
    expect(take('b', 'r-3').interrupted).toEqual([]);
    first.release();
    expect(take('a', 'r-4').interrupted).toEqual([]);
  });

  test('of a process that has gone is taken over, with the response it was in', () => {
    interruptedProcess('a', 'r-1');
    interruptedProcess('a', 'r-2');
    const held = take('a', 'r-3');
    expect(held.interrupted).toEqual(['r-1', 'r-2']);
    expect(take('a', 'r-4').busy).toContain('r-3');
    held.release();
    expect(take('a', 'r-5').interrupted).toEqual([]);
  });
});
