import {
  type AccessControlPolicy,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  paginateListBuckets,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { countUpTo, pageSizeFor, tagsByKey } from '../../engine/aws/lists.ts';
import { defineRemediation } from '../../engine/define.ts';
import { TransientError } from '../../engine/errors.ts';
import type { Plan, Target } from '../../engine/remediation.ts';
import { changes, equal } from '../../engine/state.ts';
import { guardDuty, macie, securityHub } from '../../engine/triggers.ts';
import {
  edited,
  type FoundStatement,
  foundStatement,
  otherAccounts,
  publicStatements,
  STATEMENT,
  type Statements,
  statementsOf,
} from './bucket-policy.ts';
import { bucketClient } from './bucket-region.ts';
import { GRANT, publicGrants, withPublicGrants } from './public-grants.ts';

const block = z.strictObject({
  BlockPublicAcls: z.boolean(),
  BlockPublicPolicy: z.boolean(),
  IgnorePublicAcls: z.boolean(),
  RestrictPublicBuckets: z.boolean(),
});
type Block = z.infer<typeof block>;

/** Block Public Access with all of it on. */
const BLOCKED: Block = {
  BlockPublicAcls: true,
  BlockPublicPolicy: true,
  IgnorePublicAcls: true,
  RestrictPublicBuckets: true,
};

const BLOCK = 'block';
/** S3's own word on the policy: without it, no outcome could claim that the statements found were all. */
const POLICY = 'public policy';

/** A part for the block, for S3's word, and for each public statement and grant. Public grants that S3 ignores are not seen. */
const exposure = z.record(
  z.string().check(z.refine((name) => name === BLOCK || name === POLICY || STATEMENT.test(name) || GRANT.test(name))),
  z.union([block, foundStatement, z.literal(true)]),
);
type Exposure = z.infer<typeof exposure>;

const blockOf = (state: Exposure): Block | null => (state[BLOCK] as Block | undefined) ?? null;
const grantsOf = (state: Exposure): string[] =>
  Object.keys(state)
    .filter((name) => GRANT.test(name))
    .sort();
const statementsIn = (state: Exposure, { notIn = {} }: { notIn?: Exposure } = {}): Statements =>
  Object.fromEntries(
    Object.entries(state).filter(
      (part): part is [string, FoundStatement] => STATEMENT.test(part[0]) && !Object.hasOwn(notIn, part[0]),
    ),
  );

/** True when something public goes back in. */
const reopens = (next: Exposure, current: Exposure): boolean =>
  Object.keys(next).some((name) => name !== BLOCK && !Object.hasOwn(current, name));

interface Facts {
  /** The bucket is on the list of public websites; it is tagged as one. */
  readonly website: { readonly listed: boolean; readonly tagged: boolean };
  /** Principals outside the account that are cut off too if the policy stays public. */
  readonly otherAccounts: readonly string[];
  /** The whole ACL, unless S3 ignores what is public in it and so does not show it. */
  readonly acl: AccessControlPolicy | null;
}

/** What ListBuckets takes as MaxBuckets. */
const PAGE = { least: 1, most: 10_000 };

/** Who may set a tag need not be who may publish, so the tag counts only with the list in response-policy.yml. */
const WEBSITE_TAG = 'firebreak:public-website';

/**
 * Closes a bucket to the public: statements and grants to the public out of policy and ACL, then Block Public Access on, all
 * four settings. In this order, because a block over a public policy also cuts off the other accounts that the policy names.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
export default defineRemediation({
  id: 'storage.block-public-bucket',
  title: 'Block public access to a bucket',
  risk: 'disruptive',
  handles: [
    securityHub('S3.2', 'S3.3', 'S3.8'),
    macie('Policy:IAMUser/S3BucketPublic', 'Policy:IAMUser/S3BlockPublicAccessDisabled'),
    guardDuty(
      'Policy:S3/BucketAnonymousAccessGranted',
      'Policy:S3/BucketPublicAccessGranted',
      'Policy:S3/BucketBlockPublicAccessDisabled',
    ),
  ],
  resource: ['AWS::S3::Bucket'],
  parameters: z.strictObject({
    /** Names of buckets that may be public, when they are also tagged `firebreak:public-website` = `true`. */
    publicWebsites: z._default(z.array(z.string()), []),
  }),
  state: exposure,
  permissions: {
    read: [
      's3:GetBucketAcl',
      's3:GetBucketPolicy',
      's3:GetBucketPolicyStatus',
      's3:GetBucketPublicAccessBlock',
      's3:GetBucketTagging',
      's3:ListAllMyBuckets',
    ],
    write({ arn }, plan) {
      const actions = plan ? actionsFor(plan) : Object.values(ACTIONS).flat();
      return actions.length > 0 ? [{ actions, resources: [arn] }] : [];
    },
  },
  gone: ['NoSuchBucket'],
  clients: (session) => ({ s3: bucketClient(session) }),

  tags: ({ s3 }, target) => bucketTags(s3, named(target)),

  /** S3 is asked in the Region where the bucket was found: it lists those of another only in that. */
  async population({ s3 }, _, enough) {
    const here = { BucketRegion: await s3.config.region(), MaxBuckets: pageSizeFor(enough, PAGE) };
    return countUpTo(enough, paginateListBuckets({ client: s3 }, here), ({ Buckets }) => Buckets);
  },

  async read({ s3 }, target, { parameters }) {
    const bucket = named(target);
    const [settings, status, tags] = await Promise.all([
      orNone('NoSuchPublicAccessBlockConfiguration', s3.send(new GetPublicAccessBlockCommand(bucket))),
      orNone('NoSuchBucketPolicy', s3.send(new GetBucketPolicyStatusCommand(bucket))),
      bucketTags(s3, bucket),
    ]);
    const blocked = settings && block.parse(settings.PublicAccessBlockConfiguration);
    const isPublic = status !== null && z.boolean().parse(status.PolicyStatus?.IsPublic);
    const [policy, acl] = await Promise.all([
      isPublic ? policyOf(s3, bucket) : null,
      blocked?.IgnorePublicAcls ? null : aclOf(s3, bucket),
    ]);
    const statements = policy === null ? {} : statementsOf(policy);
    const state: Exposure = {
      ...(blocked && { [BLOCK]: blocked }),
      ...(isPublic && { [POLICY]: true as const }),
      ...publicStatements(statements),
      ...Object.fromEntries(publicGrants(acl?.Grants ?? []).map((name) => [name, true as const])),
    };
    const facts: Facts = {
      website: {
        listed: parameters.publicWebsites.includes(target.id),
        tagged: tags[WEBSITE_TAG] === 'true',
      },
      otherAccounts: otherAccounts(statements, target.account),
      acl,
    };
    return { state, facts };
  },

  desired: (): Exposure => ({ [BLOCK]: BLOCKED }),

  decline: ({ facts: { website } }) =>
    website.listed && website.tagged
      ? {
          outcome: 'excepted',
          reason: `a public website: response-policy.yml lists it, and it is tagged ${WEBSITE_TAG} = true`,
        }
      : undefined,

  caution({ before, facts: { website, otherAccounts } }) {
    if (website.tagged) return `it is tagged ${WEBSITE_TAG} = true, but response-policy.yml does not list it`;
    if (before[POLICY] && Object.keys(statementsIn(before)).length === 0) {
      const cut = otherAccounts.length > 0 ? ', and cuts off the other accounts that it names' : '';
      return `S3 calls the policy public, but no statement is found that makes it so: a block leaves it as it is${cut}`;
    }
    return undefined;
  },

  async write({ s3 }, target, next, current, { facts, record }) {
    const bucket = named(target);
    // S3 takes nothing public while it blocks it: what goes back in goes in before the block is as it shall be.
    const meanwhile = reopens(next, current) ? unblocked(blockOf(next)) : blockOf(current);
    await setBlock(s3, bucket, blockOf(current), meanwhile);

    const grants = grantsOf(next);
    if (!equal(grants, grantsOf(current))) {
      // As it was read for this plan: S3 takes no condition with an ACL, so that a second look would not close the gap.
      const acl = facts.acl ?? (await aclOf(s3, bucket));
      const AccessControlPolicy = { ...acl, Grants: withPublicGrants(acl.Grants ?? [], grants) };
      await s3.send(new PutBucketAclCommand({ ...bucket, AccessControlPolicy }));
    }

    const statements = { remove: statementsIn(current, { notIn: next }), add: statementsIn(next, { notIn: current }) };
    if (Object.values(statements).some((some) => Object.keys(some).length > 0)) {
      const policy = await policyOf(s3, bucket);
      const text = edited(policy, statements);
      if (text !== policy) {
        await record('policy-replaced', { policy });
        await (text === null
          ? s3.send(new DeleteBucketPolicyCommand(bucket))
          : s3.send(new PutBucketPolicyCommand({ ...bucket, Policy: text })));
      }
    }
    await setBlock(s3, bucket, meanwhile, blockOf(next));
  },
});

