import { GetAccountSummaryCommand, GetUserCommand, IAMClient, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { tagsByKey } from '../../engine/aws/lists.ts';
import { defineRemediation } from '../../engine/define.ts';
import { changes, equal } from '../../engine/state.ts';
import { securityHub } from '../../engine/triggers.ts';
import { accessKeys, lastUse, passwordUnusedSince } from './credentials.ts';
import { DAY_MS, deactivate, inUse, type KeyFacts, type KnownKeys, limits, ruleOf, statuses } from './due.ts';

interface Facts {
  readonly keys: KnownKeys;
  /** ISO 8601, UTC. Only where the console password is unused for too long and no access key is. */
  readonly passwordUnusedSince?: string;
}

/**
 * Deactivates the access keys of an IAM user that are too old or unused, and no other of its keys. Whatever signs with such a
 * key stops working, so it is disruptive. A key is not deleted: its id still means something in CloudTrail, and one call
 * brings it back.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html
 */
export default defineRemediation({
  id: 'identity.deactivate-old-access-keys',
  title: 'Deactivate the old or unused access keys of a user',
  risk: 'disruptive',
  handles: [securityHub('IAM.3', 'IAM.8', 'IAM.22')],
  resource: ['AWS::IAM::User'],
  parameters: limits,
  state: statuses,
  permissions: {
    read: [
      'iam:GetAccessKeyLastUsed',
      'iam:GetAccountSummary',
      'iam:GetLoginProfile',
      'iam:GetUser',
      'iam:ListAccessKeys',
    ],
    write: ({ arn }) => [{ actions: ['iam:UpdateAccessKey'], resources: [arn] }],
  },
  gone: ['NoSuchEntityException'],
  // A key still works for some seconds after it was deactivated, and whoever holds it may make another with it.
  secondLook: 60,
  clients: (session) => ({ iam: new IAMClient(session) }),

  async tags({ iam }, { id }) {
    const { User } = await iam.send(new GetUserCommand({ UserName: id }));
    if (!User) throw new Error('IAM answered without the user');
    return tagsByKey(User.Tags ?? []);
  },

  /** IAM counts the users of an account itself, and they are the same in all Regions. */
  async population({ iam }) {
    const { SummaryMap } = await iam.send(new GetAccountSummaryCommand({}));
    if (SummaryMap?.Users === undefined) throw new Error('IAM answered without the number of users');
    return SummaryMap.Users;
  },

  async read({ iam }, { id: user }, { finding, parameters, now }) {
    const rule = ruleOf(finding, parameters, now);
    const listed = await Promise.all(
      (await accessKeys(iam, user)).map(async ({ id, status, createdAt }) => {
        const ageDays = Math.floor((now.getTime() - createdAt.getTime()) / DAY_MS);
        const key: KeyFacts = { createdAt: createdAt.toISOString(), ageDays };
        if (status !== 'Active' || createdAt.getTime() >= rule.since) return { id, status, key };
        const use = await lastUse(iam, id);
        return use === undefined ? undefined : { id, status, key: { ...key, lastUse: use } };
      }),
    );
    const keys = listed.filter((each) => each !== undefined);
    const state = statuses.parse(Object.fromEntries(keys.map(({ id, status }) => [id, status])));
    const facts: Facts = { keys: Object.fromEntries(keys.map(({ id, key }) => [id, key])) };
    if (rule.by === 'age' || !equal(state, deactivate(state, facts.keys, rule))) return { state, facts };
    const since = await passwordUnusedSince(iam, user);
    const unused = since !== undefined && since.getTime() < rule.since;
    return { state, facts: unused ? { ...facts, passwordUnusedSince: since.toISOString() } : facts };
  },

  desired: (state, { facts: { keys }, finding, parameters, now }) =>
    deactivate(state, keys, ruleOf(finding, parameters, now)),

  decline: ({ facts: { passwordUnusedSince: since } }) =>
    since === undefined
      ? undefined
      : {
          outcome: 'refused',
          reason: `only the console password is unused, since ${since}: no undo could bring it back, so a person removes it`,
        },

  caution({ before, after, facts: { keys } }, { now }) {
    const due = changes(before, after).map(({ part }) => part);
    const used = inUse(due, keys, now);
    return used.length === 0 ? undefined : `in use within a day: ${used.join('; ')}`;
  },

  async write({ iam }, { id: UserName }, next, current) {
    for (const [AccessKeyId, Status] of Object.entries(next)) {
      if (Status === current[AccessKeyId]) continue;
      await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status })).catch((error: Error) => {
        // This key was deleted meanwhile. The next one still has to be written; the read that verifies tells what is left.
        if (error.name !== 'NoSuchEntityException') throw error;
      });
    }
  },
});
