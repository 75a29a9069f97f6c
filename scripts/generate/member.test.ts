import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { cloudTrail, securityHub } from '../../engine/triggers.ts';
import { memberTemplate } from './member.ts';
import { patternsFor } from './patterns.ts';
import type { Rule } from './rules.ts';

const SECURITY = '111122223333';
const HOME = 'eu-west-1';

type Condition = Record<string, unknown>;
interface Template {
  readonly Conditions: Record<string, Condition>;
  readonly Resources: Record<
    string,
    { readonly Condition: string; readonly Properties: { readonly Targets?: unknown } }
  >;
}

const rule = (source: 'cloudtrail' | 'securityhub', pattern: Rule['pattern'] | undefined): Rule => ({
  name: `firebreak-snapshots-${source}`,
  logicalId: source,
  source,
  worker: 'snapshots',
  pattern: pattern ?? {},
});
const template = parse(
  memberTemplate(
    [],
    [
      rule('cloudtrail', patternsFor('cloudtrail', [cloudTrail('rds', 'ModifyDBSnapshotAttribute')])[0]),
      rule('securityhub', patternsFor('securityhub', [securityHub('RDS.1')])[0]),
    ],
  ),
) as Template;

/** Whether a condition holds, as CloudFormation works it out. */
function holds(condition: Condition, parameters: Record<string, string>): boolean {
  const [[name, given] = []] = Object.entries(condition);
  const each = () => (given as Condition[]).map((one) => holds(one, parameters));
  const value = (one: unknown) => (typeof one === 'string' ? one : parameters[(one as { Ref: string }).Ref]);
  switch (name) {
    case 'Condition':
      return holds(template.Conditions[given as string] ?? {}, parameters);
    case 'Fn::Not':
      return !each()[0];
    case 'Fn::And':
      return each().every(Boolean);
    case 'Fn::Or':
      return each().some(Boolean);
    case 'Fn::Equals': {
      const [one, other] = (given as unknown[]).map(value);
      return one === other;
    }
    default:
      throw new Error(`no such condition: ${name}`);
  }
}

test.each([
  ['the security account at home: its own bus delivers', SECURITY, HOME, 'no', false, false],
  ['the security account elsewhere', SECURITY, 'us-east-1', 'no', true, true],
  ['a member at home: its aggregated findings come by the administrator', '444455556666', HOME, 'no', true, false],
  ['a member elsewhere', '444455556666', 'us-east-1', 'no', true, false],
  ['another administrator', '222233334444', HOME, 'yes', true, true],
  ['another administrator elsewhere', '222233334444', 'us-east-1', 'yes', true, true],
])('%s', (_, account, region, Administrator, calls, findings) => {
  const parameters = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    SecurityAccount: SECURITY,
    HomeRegion: HOME,
    Administrator,
  };
  const forwards = (id: string) => holds({ Condition: template.Resources[id]?.Condition }, parameters);
  expect(forwards('Forwardcloudtrail')).toBe(calls);
  expect(forwards('Forwardsecurityhub')).toBe(findings);
});

test('every rule sends to the home bus directly: what came from another bus is never forwarded again', () => {
  for (const id of ['Forwardcloudtrail', 'Forwardsecurityhub']) {
    expect(template.Resources[id]?.Properties.Targets).toEqual([
      expect.objectContaining({
        Arn: { 'Fn::Sub': 'arn:${AWS::Partition}:events:${HomeRegion}:${SecurityAccount}:event-bus/default' },
      }),
    ]);
  }
});
