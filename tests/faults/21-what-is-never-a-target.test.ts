import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import { anyTarget, targetsOf } from '../../engine/targets.ts';
import { MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { findingAbout } from '../../local/findings.ts';
import { loadWorkers } from '../../scripts/workers.ts';

const [member] = MEMBER_ACCOUNTS;
const actions = (await loadWorkers()).flatMap(({ remediations }) => remediations);

/** Names of all roles that are deployed, in the security account and in each member. */
const roles: string[] = [
  parse(readFileSync('organization/member.yml', 'utf8')).Resources,
  parse(readFileSync('organization/sandbox.yml', 'utf8')).Resources,
  JSON.parse(readFileSync('functions/workers.json', 'utf8')).template.Resources,
].flatMap((resources: Record<string, { Type: string; Properties: { RoleName?: string } }>) =>
  Object.values(resources).flatMap(({ Type, Properties: { RoleName } }) =>
    Type === 'AWS::IAM::Role' && RoleName ? [RoleName] : [],
  ),
);

/** A finding of the highest severity that names something as this type. */
const about = (type: string, arn: string): Finding => {
  const resources = [{ type, id: arn, arn }];
  const place = { id: member, region: 'eu-west-1' };
  return findingAbout(place, { source: 'securityhub', type: 'IAM.3', resources, severity: 'CRITICAL', score: 9 });
};

/** Nothing may be asked of AWS to come to the answer. */
const noCalls = {
  read: async () =>
    sessionConfig(member, 'eu-west-1', async () => {
      throw new Error('it was about to call');
    }),
};

describe('however severe the finding, nothing can be done to', () => {
  const named: readonly [string, string][] = [
    ['the root user', `arn:aws:iam::${member}:root`],
    ['the root user of the security account', `arn:aws:iam::${SECURITY_ACCOUNT}:root`],
    ...roles.flatMap((name): [string, string][] => [
      [`our role ${name}`, `arn:aws:iam::${member}:role/${name}`],
      [`a session of our role ${name}`, `arn:aws:sts::${member}:assumed-role/${name}/i-0123456789abcdef0`],
    ]),
  ];

  test('our roles are known', () => expect(roles.length).toBeGreaterThan(10));

  test.each(named)('%s', async (_, arn) => {
    for (const action of actions) {
      for (const type of ['AWS::IAM::Role', ...action.resource]) {
        const targets = await targetsOf(action, about(type, arn), noCalls, action.parameters.parse({}));
        expect({ remediation: action.id, targets: targets ?? [] }).toEqual({ remediation: action.id, targets: [] });
      }
    }
  });
});

test('no remediation may write to anything of IAM but users', () => {
  const written = actions.flatMap(({ resource, permissions }) =>
    resource.flatMap((type) => permissions.write(anyTarget(type)).flatMap(({ resources }) => resources)),
  );
  expect(written.length).toBeGreaterThan(10);
  for (const arn of written) {
    const [, , service = '', , , ...rest] = arn.replaceAll(/\$\{[^}]*\}/g, '').split(':');
    expect(['ec2', 'iam', 'rds', 's3']).toContain(service);
    if (service === 'iam') expect(rest.join(':')).toBe('user/*');
  }
});
