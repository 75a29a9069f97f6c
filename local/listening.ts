import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SessionConfig } from '../engine/aws/session.ts';
import { HOME_REGION, SECURITY_ACCOUNT } from './connection.ts';

/** A message of a topic, as a queue gets it. */
export interface Notification {
  readonly Subject?: string;
  readonly Message: string;
  readonly MessageAttributes: Readonly<Record<string, { readonly Value: string }>>;
}

/** An event of Firebreak's own, as a rule sees it. */
export interface OwnEvent {
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

type Place = 'people' | 'chat' | 'bus';
const PLACE = `${HOME_REGION}:${SECURITY_ACCOUNT}`;

/** Queues where people, chat channels and other programs listen to Firebreak; they keep what they heard, oldest first. */
export class Listening {
  readonly #sqs: SQSClient;
  readonly #name = `listening-${randomUUID()}`;
  readonly #heard: Record<Place, string[]> = { people: [], chat: [], bus: [] };
  readonly #queues = new Map<Place, string>();

  private constructor(config: SessionConfig) {
    this.#sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
  }

  static async start(config: SessionConfig): Promise<Listening> {
    const listening = new Listening(config);
    const sns = new SNSClient(config);
    for (const to of ['people', 'chat'] as const) {
      const Endpoint = await listening.#queue(to, 'sns.amazonaws.com');
      const TopicArn = `arn:aws:sns:${PLACE}:firebreak-${to}`;
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
    }
    const events = new EventBridgeClient(config);
    const Arn = await listening.#queue('bus', 'events.amazonaws.com');
    const Name = listening.#name;
    await events.send(new PutRuleCommand({ Name, EventPattern: JSON.stringify({ source: ['firebreak'] }) }));
    await events.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: 'queue', Arn }] }));
    return listening;
  }

  /** Pages with a text in them. */
  async pages(text: string, to: 'people' | 'chat' = 'people'): Promise<readonly Notification[]> {
    const all = (await this.#listen(to)).map((body) => JSON.parse(body) as Notification);
    return all.filter(({ Message }) => Message.includes(text));
  }

  /** Events with a text in them. */
  async events(text: string): Promise<readonly OwnEvent[]> {
    return (await this.#listen('bus'))
      .filter((body) => body.includes(text))
      .map((body) => JSON.parse(body) as OwnEvent);
  }

  async #queue(to: Place, service: string): Promise<string> {
    const QueueName = `${this.#name}-${to}`;
    const arn = `arn:aws:sqs:${PLACE}:${QueueName}`;
    const admitted = { Effect: 'Allow', Principal: { Service: service }, Action: 'sqs:SendMessage', Resource: arn };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [admitted] });
    const { QueueUrl = '' } = await this.#sqs.send(new CreateQueueCommand({ QueueName, Attributes: { Policy } }));
    this.#queues.set(to, QueueUrl);
    return arn;
  }

  async #listen(to: Place): Promise<readonly string[]> {
    for (;;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#queues.get(to),
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 3_600,
        }),
      );
      if (Messages.length === 0) return this.#heard[to];
      this.#heard[to].push(...Messages.map(({ Body = '' }) => Body));
    }
  }
}
