import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { failedItems } from './item-failures.ts';
import type { InvocationResult } from './lambda-environment.ts';
import { Pause } from './pause.ts';
import { lambdaRecord } from './stream-record.ts';

/** Milliseconds before a batch that failed is tried again: the first time, and at most. */
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** Milliseconds until a stream that could not be polled is tried again. */
const AFTER_ERROR_MS = 1_000;
/** Records that one GetRecords gives. */
const READ_LIMIT = 1_000;

/** An event source mapping from a DynamoDB stream to a function. */
export interface StreamMapping {
  readonly streamArn: string;
  readonly functionArn: string;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly batchSize: number;
  /** The function's answer names the first record that failed; otherwise a batch succeeds or fails as a whole. */
  readonly reportsItemFailures: boolean;
  /** A batch that failed is split before it is tried again. */
  readonly bisects: boolean;
  /** Tries after the first one; Infinity: until it succeeds. */
  readonly maximumRetries: number;
  /** Milliseconds after which a record is given up; Infinity: never. */
  readonly maximumAgeMs: number;
}

/** What a poller hands on. */
export interface StreamOutlets {
  readonly invoke: (event: DynamoDBStreamEvent) => Promise<InvocationResult>;
  /** Answers those of the records that the mapping's filters let through. */
  readonly filter: (records: readonly DynamoDBRecord[]) => Promise<readonly DynamoDBRecord[]>;
  /** Gets what the on-failure destination is told of records that are given up. */
  readonly discard: (notice: DiscardNotice) => Promise<void>;
  /** Is told what goes wrong beside the function. */
  readonly complain: (problem: string) => void;
}

/** Why records are given up. */
type GivenUp = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

/** https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html */
export interface DiscardNotice {
  readonly requestContext: {
    readonly requestId: string | undefined;
    readonly functionArn: string;
    readonly condition: GivenUp;
    readonly approximateInvokeCount: number;
  };
  /** Absent when the function never had them. */
  readonly responseContext?: {
    readonly statusCode: 200;
    readonly executedVersion: '$LATEST';
    readonly functionError: 'Unhandled' | null;
  };
  readonly version: '1.0';
  /** ISO 8601. */
  readonly timestamp: string;
  readonly DDBStreamBatchInfo: {
    readonly shardId: string;
    readonly startSequenceNumber: string;
    readonly endSequenceNumber: string;
    readonly approximateArrivalOfFirstRecord: string;
    readonly approximateArrivalOfLastRecord: string;
    readonly batchSize: number;
    readonly streamArn: string;
  };
}

interface Batch {
  readonly records: readonly DynamoDBRecord[];
  /** Tries that count towards the retries. */
  readonly tries: number;
  /** What came of the last invocation with them. */
  readonly result?: InvocationResult;
}

/**
 * Does for one stream what Lambda's poller does: reads it in order, invokes with one batch at a time, and goes on when
 * each of its records is handled or given up. A stream of the embedded cloud is one shard, which never closes.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
 */
export class StreamPoller {
  readonly mapping: StreamMapping;
  readonly #streams: DynamoDBStreamsClient;
  readonly #outlets: StreamOutlets;
  readonly #shardId: string;
  readonly #polling: Promise<void>;
  readonly #pause = new Pause();
  readonly #stop = new AbortController();
  #iterator: string;
  #working = false;

  private constructor(
    mapping: StreamMapping,
    streams: DynamoDBStreamsClient,
    outlets: StreamOutlets,
    shardId: string,
    iterator: string,
  ) {
    this.mapping = mapping;
    this.#streams = streams;
    this.#outlets = outlets;
    this.#shardId = shardId;
    this.#iterator = iterator;
    this.#polling = this.#poll();
  }

