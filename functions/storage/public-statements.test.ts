import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../../engine/state.ts';
import { isPublic, type Statement } from './public-statements.ts';

const ANYBODY: Statement = { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: '*' };
const when = (operator: string, key: string, value: Json): Statement => ({
  ...ANYBODY,
  Condition: { [operator]: { [key]: value } },
});

describe('a statement is public', () => {
  test.each<[string, Statement]>([
    ['for everybody', ANYBODY],
    ['for everybody, in the long form', { ...ANYBODY, Principal: { AWS: '*' } }],
    ['for everybody beside somebody', { ...ANYBODY, Principal: { AWS: ['arn:aws:iam::444455556666:root', '*'] } }],
    ['for all of an identity provider', { ...ANYBODY, Principal: { Federated: 'graph.facebook.com' } }],
    ['for all but somebody', { Effect: 'Allow', NotPrincipal: { AWS: '444455556666' }, Action: '*', Resource: '*' }],
    ['with nobody named', { ...ANYBODY, Principal: { AWS: [] } }],
    ['from any VPC', when('StringLike', 'aws:SourceVpc', 'vpc-*')],
    ['by a policy variable', when('StringEquals', 'aws:SourceAccount', '${aws:PrincipalAccount}')],
    ['from half of the internet', when('IpAddress', 'aws:SourceIp', '0.0.0.0/1')],
    ['from a narrow network or a broad one', when('IpAddress', 'aws:SourceIp', ['203.0.113.0/24', '128.0.0.0/7'])],
    ['from a broad IPv6 network', when('IpAddress', 'aws:SourceIp', '2000::/31')],
    ['from what is no network', when('IpAddress', 'aws:SourceIp', '203.0.113.0/24/8')],
    ['from all networks but one', when('NotIpAddress', 'aws:SourceIp', '203.0.113.0/24')],
    ['from one VPC or from none', when('StringEqualsIfExists', 'aws:SourceVpc', 'vpc-91237329')],
    ['from one VPC or from none', when('ForAllValues:StringEquals', 'aws:SourceVpc', 'vpc-91237329')],
    ['from everywhere but one VPC', when('StringNotEquals', 'aws:SourceVpc', 'vpc-91237329')],
    ['on a condition that says nothing about whom', when('Bool', 'aws:SecureTransport', 'true')],
    [
      'through access points of any account',
      when('StringLike', 's3:DataAccessPointArn', 'arn:aws:s3:*:*:accesspoint/*'),
    ],
  ])('%s', (_, statement) => expect(isPublic(statement)).toBe(true));
});

describe('a statement is not public', () => {
  test.each<[string, Statement]>([
    ['when it denies', { ...ANYBODY, Effect: 'Deny' }],
    ['for an account', { ...ANYBODY, Principal: { AWS: '444455556666' } }],
    ['for a service', { ...ANYBODY, Principal: { Service: 'cloudtrail.amazonaws.com' } }],
    ['for a canonical user', { ...ANYBODY, Principal: { CanonicalUser: '79a59df900b949e55d96a1e698fbaced' } }],
    ['for an organisation', when('StringEquals', 'aws:PrincipalOrgID', 'o-firebreak0')],
    ['from one VPC', when('StringEquals', 'aws:SourceVpc', 'vpc-91237329')],
    ['from one VPC, whatever the case of the key', when('StringLike', 'AWS:SOURCEVPC', ['vpc-91237329'])],
    ['from a network', when('IpAddress', 'aws:SourceIp', ['203.0.113.0/24', '198.51.100.7', '2001:db8::/32'])],
    ['from private networks', when('IpAddress', 'aws:SourceIp', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'])],
    ['for the sessions of one role', when('StringLike', 'aws:userid', 'AROAEXAMPLEEXAMPLE01:*')],
    [
      'through the access points of one account',
      when('ArnLike', 's3:DataAccessPointArn', 'arn:aws:s3:us-west-2:444455556666:accesspoint/*'),
    ],
    [
      'for an organisational unit',
      when('ForAnyValue:StringEquals', 'aws:PrincipalOrgPaths', 'o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/'),
    ],
  ])('%s', (_, statement) => expect(isPublic(statement)).toBe(false));
});

const json = fc.jsonValue() as fc.Arbitrary<Json>;

test('any JSON gets an answer', () => {
  const statement = fc.record({ Effect: fc.constantFrom('Allow', 'Deny'), Principal: json, Condition: json });
  fc.assert(fc.property(statement, (given) => typeof isPublic(given) === 'boolean'));
  const nested = fc.dictionary(
    fc.constantFrom('IpAddress', 'StringEquals'),
    fc.dictionary(fc.constantFrom('aws:SourceIp', 'aws:SourceVpc'), json),
  );
  fc.assert(fc.property(nested, (Condition) => typeof isPublic({ ...ANYBODY, Condition }) === 'boolean'));
});

test('a fixed origin closes what anybody may do, whatever else it depends on', () => {
  const others = fc.dictionary(fc.constantFrom('StringLike', 'Bool', 'NotIpAddress'), fc.dictionary(fc.string(), json));
  fc.assert(
    fc.property(others, fc.stringMatching(/^vpc-[0-9a-f]{8}$/), (Condition, vpc) => {
      expect(isPublic({ ...ANYBODY, Condition: { ...Condition, StringEquals: { 'aws:SourceVpc': vpc } } })).toBe(false);
    }),
  );
});

test('one value with a wildcard opens it, however many are fixed', () => {
  const fixed = fc.array(fc.stringMatching(/^vpc-[0-9a-f]{8}$/));
  fc.assert(
    fc.property(fixed, fc.constantFrom('*', '?', '${aws:SourceVpc}'), fc.string(), (values, wildcard, text) => {
      expect(isPublic(when('StringLike', 'aws:SourceVpc', [...values, `${text}${wildcard}`]))).toBe(true);
    }),
  );
});

test('a network is narrow by the length of its prefix alone', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, bits) => {
      expect(isPublic(when('IpAddress', 'aws:SourceIp', `${address}/${bits}`))).toBe(bits < 8);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), (address, bits) => {
      expect(isPublic(when('IpAddress', 'aws:SourceIp', `${address}/${bits}`))).toBe(bits < 32);
    }),
  );
});