type Bucket = ReturnType<typeof named>;

/** S3 itself checks that the bucket is the account's: its name does not say whose it is. */
const named = ({ id, account }: Target) => ({ Bucket: id, ExpectedBucketOwner: account });

async function bucketTags(s3: S3Client, bucket: Bucket): Promise<Record<string, string>> {
  const answer = await orNone('NoSuchTagSet', s3.send(new GetBucketTaggingCommand(bucket)));
  return tagsByKey(answer?.TagSet ?? []);
}

const unblocked = (block: Block | null): Block | null =>
  block && { ...block, BlockPublicAcls: false, BlockPublicPolicy: false };

async function setBlock(s3: S3Client, bucket: Bucket, from: Block | null, to: Block | null): Promise<void> {
  if (equal(from, to)) return;
  await (to === null
    ? s3.send(new DeletePublicAccessBlockCommand(bucket))
    : s3.send(new PutPublicAccessBlockCommand({ ...bucket, PublicAccessBlockConfiguration: to })));
}

/** @throws TransientError on half a policy: S3 keeps none that is not JSON, and nothing around it shows that it ends too soon */
async function policyOf(s3: S3Client, bucket: Bucket): Promise<string | null> {
  const answer = await orNone('NoSuchBucketPolicy', s3.send(new GetBucketPolicyCommand(bucket)));
  if (!answer) return null;
  const { Policy = '' } = answer;
  try {
    JSON.parse(Policy);
  } catch {
    throw new TransientError('S3 answered with a part of the policy');
  }
  return Policy;
}

async function aclOf(s3: S3Client, bucket: Bucket): Promise<AccessControlPolicy> {
  const { Owner, Grants = [] } = await s3.send(new GetBucketAclCommand(bucket));
  if (!Owner) throw new TransientError('S3 answered without the owner of the bucket');
  return { Owner, Grants };
}

/** What S3 answers, or null when it says by this error that there is none. */
const orNone = <T>(none: string, answer: Promise<T>): Promise<T | null> =>
  answer.catch((error: unknown) => {
    if (error instanceof Error && error.name === none) return null;
    throw error;
  });

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  block: ['s3:PutBucketPublicAccessBlock'],
  grant: ['s3:PutBucketAcl'],
  statement: ['s3:DeleteBucketPolicy', 's3:PutBucketPolicy'],
};

/** The actions for those parts of a plan that change; the first word of a part's name tells what it is of. */
function actionsFor({ before, after }: Plan): string[] {
  const kinds = new Set(changes(before, after).map(({ part }) => part.replace(/ .*/, '')));
  if (reopens(after as Exposure, before as Exposure)) kinds.add(BLOCK);
  return [...kinds].flatMap((kind) => ACTIONS[kind] ?? []);
}
