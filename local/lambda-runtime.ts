import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { GetFunctionResponse } from '@aws-sdk/client-lambda';
import { exchange } from './doors.ts';
import {
  type Credentials,
  type DeployedFunction,
  ExecutionEnvironment,
  type InvocationResult,
  type LogLine,
} from './lambda-environment.ts';
import { pythonCommand } from './python.ts';

/** Environments of one function at once: Lambda would take as many as it is asked for, this machine has a few cores. */
export const MOST_ENVIRONMENTS = 2;

/** Downloads and unpacks the deployment package that GetFunction speaks of, and tells the function as it is deployed. */
export async function unpackFunction(
  { Configuration: configuration, Code, Concurrency: concurrency }: GetFunctionResponse,
  folder: string,
): Promise<DeployedFunction> {
  const { FunctionName, FunctionArn, Handler, Role, CodeSha256, LoggingConfig: logging = {} } = configuration ?? {};
  if (!FunctionName || !FunctionArn || !Handler || !Role || !CodeSha256 || !Code?.Location) {
    throw new Error(`Lambda does not know the package of ${FunctionName}`);
  }
  const taskRoot = path.join(
    folder,
    `${FunctionName}-${Buffer.from(CodeSha256, 'base64').toString('hex').slice(0, 12)}`,
  );
  const archive = `${taskRoot}.zip`;
  await mkdir(folder, { recursive: true });
  await writeFile(archive, await exchange('GET', Code.Location));
  await promisify(execFile)(pythonCommand(), ['-m', 'zipfile', '-e', archive, `${taskRoot}.part`]);
  await rename(`${taskRoot}.part`, taskRoot);
  const [, , , region = '', account = ''] = FunctionArn.split(':');
  return {
    name: FunctionName,
    arn: FunctionArn,
    account,
    region,
    handler: Handler,
    runtime: configuration?.Runtime ?? '',
    role: Role,
    timeout: configuration?.Timeout ?? 3,
    memory: configuration?.MemorySize ?? 128,
    environment: configuration?.Environment?.Variables ?? {},
    ...(concurrency?.ReservedConcurrentExecutions !== undefined && {
      concurrency: concurrency.ReservedConcurrentExecutions,
    }),
    ...(logging.LogFormat === 'JSON' && {
      logLevels: { application: logging.ApplicationLogLevel ?? 'INFO', system: logging.SystemLogLevel ?? 'INFO' },
    }),
    taskRoot,
  };
}

/** A deployed function with its execution environments, which are used again while they are warm. */
export class LambdaFunction {
  readonly deployed: DeployedFunction;
  readonly #credentials: () => Promise<Credentials>;
  readonly #endpoint: string;
  readonly #log: (line: LogLine) => void;
  readonly #environments = new Set<ExecutionEnvironment>();
  readonly #idle: ExecutionEnvironment[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param credentials makes a session of the execution role */
  constructor(
    deployed: DeployedFunction,
    credentials: () => Promise<Credentials>,
    endpoint: string,
    log: (line: LogLine) => void,
  ) {
    this.deployed = deployed;
    this.#credentials = credentials;
    this.#endpoint = endpoint;
    this.#log = log;
  }

  /** Processes of the environments that exist. */
  get processes(): readonly number[] {
    return [...this.#environments].map(({ pid }) => pid).filter((pid) => pid !== undefined);
  }

  /**
   * Runs one invocation in an environment that is free, or a new one; waits while all that may exist are busy, also where
   * Lambda would refuse a call that is waited for.
   * @param requestId of an event that is tried again; a new one by default
   */
  async invoke(event: unknown, requestId?: string): Promise<InvocationResult> {
    const most = Math.min(this.deployed.concurrency ?? MOST_ENVIRONMENTS, MOST_ENVIRONMENTS);
    while (this.#running >= most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      const environment = this.#warm() ?? (await this.#cold());
      const result = await environment.invoke(event, requestId);
      if (environment.over) this.#environments.delete(environment);
      else this.#idle.push(environment);
      return result;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Kills all environments; the next invocation begins in a new one. */
  kill(): void {
    for (const environment of this.#environments) environment.kill();
    this.#environments.clear();
    this.#idle.length = 0;
  }

  #warm(): ExecutionEnvironment | undefined {
    for (let environment = this.#idle.pop(); environment; environment = this.#idle.pop()) {
      if (!environment.over) return environment;
      this.#environments.delete(environment);
    }
    return undefined;
  }

  async #cold(): Promise<ExecutionEnvironment> {
    const environment = await ExecutionEnvironment.start(
      this.deployed,
      await this.#credentials(),
      this.#endpoint,
      this.#log,
    );
    this.#environments.add(environment);
    return environment;
  }
}
