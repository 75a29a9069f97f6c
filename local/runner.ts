import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBStreamsClient, GetRecordsCommand } from '@aws-sdk/client-dynamodb-streams';
import {
  type EventSourceMappingConfiguration,
  GetFunctionCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsCredentialIdentity } from '@smithy/types';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { Doors } from './doors.ts';
import type { InvocationResult, LogLine } from './lambda-environment.ts';
import { LambdaFunction, MOST_ENVIRONMENTS, unpackFunction } from './lambda-runtime.ts';
import { type Left, QueuePoller } from './queue-poller.ts';
import { StreamPoller } from './stream-poller.ts';

/** Milliseconds that invocations in flight may take to end when the runner stops. */
const STOP_MS = 10_000;

export interface RunnerOptions {
  readonly endpoint: string;
  readonly doors: Doors;
  /** Makes clients of the account and Region whose functions run: with its administrator's credentials, or with those given. */
  readonly config: (credentials?: AwsCredentialIdentity) => SessionConfig;
  /** Folder for the unpacked packages. */
  readonly folder: string;
  readonly log: (line: LogLine) => void;
  readonly complain: (problem: string) => void;
  readonly left?: Left | undefined;
}

/**
 * Runs the functions of one account and Region as they are deployed there: polls the queues and streams of their event
 * source mappings, and answers Lambda's Invoke.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #sqs: SQSClient;
  readonly #dynamodbStreams: DynamoDBStreamsClient;
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #queues: QueuePoller[] = [];
  readonly #streams: StreamPoller[] = [];
  /** Invocations that have begun. */
  #begun = 0;
  /** Those of Lambda's Invoke that have not ended. */
  #invoked = 0;

  private constructor(options: RunnerOptions) {
    this.#options = options;
    this.#sqs = new SQSClient(options.config());
    this.#dynamodbStreams = new DynamoDBStreamsClient(options.config());
  }

  /** @throws when a mapping asks for what this runner does not do, or its role may not read the stream */
  static async start(options: RunnerOptions): Promise<Runner> {
    const runner = new Runner(options);
    try {
      await runner.#load();
    } catch (error) {
      await runner.stop();
      throw error;
    }
    await new Promise<void>((resolve) => runner.#server.listen(0, '127.0.0.1', resolve));
    await options.doors.setRunner(`http://127.0.0.1:${(runner.#server.address() as AddressInfo).port}`);
    return runner;
  }

  /** The functions that are deployed, by name. */
  get functions(): readonly LambdaFunction[] {
    return [...this.#functions.values()];
  }

  /** Looks at all queues and streams now. */
  wake(): void {
    for (const poller of this.#pollers) poller.wake();
  }

  /**
   * Resolves when the mapped queues hold nothing but delayed messages, each record of the mapped streams is handled, and
   * no invocation is in flight.
   * @throws with what is left after `timeoutMs`
   */
  async idle(timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.wake();
      const begun = this.#begun;
      const left = await this.#unfinished();
      // What an invocation that began meanwhile left behind may be where nobody looked again.
      if (left.length === 0 && begun === this.#begun) return;
      if (Date.now() > deadline) throw new Error(`not idle after ${timeoutMs} ms: ${left.join(', ')}`);
      await sleep(50);
    }
  }

  /** Polls no more, waits a while for what is in flight, and ends all processes. */
  async stop(): Promise<void> {
    const stopped = Promise.all(this.#pollers.map((poller) => poller.stop()));
    await Promise.race([stopped, sleep(STOP_MS, undefined, { ref: false })]);
    this.kill();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Kills every process at once; the next message begins in a new one. */
  kill(): void {
    for (const each of this.#functions.values()) each.kill();
  }

  get #pollers(): readonly (QueuePoller | StreamPoller)[] {
    return [...this.#queues, ...this.#streams];
  }

  async #unfinished(): Promise<string[]> {
    const busy = this.#pollers.reduce((sum, { inFlight }) => sum + inFlight, this.#invoked);
    const waiting = await Promise.all([
      ...this.#queues.map((poller) => this.#inQueue(poller)),
      ...this.#streams.map((poller) => this.#inStream(poller)),
      this.#options.doors.handedOver().then((count) => (count > 0 ? [`${count} invocations handed over`] : [])),
    ]);
    return [...(busy > 0 ? [`${busy} invocations in flight`] : []), ...waiting.flat()];
  }

  async #inQueue({ mapping: { queueUrl, queueArn } }: QueuePoller): Promise<string[]> {
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    const count = Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
    return count > 0 ? [`${count} messages in ${queueArn.split(':')[5]}`] : [];
  }

  async #inStream({ iterator, mapping: { streamArn } }: StreamPoller): Promise<string[]> {
    const { Records = [] } = await this.#dynamodbStreams.send(new GetRecordsCommand({ ShardIterator: iterator }));
    return Records.length > 0 ? [`${Records.length} records of ${streamArn.split('/')[1]}`] : [];
  }

  async #load(): Promise<void> {
    const { config, folder, doors, endpoint, log } = this.#options;
    const client = new LambdaClient(config());
    for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
      const deployed = await Promise.all(
        Functions.map(async ({ FunctionName }) =>
          unpackFunction(await client.send(new GetFunctionCommand({ FunctionName })), folder),
        ),
      );
      for (const each of deployed) {
        const assume = () => doors.assumeAsService('lambda.amazonaws.com', each.role, each.name, each.arn);
        this.#functions.set(each.arn, new LambdaFunction(each, assume, endpoint, log));
      }
    }
    for await (const { EventSourceMappings = [] } of paginateListEventSourceMappings({ client }, {})) {
      for (const mapping of EventSourceMappings) if (mapping.State === 'Enabled') await this.#map(mapping);
    }
  }

  async #map(mapping: EventSourceMappingConfiguration): Promise<void> {
    const { EventSourceArn = '', FunctionArn = '' } = mapping;
    const lambda = this.#functions.get(FunctionArn);
    if (!lambda) throw new Error(`the mapping of ${EventSourceArn} names ${FunctionArn}, which does not exist`);
    refuseUnknown(mapping);
    const { role, name, arn } = lambda.deployed;
    const credentials = await this.#options.doors.assumeAsService('lambda.amazonaws.com', role, `${name}-poller`, arn);
    const service = EventSourceArn.split(':')[2];
    if (service === 'sqs') this.#queues.push(await this.#mapQueue(mapping, lambda, credentials));
    else if (service === 'dynamodb') this.#streams.push(await this.#mapStream(mapping, lambda, credentials));
    else throw new Error(`${EventSourceArn}: the runner polls queues and DynamoDB streams only`);
  }

  async #mapQueue(
    { EventSourceArn = '', BatchSize = 10, FunctionResponseTypes = [], ...mapping }: EventSourceMappingConfiguration,
    lambda: LambdaFunction,
    credentials: AwsCredentialIdentity,
  ): Promise<QueuePoller> {
    if (mapping.FilterCriteria) throw new Error(`${EventSourceArn}: the runner knows no filters of queues`);
    const { config, complain, left } = this.#options;
    return new QueuePoller(
      {
        queueArn: EventSourceArn,
        queueUrl: await this.#queueUrl(EventSourceArn),
        batchSize: BatchSize,
        maximumConcurrency: Math.min(mapping.ScalingConfig?.MaximumConcurrency ?? MOST_ENVIRONMENTS, MOST_ENVIRONMENTS),
        reportsItemFailures: FunctionResponseTypes.includes('ReportBatchItemFailures'),
      },
      new SQSClient(config(credentials)),
      (event) => this.#invoke(lambda, event),
      complain,
      left,
    );
  }

  async #mapStream(
    { EventSourceArn = '', BatchSize = 100, FunctionResponseTypes = [], ...mapping }: EventSourceMappingConfiguration,
    lambda: LambdaFunction,
    credentials: AwsCredentialIdentity,
  ): Promise<StreamPoller> {
    const { StartingPosition, BisectBatchOnFunctionError = false } = mapping;
    const { MaximumRetryAttempts = -1, MaximumRecordAgeInSeconds = -1 } = mapping;
    if (StartingPosition !== 'TRIM_HORIZON' && StartingPosition !== 'LATEST') {
      throw new Error(`${EventSourceArn}: a DynamoDB stream is not read from ${StartingPosition}`);
    }
    const { config, complain, doors } = this.#options;
    const patterns = (mapping.FilterCriteria?.Filters ?? []).map(({ Pattern = '' }) => Pattern);
    const destination = mapping.DestinationConfig?.OnFailure?.Destination;
    const sqs = new SQSClient(config(credentials));
    const QueueUrl = destination && (await this.#queueUrl(destination));
    return StreamPoller.start(
      {
        streamArn: EventSourceArn,
        functionArn: lambda.deployed.arn,
        startingPosition: StartingPosition,
        batchSize: BatchSize,
        reportsItemFailures: FunctionResponseTypes.includes('ReportBatchItemFailures'),
        bisects: BisectBatchOnFunctionError,
        maximumRetries: MaximumRetryAttempts < 0 ? Number.POSITIVE_INFINITY : MaximumRetryAttempts,
        maximumAgeMs: MaximumRecordAgeInSeconds < 0 ? Number.POSITIVE_INFINITY : 1_000 * MaximumRecordAgeInSeconds,
      },
      new DynamoDBStreamsClient(config(credentials)),
      {
        invoke: (event) => this.#invoke(lambda, event),
        async filter(records) {
          if (patterns.length === 0) return records;
          const matches = await doors.match(patterns, records);
          return records.filter((_, index) => matches[index]);
        },
        async discard(notice) {
          if (QueueUrl) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(notice) }));
        },
        complain,
      },
    );
  }

  /** @throws when the ARN is no queue's, or there is no such queue */
  async #queueUrl(arn: string): Promise<string> {
    const [, , service, , , QueueName] = arn.split(':');
    if (service !== 'sqs') throw new Error(`${arn} is no queue`);
    const { QueueUrl = '' } = await this.#sqs.send(new GetQueueUrlCommand({ QueueName }));
    return QueueUrl;
  }

  #invoke(lambda: LambdaFunction, event: unknown, requestId?: string): Promise<InvocationResult> {
    this.#begun += 1;
    return lambda.invoke(event, requestId);
  }

  /** `POST /invoke {functionArn, payload, requestId?}`, which Lambda's Invoke in the embedded cloud sends. */
  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { functionArn, payload, requestId } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
      functionArn: string;
      payload: unknown;
      requestId?: string;
    };
    const lambda = this.#functions.get(functionArn);
    if (!lambda) {
      response.writeHead(404).end();
      return;
    }
    this.#invoked += 1;
    const result: InvocationResult = await this.#invoke(lambda, payload, requestId).finally(() => {
      this.#invoked -= 1;
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    this.wake();
  }
}

/** @throws when a mapping asks for what would change what its poller does, and what no poller here does */
function refuseUnknown({ EventSourceArn, ...mapping }: EventSourceMappingConfiguration): void {
  const asked = [
    mapping.MaximumBatchingWindowInSeconds && 'batching windows',
    mapping.TumblingWindowInSeconds && 'tumbling windows',
    (mapping.ParallelizationFactor ?? 1) > 1 && 'several batches of a shard at once',
  ].filter(Boolean);
  if (asked.length > 0) throw new Error(`${EventSourceArn}: the runner does not know ${asked.join(', ')}`);
}
