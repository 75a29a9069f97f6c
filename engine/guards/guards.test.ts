import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findingOn } from '../../local/findings.ts';
import type { Finding } from '../findings/finding.ts';
import type { Hold } from '../ledger/ledger.ts';
import { targetFromArn } from '../targets.ts';
import { foreign, inauthentic, type Trust } from './authentic.ts';
import type { Situation } from './guard.ts';
import { GUARDS } from './guards.ts';
import { hold } from './hold.ts';
import { selfCaused } from './self-caused.ts';

const [SECURITY, MEMBER, OTHER, ADMINISTRATOR] = ['111122223333', '444455556666', '777788889999', '222233334444'];
const place = { account: MEMBER, region: 'us-east-1' };
const arn = `arn:aws:rds:us-east-1:${MEMBER}:snapshot:orders`;
const target = targetFromArn(['AWS::RDS::DBSnapshot'], arn, place);
if (!target) throw new Error('not a snapshot');
const told = findingOn(target, 'securityhub', 'RDS.1', {
  productArn: 'arn:aws:securityhub:us-east-1::product/aws/securityhub',
});
const trust: Trust = { home: { account: SECURITY, region: 'eu-west-1' }, administrators: [ADMINISTRATOR] };
const from = (account: string, region: string, more: Partial<Finding> = {}): Finding => ({
  ...told,
  ...more,
  envelope: { ...told.envelope, account, region },
});

describe('a finding is believed', () => {
  test('from its own account, from home and from an administrator, in its own or the home Region, and from nobody else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(SECURITY, MEMBER, OTHER, ADMINISTRATOR),
        fc.constantFrom('us-east-1', 'eu-west-1', 'ap-south-1'),
        (account, region) => {
          const believed = account !== OTHER && region !== 'ap-south-1';
          expect(inauthentic(from(account, region), trust) === undefined).toBe(believed);
        },
      ),
    );
  });

  test.each([
    undefined,
    `arn:aws:securityhub:us-east-1:${MEMBER}:product/${MEMBER}/default`,
    'arn:aws:securityhub:us-east-1::product/aws/guardduty',
    'arn:aws-cn:securityhub:cn-north-1::product/aws/securityhub',
    'arn:aws:securityhub:us-east-1::product/aws/securityhub/../../evil',
    `arn:aws:securityhub:us-east-1:${MEMBER}:product/x::product/aws/securityhub`,
  ])('by Security Hub only as its own product, not as %s', (productArn) => {
    const { productArn: _, ...without } = from(SECURITY, 'us-east-1');
    expect(inauthentic({ ...without, ...(productArn && { productArn }) }, trust)).toMatch(/not by Security Hub/);
  });
});

describe('a target is foreign', () => {
  test.each([{ account: OTHER }, { region: 'eu-west-1' }, { partition: 'aws-cn' }])(
    'with %j, when the finding is of another',
    (elsewhere) => {
      expect(foreign({ ...target, ...elsewhere }, told)).toBeDefined();
      expect(foreign(target, told)).toBeUndefined();
    },
  );
});

describe('a change is our own', () => {
  const by = (principal: string) =>
    selfCaused.onFinding({
      action: { id: 'snapshots.privatize-rds-snapshot' },
      finding: { ...told, principal },
      target,
    } as Situation)?.outcome;
  const role = (name: string, account = MEMBER) => `arn:aws:sts::${account}:assumed-role/${name}/snapshots-k7m2p9xqra`;

  test('when the role of this worker in this account made it', () => {
    expect(by(role('firebreak-snapshots'))).toBe('excepted');
  });

  test.each([
    role('firebreak-anything'),
    role('firebreak-snapshots-2'),
    role('firebreak-storage'),
    role('firebreak-snapshots', OTHER),
    `arn:aws:iam::${MEMBER}:role/firebreak-snapshots`,
    `arn:aws:iam::${MEMBER}:user/assumed-role/firebreak-snapshots/me`,
  ])('not when %s did', (principal) => {
    expect(by(principal)).toBeUndefined();
  });
});

describe('a hold', () => {
  const of = (left: Hold | undefined, now: Date) =>
    hold.onFinding({ at: now, ...(left && { hold: left }) } as Situation);

  test('excepts until its time is over, to the millisecond, and says by whom, until when and why', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), fc.integer({ min: -10, max: 10 }), (now, milliseconds) => {
        const until = new Date(now.getTime() + milliseconds);
        fc.pre(!Number.isNaN(until.getTime()));
        const stop = of({ by: 'arn:aws:iam::111122223333:user/ann', reason: 'audit', until: until.toISOString() }, now);
        expect(stop).toEqual(
          milliseconds > 0
            ? {
                outcome: 'excepted',
                reason: `hold until ${until.toISOString()} by arn:aws:iam::111122223333:user/ann: audit`,
              }
            : undefined,
        );
      }),
    );
  });

  test('that nobody put excepts nothing', () => {
    expect(of(undefined, new Date())).toBeUndefined();
  });

  test('is asked about after the exceptions', () => {
    const order = GUARDS.map(({ name }) => name);
    expect(order.indexOf('hold')).toBeGreaterThan(order.indexOf('exception'));
  });
});

describe('the guards', () => {
  test('have an order, and those that yield to an approval or a run by name are known', () => {
    expect(GUARDS.map(({ name, yieldsTo = [] }) => [name, ...yieldsTo].join(' '))).toEqual([
      'sample',
      'kill-switch',
      'self-caused',
      'exception',
      'hold approval run',
      'freeze run',
      'protected',
      'waiting approval run',
      'mode approval run',
      'caution approval run',
      'cool-down approval run',
      'budget',
    ]);
  });
});
