import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { workerOf } from '../../engine/targets.ts';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { CLOUD_ENDPOINT, HOME_REGION, ROOT } from '../../local/connection.ts';
import type { Contract } from '../../local/contract.ts';
import type { Call, Fault } from '../../local/doors.ts';
import type { LogLine } from '../../local/lambda-environment.ts';
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

/** An embedded cloud with everything automatic, in which a worker's calls are disturbed and its processes killed. */
export class Laboratory {
  readonly cloud: Cloud;
  readonly #sqs: SQSClient;
  readonly #server: http.Server;
  /** Sequence number of a call before the run. */
  #seen = 0;

  private constructor(cloud: Cloud, sqs: SQSClient, server: http.Server) {
    this.cloud = cloud;
    this.#sqs = sqs;
    this.#server = server;
  }

  /**
   * @param contracts whose remediations are to be tried, with the parameters of their specimens
   * @param log is told each line that a function writes
   */
  static async start(
    contracts: readonly Contract[],
    progress: (step: string) => void,
    log: (line: LogLine) => void = () => {},
  ): Promise<Laboratory> {
    const folder = mkdtempSync(path.join(tmpdir(), 'firebreak-chaos-'));
    const policy = path.join(folder, 'response-policy.yml');
    let sqs: SQSClient | undefined;
    try {
      // JSON is YAML too.
      writeFileSync(policy, JSON.stringify(policyFor(contracts)));
      const cloud = await startCloud({
        policy,
        progress,
        log,
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
      server.on('request', (request, response) => laboratory.#kill(request, response));
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

  /** URL at which a POST of the fault `tell` to `/<function>` kills that function's processes. */
  get killer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What kills the processes of a remediation's worker at a call. */
  killAt(remediation: string, { call, phase }: Kill): Fault {
    return { phase, skip: call - 1, times: 1, tell: `${this.killer}/${functionOf(remediation)}` };
  }

  /**
   * Delivers a message to the worker of a remediation, in a new process, and disturbs its calls; each time that the process
   * is killed the message is visible again at once. Resolves when the queue is empty.
   * @param faults of the worker's calls
   * @returns the calls that the worker made, oldest first, and how many of them were disturbed
   * @throws when the message is not dealt with in time
   */
  async deliver(
    remediation: string,
    message: string,
    faults: readonly Fault[],
  ): Promise<{ calls: readonly Call[]; disturbed: number }> {
    const { doors } = this.cloud.connection;
    const worker = this.#workerOf(remediation);
    worker.kill();
    const principal = principalsOf(remediation);
    const own = (call: Call) => principal.some((glob) => path.matchesGlob(call.principal, glob));
    await doors.setFaults(faults.map((fault) => ({ ...fault, principal })));
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
      await doors.setFaults([]);
      throw error;
    } finally {
      // Its second look comes a minute later, and would be taken for calls of another run.
      const { SECOND_LOOK_QUEUE_URL: QueueUrl } = worker.deployed.environment;
      if (QueueUrl) await this.#sqs.send(new PurgeQueueCommand({ QueueUrl }));
    }
    const disturbed = (await doors.faults()).reduce((sum, { applied }) => sum + applied, 0);
    await doors.setFaults([]);
    return { calls: (await doors.calls(this.#seen)).filter(own), disturbed };
  }

  /** Takes the messages that a remediation's worker gave up out of its dead-letter queue; answers why it did. */
  async deadLetters(remediation: string): Promise<readonly string[]> {
    const { DEAD_LETTER_QUEUE_URL: QueueUrl } = this.#workerOf(remediation).deployed.environment;
    const reasons: string[] = [];
    for (;;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
      );
      if (Messages.length === 0) return reasons;
      for (const { ReceiptHandle, MessageAttributes: attributes } of Messages) {
        reasons.push(attributes?.reason?.StringValue ?? 'received too often');
        await this.#sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
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
    const found = this.#functionNamed(name);
    if (!found) throw new Error(`no function ${name} is deployed`);
    return found;
  }

  #functionNamed(name: string): LambdaFunction | undefined {
    return this.cloud.runner.functions.find(({ deployed }) => deployed.name === name);
  }

  #kill({ url = '' }: http.IncomingMessage, response: http.ServerResponse): void {
    this.#functionNamed(url.slice(1))?.kill();
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

const UNLIMITED = 1_000_000;

/** What the specimens need in response-policy.yml, with every remediation automatic. */
function policyFor(contracts: readonly Contract[]) {
  const remediations = contracts.map(({ action, specimens }) => {
    const parameters = Object.assign({}, ...specimens.map((specimen) => specimen.parameters ?? {}));
    return [action.id, { mode: 'automatic', parameters }] as const;
  });
  // One cloud sees more changes in an hour, and of one resource, than an organisation should.
  return {
    version: 1,
    remediations: Object.fromEntries(remediations),
    budget: { perHour: UNLIMITED, share: 1, shareFrom: UNLIMITED },
    coolDown: { fixes: 100 },
  };
}
