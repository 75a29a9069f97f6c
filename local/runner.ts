import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EventSourceMappingConfiguration,
  GetFunctionCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsCredentialIdentity } from '@smithy/types';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { Doors } from './doors.ts';
import type { InvocationResult, LogLine } from './lambda-environment.ts';
import { LambdaFunction, MOST_ENVIRONMENTS, unpackFunction } from './lambda-runtime.ts';
import { type Left, QueuePoller } from './queue-poller.ts';

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
 * Runs the functions of one account and Region as they are deployed there: polls the queues of their event source mappings,
 * and answers Lambda's Invoke.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #admin: SQSClient;
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #pollers: QueuePoller[] = [];
  #invoked = 0;

  private constructor(options: RunnerOptions) {
    this.#options = options;
    this.#admin = new SQSClient(options.config());
  }

  /** @throws when a mapping asks for what this runner does not do */
  static async start(options: RunnerOptions): Promise<Runner> {
    const runner = new Runner(options);
    await runner.#load();
    await new Promise<void>((resolve) => runner.#server.listen(0, '127.0.0.1', resolve));
    await options.doors.setRunner(`http://127.0.0.1:${(runner.#server.address() as AddressInfo).port}`);
    return runner;
  }

  /** The functions that are deployed, by name. */
  get functions(): readonly LambdaFunction[] {
    return [...this.#functions.values()];
  }

  /** Looks at all queues now. */
  wake(): void {
    for (const poller of this.#pollers) poller.wake();
  }

  /**
   * Resolves when the mapped queues are empty and no invocation is in flight.
   * @throws with what is left after `timeoutMs`
   */
  async idle(timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.wake();
      const left = await this.#unfinished();
      if (left.length === 0) return;
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

  async #unfinished(): Promise<string[]> {
    const busy = this.#pollers.reduce((sum, poller) => sum + poller.inFlight, this.#invoked);
    const queues = await Promise.all(
      this.#pollers.map(async ({ mapping: { queueUrl, queueArn } }) => {
        const { Attributes = {} } = await this.#admin.send(
          new GetQueueAttributesCommand({
            QueueUrl: queueUrl,
            AttributeNames: [
              'ApproximateNumberOfMessages',
              'ApproximateNumberOfMessagesNotVisible',
              'ApproximateNumberOfMessagesDelayed',
            ],
          }),
        );
        const count = Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
        return count > 0 ? [`${count} messages in ${queueArn.split(':')[5]}`] : [];
      }),
    );
    return [...(busy > 0 ? [`${busy} invocations in flight`] : []), ...queues.flat()];
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
    const {
      EventSourceArn = '',
      FunctionArn = '',
      BatchSize = 10,
      FunctionResponseTypes = [],
      ScalingConfig,
    } = mapping;
    const lambda = this.#functions.get(FunctionArn);
    if (!lambda) throw new Error(`the mapping of ${EventSourceArn} names ${FunctionArn}, which does not exist`);
    const [, , service, , , queue] = EventSourceArn.split(':');
    if (service !== 'sqs') throw new Error(`${EventSourceArn}: the runner polls queues only`);
    if (mapping.FilterCriteria || mapping.MaximumBatchingWindowInSeconds) {
      throw new Error(`${EventSourceArn}: the runner knows neither filters nor batching windows`);
    }
    const { QueueUrl = '' } = await this.#admin.send(new GetQueueUrlCommand({ QueueName: queue }));
    const { config, doors, complain, left } = this.#options;
    const { role, name, arn } = lambda.deployed;
    const credentials = await doors.assumeAsService('lambda.amazonaws.com', role, `${name}-poller`, arn);
    this.#pollers.push(
      new QueuePoller(
        {
          queueArn: EventSourceArn,
          queueUrl: QueueUrl,
          batchSize: BatchSize,
          maximumConcurrency: Math.min(ScalingConfig?.MaximumConcurrency ?? MOST_ENVIRONMENTS, MOST_ENVIRONMENTS),
          reportsItemFailures: FunctionResponseTypes.includes('ReportBatchItemFailures'),
        },
        new SQSClient(config(credentials)),
        (event) => lambda.invoke(event),
        complain,
        left,
      ),
    );
  }

  /** `POST /invoke {functionArn, payload}`, which Lambda's Invoke in the embedded cloud sends. */
  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { functionArn, payload } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
      functionArn: string;
      payload: unknown;
    };
    const lambda = this.#functions.get(functionArn);
    if (!lambda) {
      response.writeHead(404).end();
      return;
    }
    this.#invoked += 1;
    const result: InvocationResult = await lambda.invoke(payload).finally(() => {
      this.#invoked -= 1;
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    this.wake();
  }
}
