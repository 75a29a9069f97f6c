import { DeleteAccessKeyCommand, IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changes } from '../../engine/state.ts';
import { ownTargets } from '../../engine/targets.ts';
import { contract } from '../../local/contract.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account, Exposed, Specimen } from '../../local/specimen.ts';
import deactivateOldAccessKeys from './deactivate-old-access-keys.ts';
import { DAY_MS, deactivate, inUse, type KnownKeys, limits, ruleOf } from './due.ts';

/** A user whose keys a control finds fault with, and another with an old key whom no finding names. */
async function exposed(account: Account, name: string, arn: string, control: string, due: string[]): Promise<Exposed> {
  const iam = new IAMClient(account.client);
  const neighbour = `${name.slice(0, 50)}-neighbour`;
  await createUser(account, neighbour);
  await createAccessKey(account, neighbour, { created: 400, used: null });
  const keys = async (UserName: string) =>
    ((await iam.send(new ListAccessKeysCommand({ UserName }))).AccessKeyMetadata ?? []).map(
      ({ AccessKeyId: id = '', Status: status = '' }) => ({ id, status }),
    );
  const target = { type: 'AWS::IAM::User', id: name, arn, account: account.id, region: account.region, partition: 'aws' };
  return {
    target,
    finding: findingAbout(account, { source: 'securityhub', type: control, resources: [target] }),
    observe: async () => ({ [name]: await keys(name), [neighbour]: await keys(neighbour) }),
    untouched: (observed) => {
      const users = observed as Record<string, { id: string; status: string }[]>;
      return Object.values(users).flat().filter(({ id }) => !due.includes(id));
    },
    closed: async () => (await keys(name)).every(({ id, status }) => !due.includes(id) || status === 'Inactive'),
    alter: async () => {
      await iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: due[0] }));
    },
  };
}

const oldKey: Specimen = {
  async expose(account, name, size) {
    const largest = size === 'largest';
    const user = largest ? name.padEnd(64, 'x') : name;
    const arn = await createUser(account, user, { path: largest ? `/${'p'.repeat(510)}/` : '/service/' });
    const due = [await createAccessKey(account, user, { created: 91, used: 2 })];
    if (largest) due.push(await createAccessKey(account, user, { created: 800, used: null }));
    else await createAccessKey(account, user, { created: 89, used: null });
    return exposed(account, user, arn, 'IAM.3', due);
  },
};

const unusedKey: Specimen = {
  async expose(account, name) {
    const arn = await createUser(account, name, { password: 'Correct-Horse-1-Battery' });
    const due = [await createAccessKey(account, name, { created: 400, used: 46 })];
    await createAccessKey(account, name, { created: 400, used: 44 });
    return exposed(account, name, arn, 'IAM.22', due);
  },
};

contract(deactivateOldAccessKeys, oldKey, unusedKey);

const now = new Date('2026-11-03T14:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS).toISOString();
const defaults = limits.parse({});
const use = (days: number) => ({ at: daysAgo(days), service: 's3', region: 'eu-west-1' });
