import { MAX_RECEIVES } from '../../engine/pipeline.ts';
import type { Rule } from './rules.ts';

/** AWS advises a visibility time-out of six times the function's. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUTS = 6;
/** Batches at once: as many accounts as one stuck Region can hold up, and no more. */
const MAXIMUM_CONCURRENCY = 10;
const FOURTEEN_DAYS = 1_209_600;

export const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
export const ref = (id: string) => ({ Ref: id });

/** What Lambda takes from a queue. */
export const mapping = (queue: string) => ({
  sqs: {
    arn: arnOf(queue),
    batchSize: 10,
    functionResponseType: 'ReportBatchItemFailures',
    maximumConcurrency: MAXIMUM_CONCURRENCY,
  },
});

/** @param timeout seconds that the function has for a batch */
export const workingQueue = (QueueName: string, deadLetters: string, timeout: number) => ({
  Type: 'AWS::SQS::Queue',
  Properties: {
    QueueName,
    VisibilityTimeout: VISIBILITY_TIMEOUTS * timeout,
    MessageRetentionPeriod: FOURTEEN_DAYS,
    SqsManagedSseEnabled: true,
    RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount: MAX_RECEIVES },
  },
});

export const deadLetterQueue = (QueueName: string) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName, MessageRetentionPeriod: FOURTEEN_DAYS, SqsManagedSseEnabled: true },
});

export const queuePolicy = (target: string, Statement: readonly object[]) => ({
  Type: 'AWS::SQS::QueuePolicy',
  Properties: { Queues: [ref(target)], PolicyDocument: { Version: '2012-10-17', Statement } },
});

/** Rules may send to a queue. */
export const fromRules = (target: string, rules: readonly Rule[]) => ({
  Sid: 'OwnRules',
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: arnOf(target),
  Condition: { ArnEquals: { 'aws:SourceArn': rules.map(({ logicalId }) => arnOf(logicalId)) } },
});

/** An execution role may send to a queue. */
export const fromRole = (target: string, role: string) => ({
  Sid: 'OwnWorker',
  Effect: 'Allow',
  Principal: { AWS: arnOf(role) },
  Action: 'sqs:SendMessage',
  Resource: arnOf(target),
});

/** A message that nobody could deal with is an alarm: somebody has to look at it. @param who gave it up */
export const deadLetterAlarm = (deadLetters: string, AlarmName: string, who: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName,
    AlarmDescription: `${who} gave messages up, or rejected them: each says why in its attribute reason`,
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

export const rejecting = (deadLetters: string) => ({
  Sid: 'Reject',
  Effect: 'Allow',
  Action: 'sqs:SendMessage',
  Resource: arnOf(deadLetters),
});

/** @param name of the function, without `firebreak-` */
export const logging = (name: string) => ({
  Sid: 'Log',
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: {
    'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/firebreak-${name}:*`,
  },
});

/** The role that a function runs as. */
export const executionRole = (
  RoleName: string,
  Description: string,
  PolicyName: string,
  Statement: readonly object[],
) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName,
    Description,
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
    Policies: [{ PolicyName, PolicyDocument: { Version: '2012-10-17', Statement } }],
  },
});
