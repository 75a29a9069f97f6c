import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { workerNames } from '../scripts/workers.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
}
interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: { ArnEquals?: { 'aws:SourceArn': unknown[] } };
}

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const workers = json('functions/workers.json').template.Resources as Record<string, Resource>;
const rules = json('events/rules.json').Resources as Record<string, Resource>;
const member = parse(readFileSync('organization/member.yml', 'utf8')).Resources as Record<string, Resource>;

/** The operators' small Lambdas, by their folders, as templates of their own. */
const operators = ['approve', 'undo', 'incidents'].map((name) => {
  const { functions, template } = parse(readFileSync(`functions/${name}/template.yml`, 'utf8'), { logLevel: 'silent' });
  return {
    name,
    lambda: functions[name],
    resources: template.Resources as Record<string, Resource>,
  };
});

const playbooks = json('functions/playbooks/template.json').template.Resources as Record<string, Resource>;

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

describe('the function that calls for people', () => {
  test('has a queue for its rules alone, and what it rejects or gives up goes to another', () => {
    const policies = ofType(playbooks, 'AWS::SQS::QueuePolicy').map(
      ([, { Properties }]) => (Properties.PolicyDocument as { Statement: { Sid: string }[] }).Statement,
    );
    expect(policies.map((statements) => statements.map(({ Sid }) => Sid))).toEqual([
      ['OwnRules'],
      ['OwnRules', 'OwnWorker'],
    ]);
    const own = Object.keys(rules).filter((rule) => rule.startsWith('Playbooks'));
    expect(policies.flat().filter(({ Sid }) => Sid === 'OwnRules')).toEqual(
      ['PlaybooksQueue', 'PlaybooksDeadLetterQueue'].map((queue) =>
        expect.objectContaining({
          Resource: arn(queue),
          Condition: { ArnEquals: { 'aws:SourceArn': own.map(arn) } },
        }),
      ),
    );
    expect(playbooks.PlaybooksQueue?.Properties.RedrivePolicy).toMatchObject({
      deadLetterTargetArn: arn('PlaybooksDeadLetterQueue'),
    });
  });

  test('may put down responses of its own, and neither read nor change anything else', () => {
    const [, role] = ofType(playbooks, 'AWS::IAM::Role')[0] ?? [];
    const statements = role ? statementsOf(role) : [];
    expect(statements.flatMap(({ Action }) => list(Action)).sort()).toEqual([
      'dynamodb:PutItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
    ]);
    expect(statements.find(({ Action }) => Action === 'dynamodb:PutItem')?.Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['playbooks#response#*'] },
    });
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
  const roles = [workers, member, playbooks, ...operators.map(({ resources }) => resources)].flatMap((all) =>
    ofType(all, 'AWS::IAM::Role'),
  );

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

describe('the sandbox', () => {
  const { Resources, Conditions } = parse(readFileSync('organization/sandbox.yml', 'utf8')) as {
    Resources: Record<string, Resource & { Condition?: string }>;
    Conditions: Record<string, unknown>;
  };
  const policies = ofType(Resources, 'AWS::IAM::ManagedPolicy');
  const statements = policies.flatMap(
    ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
  );

  test('is never made in the security account', () => {
    expect(Conditions.InSandbox).toEqual({
      'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AWS::AccountId' }, { Ref: 'SecurityAccount' }] }],
    });
    expect(Conditions.InHomeRegion).toEqual({ 'Fn::And': expect.arrayContaining([{ Condition: 'InSandbox' }]) });
    for (const { Condition } of Object.values(Resources)) expect(['InSandbox', 'InHomeRegion']).toContain(Condition);
  });

  test('is changed by the simulator alone, while that is in the organisation', () => {
    const trusted = {
      Effect: 'Allow',
      Principal: {
        AWS: { 'Fn::Sub': 'arn:${AWS::Partition}:iam::${SecurityAccount}:role/firebreak-worker-simulate' },
      },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:PrincipalOrgID': { Ref: 'Organization' } } },
    };
    expect(ofType(Resources, 'AWS::IAM::Role').map(([, { Properties }]) => Properties)).toEqual([
      {
        RoleName: 'firebreak-simulate',
        Description: expect.any(String),
        MaxSessionDuration: 3_600,
        AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trusted] },
        ManagedPolicyArns: policies.map(([Ref]) => ({ Ref })),
      },
    ]);
  });

  test.each(policies)('%s is short enough for IAM', (_, { Properties }) => {
    expect(JSON.stringify(Properties.PolicyDocument).length).toBeLessThanOrEqual(6_144);
  });

  test('is changed only where a run has put its tag or its name', () => {
    // Sample findings name no resource that there is, and IAM knows no narrower way to ask for them.
    const harmless = (name: string) => READS.test(name) || name === 'guardduty:CreateSampleFindings';
    const writing = statements.filter(({ Action }) => list(Action).some((name) => !harmless(String(name))));
    expect(writing.length).toBeGreaterThan(0);
    for (const { Action, Resource, Condition } of writing) {
      const resources = list(Resource).map((each) => JSON.stringify(each));
      const named = resources.every((each) => each.includes('firebreak-sim-*-'));
      const tagged = /firebreak:(run-id|sandbox)|ec2:CreateAction/.test(JSON.stringify(Condition ?? {}));
      // What an instance is started from, and whose rules it gets, is not changed by that.
      const used =
        String(Action) === 'ec2:RunInstances' && resources.every((each) => /:(image|security-group)\//.test(each));
      expect({ Action, Resource, narrow: named || tagged || used }).toEqual({ Action, Resource, narrow: true });
    }
  });

  test('names accounts and partitions only where CloudFormation fills them in', () => {
    expect(JSON.stringify(statements).replaceAll(/\{"Fn::Sub":"[^"]*"\}/g, '')).not.toContain('${');
  });

  test('has a network of one subnet, and no way out of it', () => {
    const network = Object.values(Resources).map(({ Type }) => Type);
    expect(network.filter((type) => type.startsWith('AWS::EC2::')).sort()).toEqual([
      'AWS::EC2::Subnet',
      'AWS::EC2::VPC',
    ]);
    expect(Resources.Subnet?.Properties.MapPublicIpOnLaunch).toBe(false);
    for (const name of ['Network', 'Subnet'])
      expect(Resources[name]?.Properties.Tags).toContainEqual({ Key: 'firebreak:sandbox', Value: 'network' });
  });
});

/** False for actions on an account and Region, for which IAM knows no resource but `*`. */
function hasResource(name: string): boolean {
  const [prefix = '', action = ''] = name.split(':');
  const { requires, accepts } = known[prefix]?.actions?.[action] ?? { requires: ['unknown'] };
  return requires !== undefined || accepts !== undefined;
}
const known: Record<string, { actions?: Record<string, { requires?: string[]; accepts?: string[] }> }> = JSON.parse(
  readFileSync('local/aws/iam_actions.json', 'utf8'),
);

describe('the runbooks', () => {
  const { Resources } = parse(readFileSync('organization/runbooks.yml', 'utf8')) as {
    Resources: Record<string, Resource & { readonly DeletionPolicy?: string }>;
  };
  const documents = ofType(Resources, 'AWS::SSM::Document');
  const roles = ofType(Resources, 'AWS::IAM::Role');

  test('keep evidence when they go, and nobody writes over it or reads it in the clear', () => {
    const { EvidenceBucket, EvidenceBucketPolicy } = Resources;
    expect(EvidenceBucket?.DeletionPolicy).toBe('Retain');
    expect(EvidenceBucket?.Properties).toMatchObject({ VersioningConfiguration: { Status: 'Enabled' } });
    const policy = EvidenceBucketPolicy?.Properties.PolicyDocument as { Statement: Statement[] } | undefined;
    expect(policy?.Statement.map(({ Effect, Action, Condition }) => ({ Effect, Action, Condition }))).toEqual([
      { Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      {
        Effect: 'Deny',
        Action: 's3:PutObject',
        Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
      },
      {
        Effect: 'Deny',
        Action: 's3:PutObject',
        Condition: {
          ArnNotLike: {
            'aws:PrincipalArn': { 'Fn::Sub': expect.stringMatching(/:role\/firebreak-runbook-\*$/) },
          },
        },
      },
      { Effect: 'Deny', Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'], Condition: undefined },
    ]);
  });

  test('have a role each, which Automation assumes for its account alone', () => {
    expect(roles.map(([, { Properties }]) => Properties.AssumeRolePolicyDocument)).toEqual(
      documents.map(() => ({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'ssm.amazonaws.com' },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
        ],
      })),
    );
  });

  test('delete no evidence, and write to nothing by a bare wildcard', () => {
    for (const { Action, Resource } of roles.flatMap(([, role]) => statementsOf(role))) {
      const writes = list(Action).filter((name) => !READS.test(String(name)) && hasResource(String(name)));
      if (writes.length > 0) expect(list(Resource)).not.toContain('*');
      for (const name of list(Action)) expect(name).not.toMatch(/\*|^s3:DeleteObject/);
    }
  });
});

const ORDERS_ALONE = { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', 'order'] } };

describe('the door', () => {
  const invokeWorkers = workers.InstructWorkers?.Properties.PolicyDocument as { Statement: Statement[] };

  test.each(operators)('to $name opens by IAM alone', ({ lambda }) => {
    expect(lambda.events.length).toBeGreaterThan(0);
    for (const { httpApi } of lambda.events) expect(httpApi.authorizer).toEqual({ type: 'aws_iam' });
  });

  test.each(operators)('to $name is for people who have its policy, on exactly its routes', ({ lambda, resources }) => {
    const [[, policy] = []] = ofType(resources, 'AWS::IAM::ManagedPolicy');
    if (!policy) throw new Error('there is no policy for people');
    const { Statement } = policy.Properties.PolicyDocument as { Statement: Statement[] };
    expect(Statement.map(({ Action }) => Action)).toEqual(['execute-api:Invoke', 'ssm:GetParameter', 'dynamodb:Query']);
    const routes = list(Statement[0]?.Resource).map((arn) => String(arn).replace(/^.*\$default\//, ''));
    const paths = lambda.events.map(({ httpApi }: { httpApi: { method: string; path: string } }) => {
      // A star stands for any number of parts.
      return `${httpApi.method}${httpApi.path.replaceAll(/\{\w+\}(\/\{\w+\})*/g, '*')}`;
    });
    expect(routes).toEqual(paths);
  });

  const ordering = operators.filter(({ name }) => name !== 'incidents');
  test.each(ordering)('lets $name keep orders, and tell the workers and nobody else', ({ resources }) => {
    const [[, role] = []] = ofType(resources, 'AWS::IAM::Role');
    expect(role?.Properties.ManagedPolicyArns).toEqual(['InstructWorkers']);
    for (const { Action, Condition } of role ? statementsOf(role) : []) {
      if (list(Action).some((name) => String(name).startsWith('dynamodb:'))) {
        expect(Object.keys(Condition ?? {})).toContain('ForAllValues:StringLike');
        expect(list(Action)).not.toContain('dynamodb:DeleteItem');
        // What is put beside a response can be an order, and neither its plan nor its header.
        const puts = list(Action).includes('dynamodb:PutItem') && JSON.stringify(Condition).includes('#response#');
        if (puts) expect(Condition).toMatchObject(ORDERS_ALONE);
      }
    }
    expect(invokeWorkers.Statement).toEqual([
      {
        Sid: 'InstructWorkers',
        Effect: 'Allow',
        Action: 'lambda:InvokeFunction',
        Resource: workerNames().map((worker) => ({
          'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:firebreak-${worker}`,
        })),
      },
    ]);
  });
});

describe('the runbooks of remediations', () => {
  const { template } = parse(readFileSync('functions/runbooks/template.yml', 'utf8'), { logLevel: 'silent' });
  const { RunbooksRole, AutomationRole, RunbookStarterPolicy, RunbookApproverPolicy } = template.Resources;
  const allowed = ({ Properties }: Resource): unknown[] =>
    (Properties.PolicyDocument as { Statement: Statement[] }).Statement.flatMap(({ Action }) => list(Action));

  test('have a function that reads executions, keeps orders and tells the workers, and no more', () => {
    expect(RunbooksRole.Properties.ManagedPolicyArns).toEqual(['InstructWorkers']);
    const statements = statementsOf(RunbooksRole);
    expect(statements.map(({ Action }) => Action)).toEqual([
      'ssm:GetAutomationExecution',
      'dynamodb:Query',
      'dynamodb:PutItem',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ]);
    expect(statements.find(({ Action }) => Action === 'dynamodb:PutItem')?.Condition).toMatchObject(ORDERS_ALONE);
  });

  test('act in a role that can call that function and ask for approvals alone', () => {
    const may = statementsOf(AutomationRole).map(({ Action, Resource }) => [Action, Resource]);
    expect(may).toEqual([
      ['lambda:InvokeFunction', expect.stringMatching(/:function:firebreak-runbooks$/)],
      ['sns:Publish', 'Approvals'],
    ]);
  });

  test('are started by some people and approved by others', () => {
    expect(allowed(RunbookStarterPolicy)).not.toContain('ssm:SendAutomationSignal');
    expect(allowed(RunbookApproverPolicy)).not.toContain('ssm:StartAutomationExecution');
    for (const policy of [RunbookStarterPolicy, RunbookApproverPolicy]) {
      expect(allowed(policy)).not.toContain('lambda:InvokeFunction');
    }
  });
});

describe('the record of incidents', () => {
  const tell = parse(readFileSync('functions/tell/template.yml', 'utf8'), { logLevel: 'silent' }).template.Resources;
  const incidents = operators.find(({ name }) => name === 'incidents')?.resources ?? {};
  const table = incidents.Incidents?.Properties ?? {};

  test('is kept, and its stream tells what is new', () => {
    expect(table).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
  });

  test.each([
    ['firebreak-tell', tell.TellRole as Resource, ['incident#*', 'subject#*']],
    ['firebreak-incidents', incidents.IncidentsRole as Resource, ['incident#*', 'subject#*']],
  ])('%s adds to it, under its own keys, and takes nothing away', (_, role, keys) => {
    const onIt = statementsOf(role).filter(({ Resource }) => JSON.stringify(Resource).includes('Incidents.Arn'));
    expect(onIt).toEqual([
      expect.objectContaining({
        Action: ['dynamodb:Query', 'dynamodb:PutItem'],
        Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } },
      }),
    ]);
  });
});

describe('the sweep', () => {
  const { functions, template } = parse(readFileSync('functions/sweep/template.yml', 'utf8'), { logLevel: 'silent' });

  test('reads in the member accounts, and writes nothing', () => {
    const role = member.SweepRole;
    if (!role) throw new Error('there is no role');
    expect(statementsOf(role).flatMap(({ Action }) => list(Action))).toEqual([
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
    ]);
  });

  test('reads the ledger, and tells workers, the bus and people what it finds', () => {
    const { SweepRole, SweepFailed, SweepMissed } = template.Resources;
    expect(SweepRole.Properties.ManagedPolicyArns).toEqual(['InstructWorkers']);
    const may = statementsOf(SweepRole).map(({ Action }) => Action);
    expect(may).toEqual([
      'dynamodb:Query',
      'ssm:GetParameter',
      'sts:AssumeRole',
      'events:PutEvents',
      'sns:Publish',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
    ]);
    for (const { Properties } of [SweepFailed, SweepMissed]) expect(Properties.AlarmActions).toEqual(['People']);
  });

  test('runs each hour, and once a day', () => {
    expect(functions.sweep.events.map(({ schedule }: { schedule: { input: object } }) => schedule.input)).toEqual([
      { sweep: 'hourly' },
      { sweep: 'daily', page: true },
    ]);
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

  test('lets tell have what it tells, and no more', () => {
    const { functions, template } = parse(readFileSync('functions/tell/template.yml', 'utf8'), { logLevel: 'silent' });
    const { stream } = functions.tell.events[0];
    expect(stream).toMatchObject({
      functionResponseType: 'ReportBatchItemFailures',
      bisectBatchOnFunctionError: true,
      // Given up by their age alone, while the stream still has them: it keeps them for a day.
      maximumRecordAgeInSeconds: 43_200,
      destinations: { onFailure: { type: 'sqs', arn: 'TellDeadLetterQueue.Arn' } },
    });
    expect(stream.maximumRetryAttempts).toBeUndefined();
    const { TellRole, TellDeadLetterQueueAlarm, TellBehindAlarm } = template.Resources;
    for (const { Properties } of [TellDeadLetterQueueAlarm, TellBehindAlarm]) {
      expect(Properties.AlarmActions).toEqual(['People']);
    }
    expect(TellBehindAlarm.Properties).toMatchObject({ MetricName: 'IteratorAge', Threshold: 600_000 });
    const statements = statementsOf(TellRole);
    for (const { Action, Resource } of statements) {
      for (const name of list(Action)) expect(name).not.toMatch(/\*/);
      if (list(Resource).includes('*')) expect(list(Action)).toEqual(['dynamodb:ListStreams']);
    }
    const conditions = Object.fromEntries(statements.map(({ Sid, Condition }) => [Sid, JSON.stringify(Condition)]));
    expect(conditions).toMatchObject({
      RememberWhatWasTold: expect.stringContaining('["tell#*"]'),
      ReadFindingsOfResponses: expect.stringContaining('["*#response#*"]'),
      RecordIncidents: expect.stringContaining('["incident#*","subject#*"]'),
      TellPrograms: expect.stringContaining('"events:source":"firebreak"'),
      UpdateFindings: expect.stringContaining('["NEW","NOTIFIED"]'),
    });
  });

  test('lets registers change what they remember of an incident, OpsItems, and incidents of the one response plan', () => {
    const { functions, template } = parse(readFileSync('functions/registers/template.yml', 'utf8'), {
      logLevel: 'silent',
    });
    const [{ stream }, { schedule }] = functions.registers.events;
    expect(stream).toMatchObject({
      functionResponseType: 'ReportBatchItemFailures',
      bisectBatchOnFunctionError: true,
      maximumRecordAgeInSeconds: 43_200,
      destinations: { onFailure: { type: 'sqs', arn: 'RegistersDeadLetterQueue.Arn' } },
      // What it remembers is in the same table: a change of that would call it again, without end.
      filterPatterns: [{ eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { sk: { S: ['HEADER'] } } } }],
    });
    expect(schedule).toEqual({ rate: 'rate(15 minutes)', input: { do: 'catch-up' } });
    const { RegistersRole, StartIncidents, RegistersDeadLetterQueueAlarm, RegistersBehindAlarm } = template.Resources;
    for (const { Properties } of [RegistersDeadLetterQueueAlarm, RegistersBehindAlarm]) {
      expect(Properties.AlarmActions).toEqual(['People']);
    }
    const statements = [...statementsOf(RegistersRole), ...StartIncidents.Properties.PolicyDocument.Statement];
    for (const { Action, Resource } of statements as Statement[]) {
      for (const name of list(Action)) expect(name).not.toMatch(/\*/);
      if (list(Resource).includes('*')) expect(Action).toMatch(/^(dynamodb:ListStreams|ssm:CreateOpsItem)$/);
    }
    const writes = statements.filter(({ Action }) => /dynamodb:(Put|Update|Delete|Batch)/.test(String(Action)));
    expect(writes).toEqual([
      {
        Sid: 'RememberWhatWasTold',
        Effect: 'Allow',
        Action: 'dynamodb:UpdateItem',
        Resource: 'Incidents.Arn',
        Condition: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['incident#*'] },
          'ForAllValues:StringEquals': {
            'dynamodb:Attributes': ['pk', 'sk', 'reference', 'told', 'version', 'behind', 'since', 'error'],
          },
        },
      },
    ]);
    expect(StartIncidents.Condition).toBe('StartsIncidents');
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
