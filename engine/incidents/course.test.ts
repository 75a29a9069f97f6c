import { describe, expect, test } from '@jest/globals';
import { joined, opened, type Step, type Telling } from './course.ts';

const telling = (id: string): Telling => {
  const arn = `arn:aws:rds:eu-west-1:444455556666:snapshot:${id}`;
  const place = { account: '444455556666', region: 'eu-west-1', partition: 'aws' };
  const at = '2026-11-26T10:00:00.000Z';
  return {
    response: {
      id,
      remediation: 'snapshots.privatize-rds-snapshot',
      target: { type: 'AWS::RDS::DBSnapshot', id, arn, ...place },
      correlation: 'event',
      finding: { source: 'securityhub', type: 'RDS.1', id: 'f', severity: 'HIGH', title: 't'.repeat(5_000) },
      startedAt: at,
      finishedAt: at,
      outcome: 'failed',
      reason: 'r'.repeat(5_000),
    },
    title: 'Make a snapshot private',
    subjects: [arn, `arn:aws:iam::444455556666:user/${id}`],
    playbooks: [],
  };
};

describe('an incident of very many things', () => {
  test('names a hundred subjects, those who did something first, and is as long as it can be stored', () => {
    let step: Step = opened('inc-aaaaaaaaaa', telling('r0'));
    for (let index = 1; index < 2_000; index += 1) step = joined(step.head, telling(`r${index}`), undefined);
    const { incident, amiss, entries } = step.head;
    expect([amiss, entries]).toEqual([2_000, 2_001]);
    expect(incident.subjects).toHaveLength(100);
    expect(incident.subjects.every((arn) => arn.includes(':user/'))).toBe(true);
    expect(JSON.stringify(step).length).toBeLessThan(20_000);
  });
});