  /**
   * @param streams a client with the function's execution role, as Lambda polls
   * @throws when that role may not read the stream
   */
  static async start(
    mapping: StreamMapping,
    streams: DynamoDBStreamsClient,
    outlets: StreamOutlets,
  ): Promise<StreamPoller> {
    const { streamArn: StreamArn, startingPosition: ShardIteratorType } = mapping;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const [shard, ...others] = StreamDescription?.Shards ?? [];
    const ShardId = shard?.ShardId;
    if (!ShardId || others.length > 0) throw new Error(`${StreamArn} has ${others.length + 1} shards, not one`);
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType }),
    );
    if (!ShardIterator) throw new Error(`${StreamArn} gives no iterator`);
    return new StreamPoller(mapping, streams, outlets, ShardId, ShardIterator);
  }

  /** Batches that a function works on, or that wait for another try: 0 or 1. */
  get inFlight(): number {
    return this.#working ? 1 : 0;
  }

  /** A shard iterator from which the first record comes that is not yet handled. */
  get iterator(): string {
    return this.#iterator;
  }

  /** Looks at the stream now instead of at the end of the pause. */
  wake(): void {
    this.#pause.end();
  }

  /** Reads nothing more, and tries nothing again. Resolves when the batch in flight is done. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const found = await this.#round();
        if (found) this.#pause.shorten();
        else if (!this.#stop.signal.aborted) await this.#pause.rest();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#outlets.complain(`${this.mapping.streamArn} cannot be polled: ${String(error)}`);
        await this.#sleep(AFTER_ERROR_MS);
      }
    }
  }

  /** Reads once and handles what there is. Answers whether there was something. */
  async #round(): Promise<boolean> {
    const { streamArn, batchSize } = this.mapping;
    const { Records = [], NextShardIterator } = await this.#streams.send(
      new GetRecordsCommand({ ShardIterator: this.#iterator, Limit: Math.min(batchSize, READ_LIMIT) }),
    );
    if (!NextShardIterator) throw new Error('its shard is closed');
    if (Records.length > 0) {
      this.#working = true;
      try {
        await this.#handle(await this.#outlets.filter(Records.map((record) => lambdaRecord(record, streamArn))));
      } finally {
        this.#working = false;
      }
    }
    if (!this.#stop.signal.aborted) this.#iterator = NextShardIterator;
    return Records.length > 0;
  }

  /** Invokes until each record has succeeded or is given up. */
  async #handle(records: readonly DynamoDBRecord[]): Promise<void> {
    let pause = FIRST_RETRY_MS;
    const batches: Batch[] = [{ records, tries: 0 }];
    for (let batch = batches.shift(); batch && !this.#stop.signal.aborted; batch = batches.shift()) {
      const aged = batch.records.filter((record) => this.#isTooOld(record));
      if (aged.length > 0) await this.#giveUp('RecordAgeExceeded', { ...batch, records: aged });
      const young = batch.records.slice(aged.length);
      if (young.length === 0) continue;
      const result = await this.#outlets.invoke({ Records: young });
      const first = this.mapping.reportsItemFailures ? firstFailure(result, young) : result.functionError && 0;
      if (first === undefined) {
        pause = FIRST_RETRY_MS;
        continue;
      }
      const left = young.slice(first);
      // A batch that is split has not been tried as a batch of its own.
      if (this.mapping.bisects && young.length > 1) {
        const parts = first > 0 ? [left] : halves(left);
        batches.unshift(...parts.map((records) => ({ records, tries: batch.tries, result })));
      } else {
        const tried = { records: left, tries: batch.tries + 1, result };
        if (batch.tries >= this.mapping.maximumRetries) {
          await this.#giveUp('RetryAttemptsExhausted', tried);
          continue;
        }
        batches.unshift(tried);
      }
      await this.#sleep(pause);
      pause = Math.min(2 * pause, LONGEST_RETRY_MS);
    }
  }

  #isTooOld({ dynamodb }: DynamoDBRecord): boolean {
    return Date.now() - 1_000 * (dynamodb?.ApproximateCreationDateTime ?? 0) > this.mapping.maximumAgeMs;
  }

  async #giveUp(condition: GivenUp, { records, tries, result }: Batch): Promise<void> {
    const { streamArn, functionArn } = this.mapping;
    const [first, last] = [records.at(0), records.at(-1)];
    try {
      await this.#outlets.discard({
        requestContext: { requestId: result?.requestId, functionArn, condition, approximateInvokeCount: tries },
        ...(result && {
          responseContext: {
            statusCode: 200,
            executedVersion: '$LATEST',
            functionError: result.functionError ?? null,
          },
        }),
        version: '1.0',
        timestamp: new Date().toISOString(),
        DDBStreamBatchInfo: {
          shardId: this.#shardId,
          startSequenceNumber: sequenceNumber(first),
          endSequenceNumber: sequenceNumber(last),
          approximateArrivalOfFirstRecord: arrival(first),
          approximateArrivalOfLastRecord: arrival(last),
          batchSize: records.length,
          streamArn,
        },
      });
    } catch (error) {
      this.#outlets.complain(`${records.length} records of ${streamArn} are lost: ${String(error)}`);
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => this.#stop.signal.aborted);
  }
}

/**
 * The index of the record from which on a batch is tried again: the lowest sequence number that the function reported,
 * or the first one when it failed as a whole. Undefined when all succeeded.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export function firstFailure(result: InvocationResult, records: readonly DynamoDBRecord[]): number | undefined {
  const failed = failedItems(result, records.map(sequenceNumber));
  if (failed === 'all') return 0;
  const index = records.findIndex((record) => failed.has(sequenceNumber(record)));
  return index < 0 ? undefined : index;
}

const halves = (records: readonly DynamoDBRecord[]): readonly (readonly DynamoDBRecord[])[] => {
  const middle = Math.ceil(records.length / 2);
  return [records.slice(0, middle), records.slice(middle)];
};

const sequenceNumber = (record: DynamoDBRecord | undefined): string => record?.dynamodb?.SequenceNumber ?? '';

/** ISO 8601, in whole seconds. */
const arrival = (record: DynamoDBRecord | undefined): string =>
  new Date(1_000 * (record?.dynamodb?.ApproximateCreationDateTime ?? 0)).toISOString().replace('.000Z', 'Z');
