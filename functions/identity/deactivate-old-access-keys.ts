import {
  type AccessKeyMetadata,
  GetAccessKeyLastUsedCommand,
  GetLoginProfileCommand,
  GetUserCommand,
  IAMClient,
  paginateListAccessKeys,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import * as z from 'zod/mini';
import { defineRemediation } from '../../engine/define.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import { changes } from '../../engine/state.ts';
import { securityHub } from '../../engine/triggers.ts';

const DAY_MS = 86_400_000;

/** Days that a policy may shorten, never lengthen: what the control calls a failure would be called compliant here. */
const daysUpTo = (limit: number) => z._default(z.int().check(z.gte(1), z.lte(limit)), limit);

const parameters = z.strictObject({
  /** IAM.3, and when an operator asks: a key older than this is too old. */
  maximumAgeDays: daysUpTo(90),
  /** IAM.8: a credential that was not used for longer than this is unused. */
  maximumUnusedDays: daysUpTo(90),
  /** IAM.22, the same with the days that CIS asks for. */
  maximumUnusedDaysCis: daysUpTo(45),
});

/** The status of each access key, by its id. */
const keys = z.record(z.string().check(z.regex(/^\w{16,128}$/)), z.enum(['Active', 'Inactive']));

/** Times are ISO 8601. */
interface Use {
  readonly at: string;
  readonly service: string;
  readonly region: string;
}

interface KeyFacts {
  readonly createdAt: string;
  readonly ageDays: number;
  /** Of an active key that the rule may be about; null: it was never used. */
  readonly lastUsed?: Use | null;
  /** Too old, or unused for too long. */
  readonly due: boolean;
}

interface Facts {
  readonly keys: Readonly<Record<string, KeyFacts>>;
  /** The console password, where it is unused for too long and no key is. */
  readonly unusedPasswordSince?: string;
}

interface Rule {
  readonly by: 'age' | 'use';
  /** What was made, or last used, before this is due. */
  readonly before: number;
}

function ruleOf({ type }: Finding, { maximumAgeDays, ...unused }: z.infer<typeof parameters>, now: Date): Rule {
  const before = (days: number) => now.getTime() - days * DAY_MS;
  if (type === 'IAM.8') return { by: 'use', before: before(unused.maximumUnusedDays) };
  if (type === 'IAM.22') return { by: 'use', before: before(unused.maximumUnusedDaysCis) };
  return { by: 'age', before: before(maximumAgeDays) };
}

/**
 * Deactivates the access keys of an IAM user that are too old or unused, and no other key. Not deleted: the id stays known to
 * CloudTrail, and an undo is one call. Whatever signs with such a key stops working, so it is disruptive.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html
 */
export default defineRemediation({
  id: 'identity.deactivate-old-access-keys',
  title: 'Deactivate old and unused access keys of a user',
  risk: 'disruptive',
  handles: [securityHub('IAM.3', 'IAM.8', 'IAM.22')],
  resource: ['AWS::IAM::User'],
  parameters,
  state: keys,
  permissions: {
    read: ['iam:GetAccessKeyLastUsed', 'iam:GetLoginProfile', 'iam:GetUser', 'iam:ListAccessKeys'],
    write: ({ arn }) => [{ actions: ['iam:UpdateAccessKey'], resources: [arn] }],
  },
  gone: ['NoSuchEntityException'],
  clients: (session) => ({ iam: new IAMClient(session) }),

  async read({ iam }, { id: UserName }, { finding, parameters, now }) {
    const rule = ruleOf(finding, parameters, now);
    const found: Record<string, KeyFacts> = {};
    const statuses: Record<string, string> = {};
    for await (const { AccessKeyMetadata = [] } of paginateListAccessKeys({ client: iam }, { UserName })) {
      for (const key of AccessKeyMetadata) {
        // An expired key cannot be used, and its status cannot be set.
        if (!key.AccessKeyId || !key.Status || key.Status === 'Expired') continue;
        statuses[key.AccessKeyId] = key.Status;
        found[key.AccessKeyId] = await factsOf(iam, key, rule, now);
      }
    }
    const facts: Facts = { keys: found };
    if (rule.by === 'age' || Object.values(found).some(({ due }) => due)) return { state: keys.parse(statuses), facts };
    const unusedSince = await passwordUnusedSince(iam, UserName);
    return {
      state: keys.parse(statuses),
      facts: unusedSince && unusedSince.getTime() < rule.before ? { ...facts, unusedPasswordSince: unusedSince.toISOString() } : facts,
    };
  },

  desired: (state, { facts }) =>
    Object.fromEntries(
      Object.entries(state).map(([key, status]) => [key, facts.keys[key]?.due ? ('Inactive' as const) : status]),
    ),

  decline: ({ facts: { unusedPasswordSince: since } }) =>
    since === undefined
      ? undefined
      : {
          outcome: 'refused',
          reason: `only the console password is unused, since ${since}; a person removes it, since no undo could bring it back`,
        },

  caution({ before, after, facts }, { now }) {
    const inUse = changes(before, after).flatMap(({ part: key }) => {
      const used = facts.keys[key]?.lastUsed;
      return used && now.getTime() - Date.parse(used.at) < DAY_MS
        ? [`${key} was used at ${used.at} for ${used.service} in ${used.region}`]
        : [];
    });
    return inUse.length === 0 ? undefined : `still in use: ${inUse.join('; ')}`;
  },

  async write({ iam }, { id: UserName }, next, current) {
    for (const { part: AccessKeyId } of changes(current, next)) {
      const Status = next[AccessKeyId];
      if (!Status) throw new Error(`an access key cannot be brought back: ${AccessKeyId}`);
      await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status })).catch((error: Error) => {
        // Somebody deleted this key meanwhile. The others are still to be written; the read that verifies sees what is left.
        if (error.name !== 'NoSuchEntityException') throw error;
      });
    }
  },
});

async function factsOf(iam: IAMClient, key: AccessKeyMetadata, rule: Rule, now: Date): Promise<KeyFacts> {
  const { AccessKeyId, Status, CreateDate } = key;
  if (!CreateDate) throw new Error(`IAM does not say when ${AccessKeyId} was made`);
  const facts = {
    createdAt: CreateDate.toISOString(),
    ageDays: Math.floor((now.getTime() - CreateDate.getTime()) / DAY_MS),
    due: false,
  };
  // A key made since is neither old nor unused for long.
  if (Status !== 'Active' || CreateDate.getTime() >= rule.before) return facts;
  const { AccessKeyLastUsed: used } = await iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }));
  if (!used) throw new Error(`IAM does not say when ${AccessKeyId} was last used`);
  const { LastUsedDate, ServiceName = 'N/A', Region = 'N/A' } = used;
  return {
    ...facts,
    lastUsed: LastUsedDate ? { at: LastUsedDate.toISOString(), service: ServiceName, region: Region } : null,
    due: rule.by === 'age' || !LastUsedDate || LastUsedDate.getTime() < rule.before,
  };
}

/** When the console password was last used or, if it never was, made. Undefined without a password. */
async function passwordUnusedSince(iam: IAMClient, UserName: string): Promise<Date | undefined> {
  const profile = await iam.send(new GetLoginProfileCommand({ UserName })).catch((error: Error) => {
    if (error.name === 'NoSuchEntityException') return undefined;
    throw error;
  });
  ...
}
