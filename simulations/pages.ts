import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { Moment, Seen } from './run.ts';

/** Seconds for which a page is out of sight of the next look. */
const HIDDEN_SECONDS = 2;

/** A message of a topic, as a queue gets it. https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html */
interface Notification {
  readonly Timestamp?: string;
  readonly Subject?: string;
  readonly Message?: string;
}

/** The pages that people got, as a queue that is subscribed to the same topic has them: when, and about which response. */
export class Pages {
  readonly #sqs: SQSClient;
  readonly #queue: string;

  /** @param queue URL of the queue */
  constructor(session: SessionConfig, queue: string) {
    this.#sqs = new SQSClient({ ...session, useQueueUrlAsEndpoint: false });
    this.#queue = queue;
  }

  /**
   * Takes those about some responses that came since the last look. Others are left to whoever they are for.
   * @param keep keeps a moment under a key of its own, before its page is gone
   */
  async about(
    responses: readonly Pick<Seen, 'id'>[],
    keep: (moment: Moment, key: string) => Promise<void>,
  ): Promise<void> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queue,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: HIDDEN_SECONDS,
        WaitTimeSeconds: 0,
      }),
    );
    for (const { Body = '{}', ReceiptHandle } of Messages) {
      const { Timestamp, Subject = '', Message = '' } = JSON.parse(Body) as Notification;
      const about = responses.find(({ id }) => Message.includes(id));
      if (!about || !Timestamp) continue;
      const at = new Date(Timestamp).toISOString();
      await keep({ at, what: 'alerted', detail: Subject, source: 'sns' }, `${about.id}#${at}`);
      await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: this.#queue, ReceiptHandle }));
    }
  }
}
