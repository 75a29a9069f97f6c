import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { sessionConfig } from '../engine/aws/session.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import type { Response, ResponseRecord } from '../engine/response.ts';
import { CLOUD_ENDPOINT, Connection, HOME_REGION, LEDGER_TABLE, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import type { Call } from './doors.ts';
import type { Told } from './scenes.ts';

/** URL at which a POST to `/<function>` kills the processes of a function, as the fault `tell` does. */
export const KILLER = 'FIREBREAK_KILLER';
/** File to which every line that a function writes is added. */
export const LOG = 'FIREBREAK_LOG';
/** File to which tests add how often they tried. */
export const TRIES = 'FIREBREAK_TRIES';
/** Set for the long form of tests that have one. */
export const LONG = 'FIREBREAK_LONG';

/** Milliseconds between two looks at the queues. */
const LOOK_MS = 50;
/** Messages that one call sends or receives. */
const BATCH = 10;
/** More than any run makes. */
const ALL = 1_000_000;

/** The service as it is deployed on an embedded cloud whose workers run in another process, with everything automatic. */
export class Deployed {
  readonly cloud: Connection;
  readonly ledger: DynamoDbLedger;
  readonly #sqs: SQSClient;
  readonly #lambda: LambdaClient;
  readonly #began = new Date();
  #seen = 0;
  #lines = 0;

  /** @throws outside a run that scripts/chaos/numbered.ts started */
  constructor() {
    const endpoint = process.env[CLOUD_ENDPOINT];
    if (!endpoint || !process.env[KILLER]) throw new Error('run these tests by npm test -- tests/faults');
    this.cloud = new Connection(endpoint);
    const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
    this.ledger = new DynamoDbLedger(session, LEDGER_TABLE);
    this.#lambda = new LambdaClient(session);
    this.#sqs = new SQSClient({ ...session, useQueueUrlAsEndpoint: false });
  }

  /** Puts an event on the bus on which its service tells it; answers the id that EventBridge gave it. */
  async tell({ account, region, entry }: Told): Promise<string> {
    const [event] = await this.cloud.doors.emit(account, region, [entry]);
    return event?.id ?? '';
  }

  /** Puts messages into a worker's queue, which nobody but its rules and itself may. */
  async send(worker: string, bodies: readonly string[]): Promise<void> {
    const { QueueUrl } = await this.#sqs.send(new GetQueueUrlCommand({ QueueName: nameOf(worker) }));
    for (const batch of batches(bodies)) {
      const Entries = batch.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      const { Failed = [] } = await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      if (Failed.length > 0) throw new Error(`SQS did not take ${Failed.length} messages: ${Failed[0]?.Message}`);
    }
  }

  /** Gives a worker a message for the so manieth time, as its poller would; the message is in no queue. */
  async redeliver(worker: string, body: string, receives: number): Promise<void> {
    const record = {
      messageId: randomUUID(),
      receiptHandle: 'none',
      body,
      attributes: { ApproximateReceiveCount: String(receives) },
      messageAttributes: {},
      eventSource: 'aws:sqs',
    };
    const { FunctionError } = await this.#lambda.send(
      new InvokeCommand({ FunctionName: nameOf(worker), Payload: JSON.stringify({ Records: [record] }) }),
    );
    if (FunctionError) throw new Error(`${worker} failed: ${FunctionError}`);
  }

  /** Resolves when a worker's queue has no message any more. @throws with what is left after so many milliseconds */
  async settled(worker: string, patience = 60_000): Promise<void> {
    let empty = 0;
    let left = 0;
    for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(LOOK_MS)) {
      left = await this.#count(nameOf(worker), 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible');
      // Twice, since one that becomes visible right now is neither for a moment.
      empty = left === 0 ? empty + 1 : 0;
      if (empty === 2) return;
    }
    throw new Error(`${left} messages of ${worker} are left after ${patience} ms`);
  }

  /** The responses to events, in the order in which they began. */
  async responses(correlations: readonly string[]): Promise<readonly Response[]> {
    const wanted = new Set(correlations);
    const all = await this.ledger.list({ since: this.#began, limit: ALL });
    return all.filter(({ correlation }) => wanted.has(correlation)).reverse();
  }

  async record(id: string): Promise<ResponseRecord> {
    const record = await this.ledger.get(id);
    if (!record) throw new Error(`there is no response ${id}`);
    return record;
  }

  /** The calls since the last time that were made in the sessions of a worker's role in the member accounts. */
  async calls(worker: string): Promise<readonly Call[]> {
    return (await this.allCalls()).filter(({ principal }) => principal.includes(`:assumed-role/firebreak-${worker}/`));
  }

  /** The calls since the last time, whoever made them. */
  async allCalls(): Promise<readonly Call[]> {
    const made = await this.cloud.doors.calls(this.#seen);
    this.#seen = made.at(-1)?.sequence ?? this.#seen;
    return made;
  }

  /** Takes what is in a worker's dead-letter queue out of it. */
  async deadLetters(worker: string): Promise<readonly Message[]> {
    const { QueueUrl } = await this.#sqs.send(new GetQueueUrlCommand({ QueueName: `${nameOf(worker)}-dead-letters` }));
    const taken: Message[] = [];
    for (;;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: BATCH, MessageAttributeNames: ['All'] }),
      );
      if (Messages.length === 0) return taken;
      for (const { ReceiptHandle } of Messages) {
        await this.#sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      taken.push(...Messages);
    }
  }

  /** The lines that functions wrote since the last time. */
  lines(): readonly string[] {
    const all = readFileSync(process.env[LOG] ?? '', 'utf8')
      .split('\n')
      .slice(0, -1);
    const fresh = all.slice(this.#lines);
    this.#lines = all.length;
    return fresh;
  }

  async #count(QueueName: string, ...AttributeNames: Count[]): Promise<number> {
    const { QueueUrl } = await this.#sqs.send(new GetQueueUrlCommand({ QueueName }));
    const { Attributes = {} } = await this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  }
}

type Count = 'ApproximateNumberOfMessages' | 'ApproximateNumberOfMessagesNotVisible';

/** Of a worker's function and queue. */
const nameOf = (worker: string): string => `firebreak-${worker}`;

const batches = <T>(all: readonly T[]): (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / BATCH) }, (_, index) => all.slice(index * BATCH, (index + 1) * BATCH));

/** True for a call that changes something. */
export const changing = ({ operation, status }: Call): boolean =>
  !/^(Describe|Get|List)/.test(operation) && status > 0 && status < 400;

/** What a `tell` of a fault kills a worker's processes with. */
export const killerOf = (worker: string): string => `${process.env[KILLER]}/firebreak-${worker}`;

/** As a test has it in its long form, or in the one that CI has time for. */
export const inLongForm = <T>(long: T, lean: T): T => (process.env[LONG] ? long : lean);

/** Counts tries of a numbered test for docs/reliability.md. */
export function tried(number: number, tries: number): void {
  const file = process.env[TRIES];
  if (file) appendFileSync(file, `${JSON.stringify({ number, tries })}\n`);
}
