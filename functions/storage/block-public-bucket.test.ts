import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import { isTransient } from '../../engine/errors.ts';
import type { Plan } from '../../engine/remediation.ts';
import { changes, type Json } from '../../engine/state.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT, REGIONS } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import type { Fault } from '../../local/doors.ts';
import {
  type BucketSettings,
  createOpenBucket,
  grantTo,
  putStatements,
  readableBy,
  readableByEverybody,
} from '../../local/exposures/buckets.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account, Specimen } from '../../local/specimen.ts';
import blockPublicBucket from './block-public-bucket.ts';

interface Access {
  readonly block: Json;
  readonly policy: { readonly Statement: readonly Record<string, Json>[] } | null;
  readonly grants: readonly string[];
}

/** All that says who gets at a bucket. */
async function access({ client }: Account, Bucket: string): Promise<Access> {
  const s3 = new S3Client(client);
  const [block, policy, { Grants = [] }] = await Promise.all([
    s3
      .send(new GetPublicAccessBlockCommand({ Bucket }))
      .then((got) => got.PublicAccessBlockConfiguration as Json, none),
    s3.send(new GetBucketPolicyCommand({ Bucket })).then(({ Policy = '' }) => JSON.parse(Policy), none),
    s3.send(new GetBucketAclCommand({ Bucket })),
  ]);
  const grants = Grants.map(({ Grantee, Permission }) => `${Grantee?.URI ?? Grantee?.ID} ${Permission}`).sort();
  return { block, policy, grants };
}
const none = () => null;

/** What S3 answers to somebody without a name: for an object, and for the list of objects. */
const anybodyGets = (bucket: string): Promise<number[]> =>
  Promise.all(
    [`${bucket}/report.txt`, bucket].map(async (path) => (await fetch(`${sharedCloud().endpoint}/${path}`)).status),
  );

const noPlainText = (bucket: string) => ({
  ...readableByEverybody(bucket),
  Sid: 'NoPlainText',
  Effect: 'Deny',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});

/** Public by its policy, by its ACL and for want of a block. */
const everyWay = (bucket: string): BucketSettings => ({
  statements: [readableBy(bucket, OUTSIDE_ACCOUNT), readableByEverybody(bucket), noPlainText(bucket)],
  grants: [grantTo('AllUsers', 'READ'), grantTo('AuthenticatedUsers', 'READ_ACP')],
  tags: { team: 'reports' },
});

const specimen: Specimen = {
  async expose(account, name, size) {
    const { statements, tags = {}, ...settings } = everyWay(name);
    // The largest plan changes every part, and leaves no policy.
    const target = await createOpenBucket(account, name, {
      ...settings,
      ...(size === 'usual' ? { statements: statements ?? [], tags } : { statements: [readableByEverybody(name)] }),
    });
    const neighbour = `${name}-neighbour`;
    await createOpenBucket(account, neighbour, everyWay(neighbour));
    return {
      target,
      ...(size === 'usual' && { tags }),
      finding: findingAbout(account, {
        source: 'guardduty',
        type: 'Policy:S3/BucketAnonymousAccessGranted',
        resources: [target],
      }),
      observe: async () =>
        ({ own: await access(account, name), other: await access(account, neighbour) }) as object as Json,
      untouched(observed) {
        const { own, other } = observed as object as { own: Access; other: Access };
        return {
          statements: (own.policy?.Statement ?? []).filter(({ Sid }) => Sid !== 'PublicRead'),
          grants: own.grants.filter((grant) => !grant.startsWith('http')),
          other,
        } as object as Json;
      },
      async closed() {
        const { block } = await access(account, name);
        const blocked = Object.values(block ?? {}).filter((on) => on === true).length === 4;
        return blocked && (await anybodyGets(name)).every((status) => status === 403);
      },
      async alter() {
        const half = {
          BlockPublicAcls: true,
          IgnorePublicAcls: true,
          BlockPublicPolicy: false,
          RestrictPublicBuckets: false,
        };
        await new S3Client(account.client).send(
          new PutPublicAccessBlockCommand({ Bucket: name, PublicAccessBlockConfiguration: half }),
        );
      },
    };
  },
};

contract(blockPublicBucket, specimen);

/** The remediation's clients, with somebody's own credentials. */
function clientsOf({ region, endpoint, credentials }: Account['client']) {
  const session = { ...sessionConfig(MEMBER_ACCOUNTS[0], region, credentials), endpoint };
  return blockPublicBucket.clients(session);
}

