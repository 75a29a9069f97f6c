import type { Worker } from '../workers.ts';
import {
  arnOf,
  deadLetterAlarm,
  deadLetterQueue,
  executionRole,
  fromRole,
  fromRules,
  logging,
  mapping,
  queuePolicy,
  ref,
  rejecting,
  workingQueue,
} from './queues.ts';
import { logicalId, type Rule } from './rules.ts';

/** Seconds a worker has for a batch. Its lease, LEASE_SECONDS in engine/pipeline.ts, is longer. */
const TIMEOUT = 90;

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
  return {
    [deadLetters]: deadLetterQueue(`firebreak-${worker}-dead-letters`),
    [queue]: workingQueue(`firebreak-${worker}`, deadLetters, TIMEOUT),
    [`${queue}Policy`]: queuePolicy(queue, [fromRules(queue, rules), fromRole(queue, role)]),
    [`${deadLetters}Policy`]: queuePolicy(deadLetters, [fromRules(deadLetters, rules), fromRole(deadLetters, role)]),
    ...Object.fromEntries(
      later.flatMap((name) => [
        [name, workingQueue(`firebreak-${worker}-second-looks`, deadLetters, TIMEOUT)],
        [`${name}Policy`, queuePolicy(name, [fromRole(name, role)])],
      ]),
    ),
    [`${deadLetters}Alarm`]: deadLetterAlarm(deadLetters, `firebreak-${worker}-dead-letters`, `The ${worker} worker`),
    [role]: executionRole(
      `firebreak-worker-${worker}`,
      `Execution role of Firebreak's ${worker} worker; the member accounts' firebreak-${worker} roles trust it alone`,
      'worker',
      [
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
          Resource: sub('arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/firebreak/kill-switch'),
        },
        rejecting(deadLetters),
        logging(worker),
      ],
    ),
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
