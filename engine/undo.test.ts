import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { findingOn } from '../local/findings.ts';
import { sessionConfig } from './aws/session.ts';
import { defineRemediation } from './define.ts';
import { TransientError } from './errors.ts';
import { FileLedger } from './ledger/files.ts';
import type { Hold, Holds } from './ledger/ledger.ts';
import { policySchema } from './policy-schema.ts';
import { responseId, targetOf } from './targets.ts';
import { type UndoHouse, undo } from './undo.ts';

const HOME = { account: '111122223333', region: 'eu-west-1' };
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'firebreak-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Holds of one resource in memory. */
class OneHold implements Holds {
  holder: string | undefined;
  hold: Hold | undefined;
  get = async () => this.hold;
  take = async (_: string, undo: string) => {
    if (this.holder !== undefined && this.holder !== undo) return this.holder;
    this.holder = undo;
    return undefined;
  };
  put = async (_: string, undo: string, hold: Hold | undefined) => {
    if (this.holder !== undo) throw new Error('not taken');
    this.hold = hold;
  };
  release = async (_: string, undo: string) => {
    if (this.holder === undo) this.holder = undefined;
  };
}

test('an undo that is told twice does not take its own half-written work for somebody else’s', async () => {
  const state = { left: 'closed', right: 'closed' };
  const halfway = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const action = defineRemediation({
    id: 'storage.close-two-doors',
    title: 'Close two doors',
    risk: 'safe',
    handles: [],
    resource: ['AWS::S3::Bucket'],
    parameters: z.strictObject({}),
    state: z.strictObject({ left: z.string(), right: z.string() }),
    permissions: { read: [], write: () => [] },
    gone: [],
    clients: () => ({}),
    read: async () => ({ state: { ...state }, facts: {} }),
    desired: () => ({ left: 'closed', right: 'closed' }),
    write: async (_clients, _target, next) => {
      state.left = next.left;
      halfway.resolve();
      await goOn.promise;
      state.right = next.right;
    },
  });
  const target = targetOf('AWS::S3::Bucket', { ...HOME, partition: 'aws' }, 'two-doors');
  if (!target) throw new Error('two-doors is no bucket');
  const request = {
    id: responseId(action.id, target, 'undo'),
    action,
    target,
    finding: findingOn(target, 'securityhub', 'S3.2'),
    correlation: 'the event',
    undoes: responseId(action.id, target, 'fix'),
    by: 'ana',
    recorded: {
      before: { left: 'open', right: 'open' },
      after: { left: 'closed', right: 'closed' },
      facts: {},
    },
  };
  const { finding, correlation } = request;
  await new FileLedger(root).open(
    {
      ...{ id: request.undoes, remediation: action.id, target, correlation, finding },
      startedAt: new Date().toISOString(),
    },
    finding,
  );
  const session = sessionConfig(HOME.account, HOME.region);
  const house = (read: () => Promise<void>): UndoHouse => ({
    ledger: new FileLedger(root),
    holds,
    sessions: {
      read: async () => {
        await read();
        return session;
      },
      write: async () => session,
    },
    policy: policySchema.parse({ version: 1 }),
    home: HOME,
  });
  const holds = new OneHold();
  const arrived = Promise.withResolvers<void>();

  // The second has looked into the ledger before the first writes, and looks at the resource after it has written a part.
  const second = async () => {
    arrived.resolve();
    await halfway.promise;
  };
  const first = undo(
    { ...request, message: 'one' },
    house(() => arrived.promise),
  );
  const other = undo({ ...request, message: 'two' }, house(second));
  await expect(other).rejects.toThrow(TransientError);
  goOn.resolve();
  expect(await first).toMatchObject({ outcome: 'undone' });
  expect(state).toEqual({ left: 'open', right: 'open' });
  expect(holds.holder).toBeUndefined();
  // The message that came back finds it done.
  expect(await undo({ ...request, message: 'two' }, house(second))).toMatchObject({ outcome: 'undone' });
});
