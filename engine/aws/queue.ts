import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { parcels } from '../chunks.ts';
import { TransientError } from '../errors.ts';
import { DeadLetters } from './dead-letters.ts';
import type { SessionConfig } from './session.ts';

/** Entries that one SendMessageBatch takes. */
const BATCH = 10;
/**
 * Bytes that the messages of one SendMessageBatch have together.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
 */
const BATCH_BYTES = 1_048_576;

/** A worker's own queues: for what it shall do, for what it shall look at later, and for dead letters. */
export class WorkerQueue {
  readonly #session: SessionConfig;
  #client: SQSClient | undefined;
  readonly #queue: string;
  readonly #deadLetters: DeadLetters;
  readonly #later: string;

  /** @param later URL of the queue for second looks; empty where the worker has none */
  constructor(session: SessionConfig, queue: string, deadLetters: string, later = '') {
    this.#session = session;
    this.#queue = queue;
    this.#deadLetters = new DeadLetters(session, deadLetters);
    this.#later = later;
  }

  /** Most messages need nothing of their queue: its client is made for the first that does. */
  get #sqs(): SQSClient {
    // The endpoint is the SDK's to choose, as for every other service; by default a queue's URL would override it.
    this.#client ??= new SQSClient({ ...this.#session, useQueueUrlAsEndpoint: false });
    return this.#client;
  }

  /**
   * Sends messages of its own to the worker.
   * @throws TransientError when SQS did not take them all: then some may have been sent
   */
  async send(bodies: readonly string[]): Promise<void> {
    for (const batch of parcels(bodies, BATCH, BATCH_BYTES)) {
      const Entries = batch.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      const { Failed = [] } = await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl: this.#queue, Entries }));
      if (Failed.length > 0) throw new TransientError(`SQS did not take ${Failed.length} messages: ${Failed[0]?.Code}`);
    }
  }

  /** Sends a message that is seen so many seconds later, 900 at most. */
  async sendLater(body: string, seconds: number): Promise<void> {
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#later, MessageBody: body, DelaySeconds: seconds }));
  }

  /** Puts a message where people look, with the reason: it is not tried again. */
  reject(body: string, reason: string): Promise<void> {
    return this.#deadLetters.put(body, reason);
  }

  /** Lets a message come back sooner than its visibility time-out. */
  async retryIn(
    { receiptHandle, eventSourceARN }: { readonly receiptHandle: string; readonly eventSourceARN: string },
    seconds: number,
  ): Promise<void> {
    const name = eventSourceARN.slice(eventSourceARN.lastIndexOf(':') + 1);
    await this.#sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#later.endsWith(`/${name}`) ? this.#later : this.#queue,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  }
}
