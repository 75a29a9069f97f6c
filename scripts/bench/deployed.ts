import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Response } from '../../engine/response.ts';
import type { Cloud } from '../../local/cloud.ts';
import { HOME_REGION, INCIDENTS_TABLE, LEDGER_TABLE, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import type { DeployedFunction, LogLine } from '../../local/lambda-environment.ts';
import type { Told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import type { Bench } from './bench.ts';

/** One invocation of a function. */
export interface Invocation {
  readonly deployed: DeployedFunction;
  readonly milliseconds: number;
  /** Milliseconds of a processor. */
  readonly processorMs: number;
}

/** Milliseconds without an invocation after which none will come: the pollers look four times a second. */
const QUIET_MS = 500;
const LONGEST_MS = 60_000;
/** Seconds by which the clock is moved on until no message is delayed any more; SQS delays for 15 minutes at most. */
const STEP_SECONDS = 60;
const MOST_STEPS = 15;

/** What one finding set off on the deployed path, until all was quiet again. */
export interface Trace {
  readonly responses: readonly Response[];
  /** When the event was put on the bus, in milliseconds since 1970. */
  readonly emitted: number;
  /** In JSON, as EventBridge passes it on. */
  readonly eventBytes: number;
  readonly calls: readonly Call[];
  readonly invocations: readonly Invocation[];
  readonly lines: readonly LogLine[];
  /** Writes of the ledger's table, as its stream tells them, */
  readonly writes: readonly StreamRecord[];
  /** and of that of incidents. */
  readonly incidentWrites: readonly StreamRecord[];
}

/** The deployed path of the embedded cloud, watched. */
export class DeployedPath {
  readonly #bench: Bench;
  readonly #cloud: Cloud;
  readonly #sqs: SQSClient;
  readonly #invocations: Invocation[] = [];
  readonly #ledger: Stream;
  readonly #incidents: Stream;
  #running = 0;
  #lastEnd = 0;

  private constructor(bench: Bench, cloud: Cloud, client: Account['client'], ledger: Stream, incidents: Stream) {
    this.#bench = bench;
    this.#cloud = cloud;
    this.#sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
    this.#ledger = ledger;
    this.#incidents = incidents;
    for (const lambda of cloud.runner.functions) {
      const invoke = lambda.invoke.bind(lambda);
      lambda.invoke = async (event) => {
        const began = performance.now();
        this.#running += 1;
        const result = await invoke(event);
        this.#lastEnd = performance.now();
        this.#running -= 1;
        const milliseconds = this.#lastEnd - began;
        this.#invocations.push({ deployed: lambda.deployed, milliseconds, processorMs: result.processorMs ?? 0 });
        return result;
      };
    }
  }

  static async watch(bench: Bench): Promise<DeployedPath> {
    const cloud = await bench.cloud();
    const { client } = await bench.account(SECURITY_ACCOUNT, HOME_REGION);
    const [ledger, incidents] = [await Stream.of(client, LEDGER_TABLE), await Stream.of(client, INCIDENTS_TABLE)];
    return new DeployedPath(bench, cloud, client, ledger, incidents);
  }

  /** Emits an event and waits for the end of what it sets off, second looks too. */
  async tell({ account, region, entry }: Told): Promise<Trace> {
    await this.#ledger.news();
    await this.#incidents.news();
    this.#bench.logged();
    this.#invocations.length = 0;
    await this.#bench.calls();
    const emitted = Date.now();
    const [envelope] = await this.#cloud.emit(account, region, [entry]);
    await this.#settled();
    for (let step = 0; (await this.#delayed()) > 0; step += 1) {
      if (step === MOST_STEPS) throw new Error('a message is delayed for longer than SQS delays');
      await this.#cloud.connection.doors.advanceClock(STEP_SECONDS);
      await this.#settled();
    }
    const responses = (await this.#cloud.ledger.list({ since: new Date(emitted - 1_000), limit: 100 })).filter(
      ({ correlation }) => correlation === envelope?.id,
    );
    return {
      responses,
      emitted,
      eventBytes: Buffer.byteLength(JSON.stringify(envelope)),
      calls: await this.#bench.calls(),
      invocations: [...this.#invocations],
      lines: this.#bench.logged(),
      writes: await this.#ledger.news(),
      incidentWrites: await this.#incidents.news(),
    };
  }

  /** Resolves when nothing is left to do. Who asks for that all the time, as `idle` does, slows down what is measured. */
  async #settled(): Promise<void> {
    const began = performance.now();
    this.#lastEnd = began;
    while (this.#running > 0 || performance.now() - this.#lastEnd < QUIET_MS) {
      if (performance.now() - began > LONGEST_MS) throw new Error('the functions do not come to an end');
      await sleep(QUIET_MS / 10);
    }
    await this.#cloud.runner.idle();
  }

  /** Messages that nobody may receive yet, in all queues of ours. */
  async #delayed(): Promise<number> {
    const { QueueUrls = [] } = await this.#sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'firebreak-' }));
    const AttributeNames = ['ApproximateNumberOfMessagesDelayed' as const];
    const counts = await Promise.all(
      QueueUrls.map(async (QueueUrl) => {
        const { Attributes } = await this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
        return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

/** The stream of a table, from now on. */
class Stream {
  readonly #client: DynamoDBStreamsClient;
  #iterator: string;

  private constructor(client: DynamoDBStreamsClient, iterator: string) {
    this.#client = client;
    this.#iterator = iterator;
  }

  static async of(client: Account['client'], TableName: string): Promise<Stream> {
    const { Table } = await new DynamoDBClient(client).send(new DescribeTableCommand({ TableName }));
    const streams = new DynamoDBStreamsClient(client);
    const StreamArn = Table?.LatestStreamArn;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const shards = StreamDescription?.Shards ?? [];
    if (shards.length !== 1) throw new Error(`the stream of ${TableName} has ${shards.length} shards`);
    const { ShardIterator = '' } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId: shards[0]?.ShardId, ShardIteratorType: 'LATEST' }),
    );
    return new Stream(streams, ShardIterator);
  }

  /** The records since the last look. */
  async news(): Promise<StreamRecord[]> {
    const found: StreamRecord[] = [];
    for (;;) {
      const { Records = [], NextShardIterator } = await this.#client.send(
        new GetRecordsCommand({ ShardIterator: this.#iterator }),
      );
      found.push(...Records);
      if (NextShardIterator === undefined) throw new Error('a stream ended');
      this.#iterator = NextShardIterator;
      if (Records.length === 0) return found;
    }
  }
}
