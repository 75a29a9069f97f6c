import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  accessAnalyzer,
  cloudTrail,
  guardDuty,
  guardDutyActor,
  inspector,
  macie,
  securityHub,
} from '../../engine/triggers.ts';
import { PATTERN_CHARACTERS, type Pattern, patternsFor } from './patterns.ts';

/** Every list of plain values that a pattern holds under a key, at any depth. */
function values(pattern: unknown, key: string): string[] {
  if (Array.isArray(pattern)) return pattern.flatMap((item) => values(item, key));
  if (pattern === null || typeof pattern !== 'object') return [];
  return Object.entries(pattern).flatMap(([name, node]) =>
    name === key && Array.isArray(node) ? (node as string[]) : values(node, key),
  );
}

const branches = (pattern: Pattern): readonly Pattern[] => (pattern.$or as Pattern[] | undefined) ?? [pattern];
const types = fc.uniqueArray(fc.stringMatching(/^[A-Z][A-Za-z]{2,30}:EC2\/[A-Za-z.!]{2,60}$/), {
  minLength: 1,
  maxLength: 120,
});

describe('the patterns of a worker', () => {
  test('carry every type and no other, each short enough for EventBridge, however many there are', () => {
    fc.assert(
      fc.property(types, types, (any, acting) => {
        const patterns = patternsFor('guardduty', [guardDuty(...any), guardDutyActor(...acting)]);
        const carried = (role: boolean) =>
          patterns
            .flatMap(branches)
            .filter((branch) => values(branch, 'resourceRole').includes('ACTOR') === role)
            .flatMap((branch) => values(branch, 'type'));
        expect(carried(false).sort()).toEqual([...any].sort());
        expect(carried(true).sort()).toEqual([...acting].sort());
        for (const pattern of patterns) {
          expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(PATTERN_CHARACTERS);
          expect(pattern.source).toEqual(['aws.guardduty']);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('ask each source for what is still so: nothing archived, resolved, suppressed, deleted or failed', () => {
    const [hub] = patternsFor('securityhub', [securityHub('S3.2')]);
    expect(values(hub, 'Status')).toEqual(['FAILED', 'NEW', 'NOTIFIED']);
    expect(values(hub, 'RecordState')).toEqual(['ACTIVE']);
    expect(values(hub, 'status')).toEqual(['Fail', 'New', 'In Progress']);
    expect(values(patternsFor('guardduty', [guardDuty('x')]), 'archived')).toEqual([false]);
    expect(values(patternsFor('macie', [macie('x')]), 'archived')).toEqual([false]);
    expect(values(patternsFor('inspector', [inspector('x')]), 'status')).toEqual(['ACTIVE']);
    const [analyzer] = patternsFor('access-analyzer', [accessAnalyzer('x')]);
    expect(values(analyzer, 'status')).toEqual(['ACTIVE']);
    expect(values(analyzer, 'isDeleted')).toEqual([false]);
    expect(values(patternsFor('cloudtrail', [cloudTrail('rds', 'x')]), 'errorCode')).toEqual([{ exists: false }]);
  });

  test('take events of one service for the calls of that service alone', () => {
    const patterns = patternsFor('cloudtrail', [cloudTrail('rds', 'Share'), cloudTrail('ec2', 'Open')]);
    const pairs = patterns
      .flatMap(branches)
      .map((branch) => [values(branch, 'eventSource'), values(branch, 'eventName')]);
    expect(pairs).toEqual([
      [['rds.amazonaws.com'], ['Share']],
      [['ec2.amazonaws.com'], ['Open']],
    ]);
  });
});
