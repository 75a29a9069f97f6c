import { MAX_RECEIVES } from '../../engine/pipeline.ts';
import type { Worker } from '../workers.ts';
import { logicalId, type Rule } from './rules.ts';

/** Seconds a worker has for a batch. Its lease, LEASE_SECONDS in engine/pipeline.ts, is longer. */
const TIMEOUT = 90;
/** AWS advises six times the function's timeout. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUT = 6 * TIMEOUT;
/** Batches at once: as many accounts as one stuck Region can hold up, and no more. */
const MAXIMUM_CONCURRENCY = 10;
const FOURTEEN_DAYS = 1_209_600;

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const ref = (id: string) => ({ Ref: id });
const sub = (text: string) => ({ 'Fn::Sub': text });

/** functions/workers.json: what serverless.yml pulls in for each worker. */
export const workersTemplate = (workers: readonly Worker[], rules: readonly Rule[]): object => ({
  functions: Object.fromEntries(workers.map((worker) => [worker.name, lambda(worker)])),
  template: {
    Resources: Object.assign(
      { InstructWorkers: instructWorkers(workers) },
      ...workers.map((worker) =>
        resources(
          worker,
          rules.filter((rule) => rule.worker === worker.name),
        ),
      ),
    ),
  },
});

/** Whether a worker reads some of its fixes again later: then it has a queue for that. */
const looksAgain = ({ remediations }: Worker): boolean =>
  remediations.some(({ secondLook }) => secondLook !== undefined);

const mapping = (queue: string) => ({
  sqs: {
    arn: arnOf(queue),
    batchSize: 10,
    functionResponseType: 'ReportBatchItemFailures',
    maximumConcurrency: MAXIMUM_CONCURRENCY,
  },
});

const lambda = ({ name: worker, ...rest }: Worker) => ({
  name: `firebreak-${worker}`,
  description: `Firebreak's ${worker} worker`,
  handler: `dist/${worker}/index.handler`,
  role: logicalId(worker, 'worker-role'),
  timeout: TIMEOUT,
  package: { patterns: ['!**', `dist/${worker}/index.mjs`, `dist/${worker}/response-policy.json`] },
  environment: {
    QUEUE_URL: ref(logicalId(worker, 'queue')),
    DEAD_LETTER_QUEUE_URL: ref(logicalId(worker, 'dead-letter-queue')),
    ...(looksAgain({ name: worker, ...rest }) && {
      SECOND_LOOK_QUEUE_URL: ref(logicalId(worker, 'second-look-queue')),
    }),
  },
  events: [
    mapping(logicalId(worker, 'queue')),
    ...(looksAgain({ name: worker, ...rest }) ? [mapping(logicalId(worker, 'second-look-queue'))] : []),
  ],
});

function resources({ name: worker, ...rest }: Worker, rules: readonly Rule[]): object {
  const queue = logicalId(worker, 'queue');
  const deadLetters = logicalId(worker, 'dead-letter-queue');
  const later = looksAgain({ name: worker, ...rest }) ? [logicalId(worker, 'second-look-queue')] : [];
  const role = logicalId(worker, 'worker-role');
  const sends = (id: string, target: string) => ({
    Sid: id,
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arnOf(target),
    Condition: { ArnEquals: { 'aws:SourceArn': rules.map(({ logicalId: rule }) => arnOf(rule)) } },
  });
  const receives = (target: string) => ({
    Sid: 'OwnWorker',
    Effect: 'Allow',
    Principal: { AWS: arnOf(role) },
    Action: 'sqs:SendMessage',
    Resource: arnOf(target),
  });
  const queuePolicy = (target: string, Statement: readonly object[]) => ({
    Type: 'AWS::SQS::QueuePolicy',
    Properties: { Queues: [ref(target)], PolicyDocument: { Version: '2012-10-17', Statement } },
  });
  const working = (name: string) => ({
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: name,
      VisibilityTimeout: VISIBILITY_TIMEOUT,
      MessageRetentionPeriod: FOURTEEN_DAYS,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount: MAX_RECEIVES },
    },
  });
  return {
    [deadLetters]: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        QueueName: `firebreak-${worker}-dead-letters`,
        MessageRetentionPeriod: FOURTEEN_DAYS,
        SqsManagedSseEnabled: true,
      },
    },
    [queue]: working(`firebreak-${worker}`),
    [`${queue}Policy`]: queuePolicy(queue, [sends('OwnRules', queue), receives(queue)]),
    [`${deadLetters}Policy`]: queuePolicy(deadLetters, [sends('OwnRules', deadLetters), receives(deadLetters)]),
    ...Object.fromEntries(
      later.flatMap((name) => [
        [name, working(`firebreak-${worker}-second-looks`)],
        [`${name}Policy`, queuePolicy(name, [receives(name)])],
      ]),
    ),
    [`${deadLetters}Alarm`]: deadLetterAlarm(deadLetters, worker),
    [role]: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: `firebreak-worker-${worker}`,
        Description: `Execution role of Firebreak's ${worker} worker; the member accounts' firebreak-${worker} roles trust it alone`,
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        },
        Policies: [
          {
            PolicyName: 'worker',
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [
                {
                  Sid: 'ActInMemberAccounts',
                  Effect: 'Allow',
                  Action: 'sts:AssumeRole',
                  Resource: sub(`arn:\${AWS::Partition}:iam::*:role/firebreak-${worker}`),
                },
                {
                  Sid: 'KeepOwnRecords',
                  Effect: 'Allow',
                  Action: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'],
                  Resource: arnOf('Ledger'),
                  Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${worker}#*`] } },
                },
                {
                  Sid: 'WorkOwnQueue',
                  Effect: 'Allow',
                  Action: [
                    'sqs:ReceiveMessage',
                    'sqs:DeleteMessage',
                    'sqs:ChangeMessageVisibility',
                    'sqs:GetQueueAttributes',
                    'sqs:SendMessage',
                  ],
                  Resource: later.length === 0 ? arnOf(queue) : [queue, ...later].map(arnOf),
                },
                {
                  Sid: 'ReadKillSwitch',
                  Effect: 'Allow',
                  Action: 'ssm:GetParameter',
                  Resource: sub(
                    'arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/firebreak/kill-switch',
                  ),
                },
                { Sid: 'Reject', Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf(deadLetters) },
                {
                  Sid: 'Log',
                  Effect: 'Allow',
                  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
                  Resource: sub(
                    `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/firebreak-${worker}:*`,
                  ),
                },
              ],
            },
          },
        ],
      },
    },
  };
}

/** For approve, undo and sweep: they alone tell the workers what to do. */
const instructWorkers = (workers: readonly Worker[]) => ({
  Type: 'AWS::IAM::ManagedPolicy',
  Properties: {
    ManagedPolicyName: 'firebreak-instruct-workers',
    Description: 'For the execution roles of Firebreak that tell its workers what to do, and for nobody else',
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'InstructWorkers',
          Effect: 'Allow',
          Action: 'lambda:InvokeFunction',
          Resource: workers.map(({ name }) =>
            sub(`arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:firebreak-${name}`),
          ),
        },
      ],
    },
  },
});

/** A message that nobody could deal with is an alarm: somebody has to look at it. */
const deadLetterAlarm = (deadLetters: string, worker: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `firebreak-${worker}-dead-letters`,
    AlarmDescription: `The ${worker} worker gave messages up, or rejected them: each says why in its attribute reason`,
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [deadLetters, 'QueueName'] } }],
    Statistic: 'Maximum',
    Period: 60,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 0,
    TreatMissingData: 'notBreaching',
    AlarmActions: [ref('People')],
  },
});
