import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import { failedItems } from './item-failures.ts';
import type { InvocationResult } from './lambda-environment.ts';
import { Pause } from './pause.ts';

/** Milliseconds until a queue that could not be polled is tried again. */
const AFTER_ERROR_MS = 1_000;
/** Messages that one ReceiveMessage gives. */
const RECEIVE_LIMIT = 10;

/** An event source mapping from a queue to a function. */
export interface QueueMapping {
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly batchSize: number;
  /** Batches at once. */
  readonly maximumConcurrency: number;
  /** The function's answer names the messages that failed; otherwise a batch succeeds or fails as a whole. */
  readonly reportsItemFailures: boolean;
}

/** Is told of messages that stay in a queue, by the receipt handles of their last receive. */
export type Left = (queueUrl: string, receiptHandles: readonly string[]) => Promise<void>;

/**
 * Does for one queue what Lambda's poller does: receives, invokes, and deletes what succeeded. What failed stays until its
 * visibility timeout ends, and the queue's redrive policy decides the rest.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export class QueuePoller {
  readonly mapping: QueueMapping;
  readonly #sqs: SQSClient;
  readonly #invoke: (event: SQSEvent) => Promise<InvocationResult>;
  readonly #complain: (problem: string) => void;
  readonly #left: Left;
  readonly #batches = new Set<Promise<void>>();
  readonly #polling: Promise<void>;
  readonly #pause = new Pause();
  #stopping = false;

  /**
   * @param sqs a client with the function's execution role, as Lambda polls
   * @param complain is told what goes wrong beside the function
   * @param left is told of the messages that a function failed as a whole, before the visibility timeout brings them back
   */
  constructor(
    mapping: QueueMapping,
    sqs: SQSClient,
    invoke: (event: SQSEvent) => Promise<InvocationResult>,
    complain: (problem: string) => void,
    left: Left = async () => {},
  ) {
    this.mapping = mapping;
    this.#sqs = sqs;
    this.#invoke = invoke;
    this.#complain = complain;
    this.#left = left;
    this.#polling = this.#poll();
  }

  /** Batches that a function works on. */
  get inFlight(): number {
    return this.#batches.size;
  }

  /** Looks at the queue now instead of at the end of the pause. */
  wake(): void {
    this.#pause.end();
  }

  /** Receives nothing more. Resolves when the batches in flight are done. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#polling;
    await Promise.all(this.#batches);
  }

  async #poll(): Promise<void> {
    while (!this.#stopping) {
      if (this.#batches.size >= this.mapping.maximumConcurrency) {
        await Promise.race(this.#batches);
        continue;
      }
      const messages = await this.#receive();
      if (messages.length > 0) {
        const batch = this.#run(messages).finally(() => {
          this.#batches.delete(batch);
          this.wake();
        });
        this.#batches.add(batch);
        this.#pause.shorten();
      } else {
        await this.#pause.rest();
      }
    }
  }

  async #receive(): Promise<readonly Message[]> {
    try {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.mapping.queueUrl,
          MaxNumberOfMessages: Math.min(this.mapping.batchSize, RECEIVE_LIMIT),
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
          WaitTimeSeconds: 0,
        }),
      );
      return Messages;
    } catch (error) {
      if (this.#stopping) return [];
      this.#complain(`${this.mapping.queueArn} cannot be polled: ${String(error)}`);
      await sleep(AFTER_ERROR_MS);
      return [];
    }
  }

  async #run(messages: readonly Message[]): Promise<void> {
    const Records = messages.map((message) => record(message, this.mapping.queueArn));
    const result = await this.#invoke({ Records });
    const failed = this.mapping.reportsItemFailures
      ? failedItems(
          result,
          Records.map(({ messageId }) => messageId),
        )
      : result.functionError && 'all';
    if (failed === 'all') {
      await this.#left(
        this.mapping.queueUrl,
        messages.map(({ ReceiptHandle = '' }) => ReceiptHandle),
      );
      return;
    }
    const done = messages.filter(({ MessageId }) => !failed?.has(MessageId ?? ''));
    if (done.length === 0) return;
    try {
      const { Failed = [] } = await this.#sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: this.mapping.queueUrl,
          Entries: done.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle })),
        }),
      );
      for (const { Id, Code } of Failed) this.#complain(`message ${Id} is not deleted: ${Code}`);
    } catch (error) {
      this.#complain(`${done.length} messages of ${this.mapping.queueArn} are not deleted: ${String(error)}`);
    }
  }
}

/** A message as a function gets it. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function record(message: Message, queueArn: string): SQSRecord {
  const {
    MessageId = '',
    ReceiptHandle = '',
    Body = '',
    Attributes = {},
    MessageAttributes = {},
    MD5OfBody = '',
  } = message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: Attributes as unknown as SQSRecord['attributes'],
    messageAttributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, value]) => [name, messageAttribute(value)]),
    ) as SQSMessageAttributes,
    md5OfBody: MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(':')[3] ?? '',
  };
}

const messageAttribute = ({ StringValue, BinaryValue, DataType = 'String' }: MessageAttributeValue) => ({
  ...(StringValue !== undefined && { stringValue: StringValue }),
  ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
  stringListValues: [],
  binaryListValues: [],
  dataType: DataType,
});
