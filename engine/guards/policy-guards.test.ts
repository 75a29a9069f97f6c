import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { findingOn } from '../../local/findings.ts';
import { sessionConfig } from '../aws/session.ts';
import { defineRemediation } from '../define.ts';
import { FileLedger } from '../ledger/files.ts';
import { policySchema } from '../policy-schema.ts';
import type { Target } from '../remediation.ts';
import { respond } from '../respond.ts';
import { responseId } from '../targets.ts';
import { securityHub } from '../triggers.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'firebreak-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const target: Target = {
  ...{ type: 'AWS::S3::Bucket', id: 'exports', arn: 'arn:aws:s3:::exports' },
  ...{ account: '444455556666', region: 'eu-west-1', partition: 'aws' },
};
const freeze = { name: 'n', owner: 'o', reason: 'r', from: '2026-01-01T00:00:00Z', until: '2999-01-01T00:00:00Z' };
const resources = [{ resource: target.arn, owner: 'o', reason: 'r' }];

/** Runs a fix of an open bucket; answers how it ended, and how often it read, wrote and was warned. */
async function end(lines: object, severity: 'HIGH' | 'CRITICAL', requested = false) {
  const bucket = { state: 'open', reads: 0, writes: 0 };
  const action = defineRemediation({
    id: 'storage.shut',
    title: 'Shut a bucket',
    risk: 'safe',
    handles: [securityHub('S3.2')],
    resource: ['AWS::S3::Bucket'],
    parameters: z.strictObject({}),
    state: z.strictObject({ door: z.string() }),
    permissions: { read: ['s3:Look'], write: () => [{ actions: ['s3:Shut'], resources: [target.arn] }] },
    gone: [],
    clients: () => ({}),
    reach: async (_clients, _target, enough) => Math.min(60, enough),
    async read() {
      bucket.reads += 1;
      return { state: { door: bucket.state }, facts: {} };
    },
    desired: () => ({ door: 'shut' }),
    async write(_clients, _target, next) {
      bucket.writes += 1;
      bucket.state = next.door;
    },
  });
  const session = sessionConfig(target.account, target.region);
  const finding = findingOn(target, 'securityhub', 'S3.2', { severity });
  const ledger = new FileLedger(root);
  const response = await respond(
    { id: responseId(action.id, target, finding.id), action, target, finding, correlation: finding.id },
    {
      ledger,
      sessions: { read: async () => session, write: async () => session },
      policy: policySchema.parse({ version: 1, protected: { sharedBy: 60 }, ...lines }),
      home: { account: '111122223333', region: 'eu-west-1' },
      requested,
    },
  );
  const timeline = (await ledger.get(response.id))?.timeline ?? [];
  const warned = timeline.filter(({ event }) => event === 'warned').length;
  const { outcome, guard } = response;
  return { outcome, guard, reads: bucket.reads, writes: bucket.writes, warned };
}

test('a freeze defers before anything is read, and only warns who runs it by name', async () => {
  const frozen = { outcome: 'deferred', guard: 'freeze', reads: 0, writes: 0 };
  expect(await end({ freezes: [freeze] }, 'CRITICAL')).toMatchObject(frozen);
  expect(await end({ freezes: [{ ...freeze, severityBelow: 'CRITICAL' }] }, 'HIGH')).toMatchObject(frozen);
  expect(await end({ freezes: [{ ...freeze, severityBelow: 'CRITICAL' }] }, 'CRITICAL')).toMatchObject({
    outcome: 'verified',
    writes: 1,
  });
  // On the finding, and once more before the write.
  expect(await end({ freezes: [freeze] }, 'HIGH', true)).toMatchObject({ outcome: 'verified', writes: 1, warned: 2 });
});

test('what is protected or shared by too many is not written, even when critical, asked for by name and automatic', async () => {
  const modes = [{ mode: 'automatic' }];
  for (const lines of [
    { protected: { resources, sharedBy: 60 } },
    { protected: { sharedBy: 59 } },
    { organization: { management: target.account } },
  ]) {
    for (const requested of [false, true]) {
      expect(await end({ modes, ...lines }, 'CRITICAL', requested)).toMatchObject({
        ...{ outcome: 'refused', guard: 'protected', writes: 0 },
      });
    }
  }
  expect(await end({ modes }, 'CRITICAL')).toMatchObject({ outcome: 'verified', writes: 1 });
});
