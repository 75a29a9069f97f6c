import { expect, test } from '@jest/globals';
import { findingOn } from '../../local/findings.ts';
import { policySchema } from '../policy-schema.ts';
import type { Target } from '../remediation.ts';
import type { Planned } from './guard.ts';
import { mode } from './mode.ts';

const target: Target = {
  ...{ type: 'AWS::S3::Bucket', id: 'exports', arn: 'arn:aws:s3:::exports' },
  ...{ account: '444455556666', region: 'eu-west-1', partition: 'aws' },
};
const asks = { tag: { key: 'criticality', value: 'high' }, mode: 'approval' };

/** What the guard says of a safe remediation, and how often it read tags. */
async function said(modes: readonly object[], tags?: Record<string, string> | Error) {
  let reads = 0;
  const action = {
    ...{ id: 'storage.x', risk: 'safe', undo: async () => undefined },
    ...(tags && {
      tags: async () => {
        reads += 1;
        if (tags instanceof Error) throw tags;
        return tags;
      },
    }),
  };
  const policy = policySchema.parse({ version: 1, modes });
  const finding = findingOn(target, 'securityhub', 'S3.2');
  const stop = await mode.onPlan({ action, target, finding, policy, clients: {} } as unknown as Planned);
  return { ...stop, reads };
}

test('a tag that the policy names asks for approval; another value, or none, does not', async () => {
  expect(await said([asks], { criticality: 'high' })).toEqual({
    outcome: 'awaiting-approval',
    reason: 'needs approval, because response-policy.yml sets everything tagged criticality=high to approval',
    reads: 1,
  });
  expect(await said([asks], { criticality: 'low' })).toEqual({ reads: 1 });
  expect(await said([asks], {})).toEqual({ reads: 1 });
});

test('tags are read only where they can change something', async () => {
  const tags = { criticality: 'high' };
  expect(await said([], tags)).toEqual({ reads: 0 });
  expect(await said([{ ...asks, remediation: 'network.*' }], tags)).toEqual({ reads: 0 });
  expect(await said([asks, { mode: 'observe' }], tags)).toMatchObject({ outcome: 'observed', reads: 0 });
  expect(await said([{ mode: 'approval' }, asks], tags)).toMatchObject({ outcome: 'awaiting-approval', reads: 0 });
});

test('a remediation that reads no tags asks; a read that fails is no answer', async () => {
  expect(await said([asks])).toMatchObject({
    outcome: 'awaiting-approval',
    reason: expect.stringContaining('storage.x reads no tags'),
  });
  await expect(said([asks], new Error('denied'))).rejects.toThrow('denied');
});
