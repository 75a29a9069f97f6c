import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SessionConfig } from './session.ts';

/** What an SQS message attribute of type String may not hold. */
const NOT_IN_ATTRIBUTE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g;

/** A queue where people look: for what is wrong in a way that no other try mends. */
export class DeadLetters {
  readonly #session: SessionConfig;
  readonly #queue: string;
  #client: SQSClient | undefined;

  /** @param queue its URL */
  constructor(session: SessionConfig, queue: string) {
    this.#session = session;
    this.#queue = queue;
  }

  /** Few have any: its client is made for the first. */
  get #sqs(): SQSClient {
    // The endpoint is the SDK's to choose, as for every other service; by default a queue's URL would override it.
    this.#client ??= new SQSClient({ ...this.#session, useQueueUrlAsEndpoint: false });
    return this.#client;
  }

  async put(body: string, reason: string): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#queue,
        MessageBody: body,
        MessageAttributes: {
          reason: { DataType: 'String', StringValue: reason.replaceAll(NOT_IN_ATTRIBUTE, '?').slice(0, 1_024) },
        },
      }),
    );
  }
}
