import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arnOf, idFromArn, isKnownType, parseArn } from './arn.ts';

const place = { partition: 'aws', region: 'eu-west-1', account: '444455556666' };

const KNOWN: readonly (readonly [type: string, id: string, arn: string])[] = [
  ['AWS::S3::Bucket', 'example-exports.eu', 'arn:aws:s3:::example-exports.eu'],
  ['AWS::EC2::Snapshot', 'snap-0a91c35d7e2f4b680', 'arn:aws:ec2:eu-west-1::snapshot/snap-0a91c35d7e2f4b680'],
  ['AWS::EC2::Instance', 'i-1234abcd', 'arn:aws:ec2:eu-west-1:444455556666:instance/i-1234abcd'],
  [
    'AWS::EC2::SecurityGroup',
    'sg-0c4e1a97b25d8f360',
    'arn:aws:ec2:eu-west-1:444455556666:security-group/sg-0c4e1a97b25d8f360',
  ],
  [
    'AWS::RDS::DBSnapshot',
    'rds:orders-2026-11-03',
    'arn:aws:rds:eu-west-1:444455556666:snapshot:rds:orders-2026-11-03',
  ],
  ['AWS::RDS::DBClusterSnapshot', 'weekly', 'arn:aws:rds:eu-west-1:444455556666:cluster-snapshot:weekly'],
  ['AWS::IAM::User', 'a.b@example.com', 'arn:aws:iam::444455556666:user/a.b@example.com'],
];

describe('an ARN', () => {
  test.each(KNOWN)('%s %s', (type, id, arn) => {
    expect(arnOf(type, place, id)).toBe(arn);
    expect(idFromArn(type, arn)).toBe(id);
  });

  test('of a user may have a path, which is no part of the name', () => {
    expect(idFromArn('AWS::IAM::User', 'arn:aws:iam::444455556666:user/teams/data/alice')).toBe('alice');
  });

  test.each([
    ['AWS::RDS::DBSnapshot', 'arn:aws:rds:eu-west-1:444455556666:cluster-snapshot:weekly'],
    ['AWS::S3::Bucket', 'arn:aws:s3:::bucket/key'],
    ['AWS::EC2::Instance', 'arn:aws:ec2:eu-west-1:444455556666:instance/i-xyz'],
    ['AWS::EC2::Snapshot', 'arn:aws:ec2:eu-west-1::snapshot/*'],
    ['AWS::SQS::Queue', 'arn:aws:sqs:eu-west-1:444455556666:q'],
  ])('of something else: %s %s', (type, arn) => expect(idFromArn(type, arn)).toBeUndefined());

  test.each([
    ['AWS::S3::Bucket', 'a/b'],
    ['AWS::S3::Bucket', 'a..b'],
    ['AWS::S3::Bucket', 'Upper'],
    ['AWS::EC2::SecurityGroup', 'default'],
    ['AWS::EC2::Instance', 'i-1234abcd\n'],
    ['AWS::IAM::User', 'alice/*'],
    ['constructor', 'x'],
    ['__proto__', 'x'],
  ])('is not made of %s %j', (type, id) => expect(arnOf(type, place, id)).toBeUndefined());

  test('no name of the prototype is a type', () => expect(isKnownType('toString')).toBe(false));

  const arns = fc.constantFrom(...KNOWN.map(([, , arn]) => arn));

  test('property: white space, wildcards, control characters and `..` are never read', () => {
    const bad = fc.oneof(
      fc.constantFrom(
        ' ',
        '\t',
        '\n',
        '\r',
        '\u00a0',
        '\u2028',
        '*',
        '?',
        '..',
        '\0',
        '\u001b',
        '\u202e',
        '"',
        '$',
        '{',
      ),
      fc.integer({ min: 0, max: 0x1f }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(arns, bad, fc.nat(100), (arn, text, at) => {
        const index = at % (arn.length + 1);
        const spoilt = arn.slice(0, index) + text + arn.slice(index);
        expect(spoilt.includes('..') || !/^[\w+=,.@:/-]+$/.test(spoilt) ? parseArn(spoilt) : undefined).toBeUndefined();
      }),
    );
  });

  test('property: what is read is written back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), arns), (text) => {
        const arn = parseArn(text);
        if (!arn) return;
        expect(`arn:${arn.partition}:${arn.service}:${arn.region}:${arn.account}:${arn.resource}`).toBe(text);
        expect(text).toMatch(/^[\w+=,.@:/-]+$/);
      }),
    );
  });

  test('property: an id that an ARN is made of comes back from it', () => {
    const types = fc.constantFrom(...KNOWN.map(([type]) => type));
    const id = fc.oneof(
      fc.constantFrom(...KNOWN.map(([, id]) => id)),
      fc.stringMatching(/^[a-z][a-z0-9.:-]{0,30}$/),
      fc.string(),
    );
    fc.assert(
      fc.property(types, id, (type, id) => {
        const arn = arnOf(type, place, id);
        if (arn && id !== '*') expect(idFromArn(type, arn)).toBe(id);
      }),
    );
  });
});