/** A bucket, and the remediation on it with the administrator's credentials. */
async function tried(
  settings: (bucket: string) => BucketSettings,
  publicWebsites: (bucket: string) => string[] = () => [],
) {
  const account = await sharedCloud().account(MEMBER_ACCOUNTS[0], HOME_REGION);
  const name = `tried-${crypto.randomUUID()}`;
  const target = await createOpenBucket(account, name, settings(name));
  const clients = clientsOf(account.client);
  const records: [string, Json][] = [];
  const context = {
    finding: findingAbout(account, { source: 'securityhub', type: 'S3.8', resources: [target] }),
    parameters: { publicWebsites: publicWebsites(name) },
    response: 'storage-tried',
    now: new Date(),
    record: async (event: string, detail: Json) => void records.push([event, detail]),
  };
  const { plan, apply, verify, undo, decline, caution } = blockPublicBucket;
  if (undo === 'irreversible') throw new Error('it can be undone');
  return {
    name,
    account,
    target,
    records,
    plan: () => plan(clients, target, context),
    apply: (planned: Plan) => apply(clients, target, planned, context),
    verify: (planned: Plan) => verify(clients, target, planned, context),
    undo: (planned: Plan) => undo(clients, target, planned, context),
    decline: (planned: Plan) => decline?.(planned, context),
    caution: (planned: Plan) => caution?.(planned, context),
  };
}

