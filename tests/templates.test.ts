import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}
interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: { ArnEquals?: { 'aws:SourceArn': unknown[] } };
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const workers = json('functions/workers.json').template.Resources as Record<string, Resource>;
const rules = json('events/rules.json').Resources as Record<string, Resource>;
const member = parse(readFileSync('organization/member.yml', 'utf8')).Resources as Record<string, Resource>;

const ofType = (resources: Record<string, Resource>, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);
const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
const statementsOf = (role: Resource): Statement[] =>
  (role.Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
    ({ PolicyDocument }) => PolicyDocument.Statement,
  );
const READS = /^[a-z0-9-]+:(Describe|Get|List|Head|Query|BatchGet|ReceiveMessage)/;

describe('the queues', () => {
  const queues = ofType(workers, 'AWS::SQS::Queue');
  const policies = ofType(workers, 'AWS::SQS::QueuePolicy').map(([, { Properties }]) => Properties);

  test.each(queues.filter(([, { Properties }]) => !String(Properties.QueueName).endsWith('-dead-letters')))(
    '%s has a dead-letter queue',
    (_, { Properties }) => {
      const redrive = Properties.RedrivePolicy as { deadLetterTargetArn: { 'Fn::GetAtt': [string, string] } };
      expect(workers[redrive.deadLetterTargetArn['Fn::GetAtt'][0]]?.Type).toBe('AWS::SQS::Queue');
    },
  );

  test.each(queues)('%s takes messages from its rules and its worker alone', (id) => {
    const policy = policies.find(({ Queues }) => JSON.stringify(Queues) === JSON.stringify([{ Ref: id }]));
    const statements = (policy?.PolicyDocument as { Statement: object[] } | undefined)?.Statement;
    const worker = id.replace(/(DeadLetter|SecondLook)?Queue$/, '');
    const own = expect.objectContaining({
      Principal: { AWS: arn(`${worker}WorkerRole`) },
      Action: 'sqs:SendMessage',
      Resource: arn(id),
    });
    if (id.endsWith('SecondLookQueue')) return expect(statements).toEqual([own]);
    const feeding = Object.entries(rules)
      .filter(([, { Properties }]) => JSON.stringify(Properties.Targets).includes(`"${worker}Queue"`))
      .map(([rule]) => arn(rule));
    expect(feeding.length).toBeGreaterThan(0);
    expect(statements).toEqual([
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: arn(id),
        Condition: { ArnEquals: { 'aws:SourceArn': feeding } },
      }),
      own,
    ]);
  });
});

describe('the rules', () => {
  test.each([...Object.entries(rules), ...ofType(member, 'AWS::Events::Rule')])(
    '%s is short enough for EventBridge',
    (_, rule) => {
      expect(JSON.stringify(rule.Properties.EventPattern).length).toBeLessThanOrEqual(2_000);
    },
  );

  test.each(Object.entries(rules))(
    '%s names where events come from, and keeps what it cannot deliver',
    (_, { Properties }) => {
      const pattern = Properties.EventPattern as { source: string[]; 'detail-type'?: string[]; $or?: object[] };
      expect(pattern.source.every((source) => source.startsWith('aws.'))).toBe(true);
      expect(pattern['detail-type'] ?? pattern.$or?.every((branch) => 'detail-type' in branch)).toBeTruthy();
      const [target] = Properties.Targets as { DeadLetterConfig?: object }[];
      expect(target?.DeadLetterConfig).toBeDefined();
    },
  );
});

describe('the roles', () => {
  const roles = [...ofType(workers, 'AWS::IAM::Role'), ...ofType(member, 'AWS::IAM::Role')];

  test.each(roles)('%s writes to nothing by a bare wildcard', (_, role) => {
    for (const { Action, Resource } of statementsOf(role)) {
      const writes = list(Action).filter((name) => !READS.test(String(name)));
      if (writes.length > 0) expect(list(Resource)).not.toContain('*');
      for (const name of list(Action)) expect(name).not.toMatch(/\*/);
    }
  });

  test.each(ofType(member, 'AWS::IAM::Role').filter(([id]) => id !== 'ForwardingRole'))(
    '%s trusts its own worker alone',
    (_, { Properties }) => {
      const name = String(Properties.RoleName).replace('firebreak-', '');
      expect((Properties.AssumeRolePolicyDocument as { Statement: object[] }).Statement).toEqual([
        {
          Effect: 'Allow',
          Principal: {
            AWS: { 'Fn::Sub': `arn:\${AWS::Partition}:iam::\${SecurityAccount}:role/firebreak-worker-${name}` },
          },
          Action: 'sts:AssumeRole',
        },
      ]);
    },
  );

  test.each(ofType(workers, 'AWS::IAM::Role'))('%s keeps to its own items of the ledger', (_, role) => {
    const name = String(role.Properties.RoleName).replace('firebreak-worker-', '');
    const onLedger = statementsOf(role).filter(({ Action }) =>
      list(Action).some((action) => String(action).startsWith('dynamodb:')),
    );
    expect(onLedger).toHaveLength(1);
    expect(onLedger[0]?.Condition).toEqual({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${name}#*`] } });
    expect(onLedger[0]?.Action).not.toContain('dynamodb:DeleteItem');
  });
});

describe('serverless.yml', () => {
  const service = parse(readFileSync('serverless.yml', 'utf8'), { logLevel: 'silent' });

  test('gives no function more than its batch failures, its concurrency and a lease longer than its time', () => {
    const { functions } = json('functions/workers.json') as {
      functions: Record<string, { timeout: number; events: { sqs: Record<string, unknown> }[] }>;
    };
    const lease = Number(/LEASE_SECONDS = (\d+)/.exec(readFileSync('engine/pipeline.ts', 'utf8'))?.[1]);
    for (const { timeout, events } of Object.values(functions)) {
      expect(timeout).toBeLessThan(lease);
      expect(events[0]?.sqs).toMatchObject({ functionResponseType: 'ReportBatchItemFailures', maximumConcurrency: 10 });
    }
    expect(service.provider).toMatchObject({ runtime: 'nodejs24.x', architecture: 'arm64', logRetentionInDays: 365 });
  });

  test('keeps the ledger, with a stream and a way back', () => {
    const { Ledger } = service.resources.at(-1).Resources;
    expect(Ledger).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      },
    });
  });
});
