import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SessionConfig } from '../../engine/aws/session.ts';
import type { Page } from '../../engine/notify/pages.ts';
import type { Memory } from './memory.ts';

/** By what subscriptions filter: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html */
interface Labels {
  readonly outcome: string;
  readonly severity: string;
  readonly remediation: string;
  readonly account: string;
}

/** ARNs of topics: mail and on-call services subscribe to one, chat channels to the other. */
interface Topics {
  readonly people: string;
  readonly chat: string;
}

/** Wakes people, once for each thing. */
export class People {
  readonly #session: SessionConfig;
  readonly #topics: Topics;
  readonly #memory: Memory;
  #client: SNSClient | undefined;

  constructor(session: SessionConfig, topics: Topics, memory: Memory) {
    this.#session = session;
    this.#topics = topics;
    this.#memory = memory;
  }

  /** Most outcomes wake nobody: the client is made for the first that does. */
  get #sns(): SNSClient {
    this.#client ??= new SNSClient(this.#session);
    return this.#client;
  }

  /**
   * Sends a page that was not sent before. Killed between sending and remembering, it sends it again: twice is better than not.
   * @param name the same for the same page
   */
  async page(name: string, { subject, body, chat }: Page, labels: Labels): Promise<void> {
    await this.#once(name, 'people', { TopicArn: this.#topics.people, Subject: subject, Message: body }, labels);
    await this.#once(name, 'chat', { TopicArn: this.#topics.chat, Message: JSON.stringify(chat) }, labels);
  }

  async #once(
    name: string,
    to: keyof Topics,
    message: { TopicArn: string; Subject?: string; Message: string },
    labels: Labels,
  ): Promise<void> {
    if (await this.#memory.wasSent(name, to)) return;
    const MessageAttributes = Object.fromEntries(
      Object.entries(labels).map(([label, StringValue]) => [label, { DataType: 'String', StringValue }]),
    );
    await this.#sns.send(new PublishCommand({ ...message, MessageAttributes }));
    await this.#memory.sent(name, to);
  }
}