describe('closing a bucket', () => {
  test('that is public in every way takes ten calls', async () => {
    const bucket = await tried(everyWay);
    const made = await sharedCloud().doors.calls();
    const plan = await bucket.plan();
    await bucket.apply(plan);
    expect(await bucket.verify(plan)).toEqual([]);
    const calls = (await sharedCloud().doors.calls(made.at(-1)?.sequence))
      .filter(({ resources }) => resources.includes(`arn:aws:s3:::${bucket.name}`))
      .map(({ operation }) => operation);
    expect(calls.filter((operation) => operation === 'GetBucketTagging')).toHaveLength(2);
    expect(calls.filter((operation) => operation !== 'GetBucketTagging').sort()).toEqual([
      'GetBucketAcl',
      'GetBucketPolicy',
      'GetBucketPolicy',
      'GetBucketPolicyStatus',
      'GetBucketPolicyStatus',
      'GetPublicAccessBlock',
      'GetPublicAccessBlock',
      'PutBucketAcl',
      'PutBucketPolicy',
      'PutPublicAccessBlock',
    ]);
  });

  test.each<[string, Fault]>([
    ['half of the policy', { operation: 'GetBucketPolicy', truncate: true, phase: 'after' }],
    ['an ACL with nothing in it', { operation: 'GetBucketAcl', pretend: true }],
  ])('is read again when S3 answers with %s', async (_, fault) => {
    const bucket = await tried(everyWay);
    const { doors } = sharedCloud();
    await doors.setFaults([{ ...fault, resource: bucket.target.arn, times: 1 }]);
    try {
      const failure: unknown = await bucket.plan().catch((error: unknown) => error);
      expect([isTransient(failure), String(failure)]).toEqual([true, expect.stringContaining('S3 answered with')]);
    } finally {
      await doors.setFaults([]);
    }
    expect((await bucket.plan()).before).toBeDefined();
  });

  test('leaves nothing that a missing block would open again', async () => {
    const bucket = await tried(everyWay);
    await bucket.apply(await bucket.plan());
    await new S3Client(bucket.account.client).send(new DeletePublicAccessBlockCommand({ Bucket: bucket.name }));
    expect(await anybodyGets(bucket.name)).toEqual([403, 403]);
  });

  test('keeps a statement that came in meanwhile, and records the policy that it replaced', async () => {
    const bucket = await tried(everyWay);
    const plan = await bucket.plan();
    const meanwhile = [
      { ...readableBy(bucket.name, MEMBER_ACCOUNTS[1]), Sid: 'Meanwhile' },
      ...(everyWay(bucket.name).statements ?? []),
    ];
    await putStatements(bucket.account, bucket.name, meanwhile);
    const replaced = await access(bucket.account, bucket.name);
    await bucket.apply(plan);
    const { policy } = await access(bucket.account, bucket.name);
    expect(policy?.Statement.map(({ Sid }) => Sid)).toEqual(['Meanwhile', 'Partner', 'NoPlainText']);
    expect(bucket.records.map(([event, detail]) => [event, JSON.parse((detail as { policy: string }).policy)])).toEqual(
      [['policy-replaced', replaced.policy]],
    );
  });

  test('that a condition closes already needs the block alone', async () => {
    const bucket = await tried((name) => ({
      statements: [
        { ...readableByEverybody(name), Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-firebreak0' } } },
      ],
    }));
    const plan = await bucket.plan();
    expect(changes(plan.before, plan.after).map(({ part }) => part)).toEqual(['block']);
    expect(blockPublicBucket.permissions.write(bucket.target, plan)).toEqual([
      { actions: ['s3:PutBucketPublicAccessBlock'], resources: [bucket.target.arn] },
    ]);
  });

  test('tells whom a block over a public policy cuts off', async () => {
    const bucket = await tried(everyWay);
    expect((await bucket.plan()).facts).toMatchObject({ otherAccounts: [`arn:aws:iam::${OUTSIDE_ACCOUNT}:root`] });
  });
});

describe('a policy that S3 calls public for a reason not found', () => {
  const oneRole = (name: string): BucketSettings => ({
    statements: [
      { ...readableByEverybody(name), Condition: { StringLike: { 'aws:userid': 'AROAEXAMPLEEXAMPLE01:*' } } },
    ],
  });

  test('waits for a person, and is blocked but never called verified', async () => {
    const bucket = await tried(oneRole);
    const plan = await bucket.plan();
    expect(plan.before).toEqual({ 'public policy': true });
    expect(bucket.caution(plan)).toMatch(/no statement is found/);
    await bucket.apply(plan);
    const left = await bucket.verify(plan);
    expect(left.map(({ part }) => part)).toEqual(['public policy']);
    expect(await anybodyGets(bucket.name)).toEqual([403, 403]);
  });
});

describe('going back', () => {
  test('puts back a public policy that is older than the block that refuses such', async () => {
    const bucket = await tried(everyWay);
    const halfBlocked = {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: false,
      RestrictPublicBuckets: false,
    };
    await new S3Client(bucket.account.client).send(
      new PutPublicAccessBlockCommand({ Bucket: bucket.name, PublicAccessBlockConfiguration: halfBlocked }),
    );
    const before = await access(bucket.account, bucket.name);
    const recorded = await bucket.plan();
    await bucket.apply(recorded);
    const { changedSince, ...back } = await bucket.undo(recorded);
    expect(changedSince).toEqual([]);
    await bucket.apply(back);
    expect(await bucket.verify(back)).toEqual([]);
    expect(await access(bucket.account, bucket.name)).toEqual(before);
  });

  test('restores what was public beside what came in since', async () => {
    const bucket = await tried((name) => ({ statements: [readableByEverybody(name)] }));
    const recorded = await bucket.plan();
    await bucket.apply(recorded);
    expect((await access(bucket.account, bucket.name)).policy).toBeNull();
    await putStatements(bucket.account, bucket.name, [readableBy(bucket.name, OUTSIDE_ACCOUNT)]);
    const { changedSince, ...back } = await bucket.undo(recorded);
    expect(changedSince).toEqual([]);
    await bucket.apply(back);
    expect(await bucket.verify(back)).toEqual([]);
    const { policy } = await access(bucket.account, bucket.name);
    expect(policy?.Statement.map(({ Sid }) => Sid)).toEqual(['PublicRead', 'Partner']);
  });
});

describe('a public website', () => {
  const website = (name: string): BucketSettings => ({
    ...everyWay(name),
    tags: { 'firebreak:public-website': 'true' },
  });
  const listed = (name: string) => [name];

  test('that is listed and tagged is left alone', async () => {
    const bucket = await tried(website, listed);
    expect(bucket.decline(await bucket.plan())).toEqual({
      outcome: 'excepted',
      reason: 'a public website: response-policy.yml lists it, and it is tagged firebreak:public-website = true',
    });
  });

  test('that is only tagged waits for a person', async () => {
    const bucket = await tried(website);
    const plan = await bucket.plan();
    expect(bucket.decline(plan)).toBeUndefined();
    expect(bucket.caution(plan)).toMatch(/response-policy.yml does not list it/);
  });

  test.each([{ team: 'reports' }, { 'firebreak:public-website': 'false' }, undefined])(
    'that is only listed is none: %j',
    async (tags) => {
      const bucket = await tried((name) => ({ ...everyWay(name), tags: tags as Record<string, string> }), listed);
      const plan = await bucket.plan();
      expect(bucket.decline(plan)).toBeUndefined();
      expect(bucket.caution(plan)).toBeUndefined();
    },
  );
});

test('a bucket in another Region than its finding is reached where it is', async () => {
  const [here, there] = REGIONS;
  const signedFor: string[] = [];
  const server = createServer((request, response) => {
    const [, region = ''] = /Credential=\w+\/\d+\/([\w-]+)\//.exec(request.headers.authorization ?? '') ?? [];
    signedFor.push(region);
    if (region === there) response.writeHead(204).end();
    else response.writeHead(301, { 'x-amz-bucket-region': there }).end('<Error><Code>PermanentRedirect</Code></Error>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const { s3 } = clientsOf({ region: here, endpoint, credentials });
    const call = () => s3.send(new DeletePublicAccessBlockCommand({ Bucket: 'reports' }));
    await Promise.all([call(), call()]);
    await call();
    expect(signedFor.toSorted()).toEqual([here, here, there, there, there]);
    expect(signedFor.at(-1)).toBe(there);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
