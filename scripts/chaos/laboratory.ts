import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { workerOf } from '../../engine/targets.ts';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { CLOUD_ENDPOINT, HOME_REGION, ROOT } from '../../local/connection.ts';
import type { Contract } from '../../local/contract.ts';
import type { Call } from '../../local/doors.ts';
import type { LambdaFunction } from '../../local/lambda-runtime.ts';

/** Where the process of a worker is killed. */
export interface Kill {
  /** Its calls from 1, over all its processes. */
  readonly call: number;
  /** Before the call takes place, or after it has and nobody is told. */
  readonly phase: 'before' | 'after';
}

/** Milliseconds until a message that was delivered must have been dealt with, whatever happened. */
const PATIENCE_MS = 60_000;
/** Milliseconds between two looks at whether it has been. */
const LOOK_MS = 30;

/** An embedded cloud with everything automatic, in which a worker's process can be killed at a call. */
export class Laboratory {
  readonly cloud: Cloud;
  readonly #sqs: SQSClient;
  readonly #server: http.Server;
  readonly #killed: string[] = [];
  #victim: LambdaFunction | undefined;
  /** Sequence number of a call before the run. */
  #seen = 0;

  private constructor(cloud: Cloud, sqs: SQSClient, server: http.Server) {
    this.cloud = cloud;
    this.#sqs = sqs;
    this.#server = server;
  }

  /** @param contracts whose remediations are to be tried, with the parameters of their specimens */
  static async start(contracts: readonly Contract[], progress: (step: string) => void): Promise<Laboratory> {
    const folder = mkdtempSync(path.join(tmpdir(), 'firebreak-chaos-'));
    const policy = path.join(folder, 'response-policy.yml');
    let sqs: SQSClient | undefined;
    try {
      // JSON is YAML too.
      writeFileSync(policy, JSON.stringify(policyFor(contracts)));
      const cloud = await startCloud({
        policy,
        progress,
        async left(QueueUrl, handles) {
          for (const ReceiptHandle of handles) {
            await sqs?.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
          }
        },
      });
      // Specimens look at the cloud as they do in a test.
      process.env[CLOUD_ENDPOINT] = cloud.endpoint;
      sqs = new SQSClient({
        region: HOME_REGION,
        endpoint: cloud.endpoint,
        credentials: ROOT,
        useQueueUrlAsEndpoint: false,
      });
      const server = http.createServer();
      const laboratory = new Laboratory(cloud, sqs, server);
      server.on('request', (request, response) => void laboratory.#kill(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return laboratory;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async stop(): Promise<void> {
    this.#server.close();
    await this.cloud.stop();
  }

  /**
   * Delivers a message to the worker of a remediation, in a new process, and has its processes killed; each time the message
   * is visible again at once. Resolves when the queue is empty.
   * @returns the calls that the worker made, oldest first, and where it was killed
   * @throws when the message is not dealt with in time
   */
  async deliver(
    remediation: string,
    message: string,
    kills: readonly Kill[],
  ): Promise<{ calls: readonly Call[]; killed: readonly string[] }> {
    const { doors } = this.cloud.connection;
    const worker = this.#workerOf(remediation);
    worker.kill();
    this.#victim = worker;
    this.#killed.length = 0;
    const principal = principalsOf(remediation);
    const own = (call: Call) => principal.some((glob) => path.matchesGlob(call.principal, glob));
    const tell = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    await doors.setFaults(kills.map(({ call, phase }) => ({ principal, phase, skip: call - 1, times: 1, tell })));
    // Asked for from the last look on: the log of all runs is long.
    this.#seen = (await doors.calls(this.#seen)).at(-1)?.sequence ?? this.#seen;
    try {
      await this.#sqs.send(
        new SendMessageCommand({ QueueUrl: worker.deployed.environment.QUEUE_URL, MessageBody: message }),
      );
      this.cloud.runner.wake();
      await this.#emptied(worker.deployed.environment.QUEUE_URL);
    } catch (error) {
      await this.#sqs.send(new PurgeQueueCommand({ QueueUrl: worker.deployed.environment.QUEUE_URL }));
      throw error;
    } finally {
      await doors.setFaults([]);
      // Its second look comes a minute later, and would be taken for calls of another run.
      const { SECOND_LOOK_QUEUE_URL: QueueUrl } = worker.deployed.environment;
      if (QueueUrl) await this.#sqs.send(new PurgeQueueCommand({ QueueUrl }));
    }
    return { calls: (await doors.calls(this.#seen)).filter(own), killed: [...this.#killed] };
  }

  /** Messages of a remediation's worker that were given up. */
  async deadLetters(remediation: string): Promise<number> {
    const { DEAD_LETTER_QUEUE_URL: QueueUrl } = this.#workerOf(remediation).deployed.environment;
    const { Attributes = {} } = await this.#sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Number(Attributes.ApproximateNumberOfMessages);
  }

  /** Resolves when a queue has no message any more: twice, since one that becomes visible right now is neither for a moment. */
  async #emptied(QueueUrl: string | undefined): Promise<void> {
    let empty = 0;
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(LOOK_MS)) {
      const { Attributes = {} } = await this.#sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      empty = Object.values(Attributes).every((count) => Number(count) === 0) ? empty + 1 : 0;
      if (empty === 2) return;
    }
    throw new Error(`the message is not dealt with after ${PATIENCE_MS / 1_000} s`);
  }

  #workerOf(remediation: string): LambdaFunction {
    const name = functionOf(remediation);
    const found = this.cloud.runner.functions.find(({ deployed }) => deployed.name === name);
    if (!found) throw new Error(`no function ${name} is deployed`);
    return found;
  }

  async #kill(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { operation, phase } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
      operation: string;
      phase: string;
    };
    this.#killed.push(`${phase} ${operation}`);
    this.#victim?.kill();
    response.writeHead(204).end();
  }
}

const functionOf = (remediation: string): string => `firebreak-${workerOf(remediation)}`;

/** Globs of those in whose name a worker calls: its own role's sessions, but for the poller's, and its role in a member. */
const principalsOf = (remediation: string): string[] => {
  const worker = workerOf(remediation);
  return [
    `*:assumed-role/firebreak-worker-${worker}/${functionOf(remediation)}`,
    `*:assumed-role/firebreak-${worker}/*`,
  ];
};

/** What the specimens need in response-policy.yml, with every remediation automatic. */
function policyFor(contracts: readonly Contract[]) {
  const remediations = contracts.map(({ action, specimens }) => {
    const parameters = Object.assign({}, ...specimens.map((specimen) => specimen.parameters ?? {}));
    return [action.id, { mode: 'automatic', parameters }] as const;
  });
  return { version: 1, remediations: Object.fromEntries(remediations) };
}
