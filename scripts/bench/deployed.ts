import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams';
import type { Response } from '../../engine/response.ts';
import type { Cloud } from '../../local/cloud.ts';
import { HOME_REGION, LEDGER_TABLE, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import type { Told } from '../../local/scenes.ts';
import type { Bench } from './bench.ts';

/** One invocation of a function. */
export interface Invocation {
  /** As serverless.yml names it. */
  readonly name: string;
  readonly milliseconds: number;
}

/** What one finding set off on the deployed path, until all was quiet again. */
export interface Trace {
  readonly responses: readonly Response[];
  /** When the event was put on the bus, in milliseconds since 1970. */
  readonly emitted: number;
  /** In JSON, as EventBridge passes it on. */
  readonly eventBytes: number;
  readonly calls: readonly Call[];
  readonly invocations: readonly Invocation[];
  /** What functions wrote. */
  readonly lines: readonly string[];
  /** Writes of the ledger's table, as its stream tells them. */
  readonly writes: readonly StreamRecord[];
}

/** The deployed path of the embedded cloud, watched. */
export class DeployedPath {
  readonly #bench: Bench;
  readonly #cloud: Cloud;
  readonly #streams: DynamoDBStreamsClient;
  readonly #invocations: Invocation[] = [];
  #iterator: string;

  private constructor(bench: Bench, cloud: Cloud, streams: DynamoDBStreamsClient, iterator: string) {
    this.#bench = bench;
    this.#cloud = cloud;
    this.#streams = streams;
    this.#iterator = iterator;
    for (const lambda of cloud.runner.functions) {
      const invoke = lambda.invoke.bind(lambda);
      lambda.invoke = async (event) => {
        const began = performance.now();
        const result = await invoke(event);
        this.#invocations.push({ name: lambda.deployed.name, milliseconds: performance.now() - began });
        return result;
      };
    }
  }

  static async watch(bench: Bench): Promise<DeployedPath> {
    const cloud = await bench.cloud();
    const { client } = await bench.account(SECURITY_ACCOUNT, HOME_REGION);
    const { Table } = await new DynamoDBClient(client).send(new DescribeTableCommand({ TableName: LEDGER_TABLE }));
    const streams = new DynamoDBStreamsClient(client);
    const StreamArn = Table?.LatestStreamArn;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const shards = StreamDescription?.Shards ?? [];
    if (shards.length !== 1) throw new Error(`the ledger's stream has ${shards.length} shards`);
    const { ShardIterator = '' } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId: shards[0]?.ShardId, ShardIteratorType: 'LATEST' }),
    );
    return new DeployedPath(bench, cloud, streams, ShardIterator);
  }

  /** Emits an event and waits for the end of what it sets off. */
  async tell({ account, region, entry }: Told): Promise<Trace> {
    await this.#writes();
    this.#bench.logged();
    this.#invocations.length = 0;
    await this.#bench.calls();
    const emitted = Date.now();
    const [envelope] = await this.#cloud.emit(account, region, [entry]);
    await this.#cloud.runner.idle();
    const responses = (await this.#cloud.ledger.list({ since: new Date(emitted - 1_000), limit: 100 })).filter(
      ({ correlation }) => correlation === envelope?.id,
    );
    return {
      responses,
      emitted,
      eventBytes: Buffer.byteLength(JSON.stringify(envelope)),
      calls: await this.#bench.calls(),
      invocations: [...this.#invocations],
      lines: this.#bench.logged().map(({ line }) => line),
      writes: await this.#writes(),
    };
  }

  /** The records of the stream since the last look. */
  async #writes(): Promise<StreamRecord[]> {
    const found: StreamRecord[] = [];
    for (;;) {
      const { Records = [], NextShardIterator } = await this.#streams.send(
        new GetRecordsCommand({ ShardIterator: this.#iterator }),
      );
      found.push(...Records);
      if (NextShardIterator === undefined) throw new Error("the ledger's stream ended");
      this.#iterator = NextShardIterator;
      if (Records.length === 0) return found;
    }
  }
}
