import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A function as it is deployed. */
export interface DeployedFunction {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly handler: string;
  readonly runtime: string;
  /** ARN of the execution role. */
  readonly role: string;
  /** Seconds that an invocation may take. */
  readonly timeout: number;
  /** MB. */
  readonly memory: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Invocations at once that are reserved for it, and no more; absent where none are. */
  readonly concurrency?: number;
  /** Absent where its log is plain text. */
  readonly logLevels?: { readonly application: string; readonly system: string };
  /** Folder of the unpacked deployment package. */
  readonly taskRoot: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** A line that a function wrote. */
export interface LogLine {
  readonly functionName: string;
  /** Absent for what is written while the package loads. */
  readonly requestId: string | undefined;
  readonly line: string;
}

/** What an invocation came to; `payload` is the answer, or what is told about the error. */
export interface InvocationResult {
  readonly payload: unknown;
  /** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-response-FunctionError */
  readonly functionError?: 'Unhandled';
  /** Absent when the package could not be loaded. */
  readonly requestId?: string;
  /** Milliseconds of a processor that the process used for it; absent when it did not answer. */
  readonly processorMs?: number;
}

/** By which the process tells what it used; Lambda's Runtime API has no such header. */
const PROCESSOR_HEADER = 'firebreak-processor-ms';
const BOOTSTRAP = fileURLToPath(new URL('./lambda-bootstrap.mjs', import.meta.url));
/**
 * A package may load for this long; after that Lambda loads it once more, within the timeout of the invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
 */
const INIT_MS = 10_000;

/** The environment variables of a function: those that it is configured with, and those that Lambda sets. */
export function environmentVariables(
  { name, region, handler, runtime, memory, environment, logLevels, taskRoot }: DeployedFunction,
  credentials: Credentials,
  runtimeApi: string,
  logStream: string,
): Record<string, string> {
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
  return {
    ...environment,
    _HANDLER: handler,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    ...(logLevels && { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: logLevels.application }),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_REGION: region,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    LAMBDA_TASK_ROOT: taskRoot,
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    TZ: ':UTC',
  };
}

interface Invocation {
  readonly id: string;
  readonly settle: (result: InvocationResult) => void;
}

const failed = (errorType: string, errorMessage: string): InvocationResult => ({
  payload: { errorType, errorMessage },
  functionError: 'Unhandled',
});

/**
 * An execution environment: a process of its own with the function's package, behind a Runtime API of its own. It takes one
 * invocation at a time, and is over after a crash or a timeout.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
export class ExecutionEnvironment {
  readonly #function: DeployedFunction;
  readonly #server: http.Server;
  readonly #child: ChildProcess;
  /** Becomes undefined when the package is loaded, or a result when it cannot be. */
  readonly #initialised: Promise<InvocationResult | undefined>;
  #finishInit: (failure?: InvocationResult) => void = () => {};
  #next: http.ServerResponse | undefined;
  #waiting: (() => void) | undefined;
  #current: Invocation | undefined;
  #latest: string | undefined;
  #timedOut: InvocationResult | undefined;
  #over = false;

  private constructor(deployed: DeployedFunction, server: http.Server, child: ChildProcess) {
    this.#function = deployed;
    this.#server = server;
    this.#child = child;
    this.#initialised = new Promise((resolve) => {
      this.#finishInit = resolve;
    });
  }

  /**
   * @param credentials of the execution role
   * @param endpoint where the function's SDK clients find AWS
   */
  static async start(
    deployed: DeployedFunction,
    credentials: Credentials,
    endpoint: string,
    log: (line: LogLine) => void,
  ): Promise<ExecutionEnvironment> {
    // A connection is idle for as long as the handler works.
    const server = http.createServer({ keepAliveTimeout: 0 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stream = `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomBytes(16).toString('hex')}`;
    const api = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, [BOOTSTRAP], {
      cwd: deployed.taskRoot,
      env: { ...environmentVariables(deployed, credentials, api, stream), AWS_ENDPOINT_URL: endpoint },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const environment = new ExecutionEnvironment(deployed, server, child);
    environment.#serve(log);
    return environment;
  }

  get over(): boolean {
    return this.#over;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Runs one invocation. Never throws: what goes wrong is the result. */
  async invoke(event: unknown, id: string = randomUUID()): Promise<InvocationResult> {
    const unloaded = await this.#initialised;
    if (unloaded) {
      this.kill();
      return unloaded;
    }
    while (!this.#next && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    const response = this.#next;
    if (!response) return failed('Runtime.ExitError', `RequestId: ${id} Error: Runtime exited`);
    this.#next = undefined;
    this.#latest = id;
    const { timeout, arn } = this.#function;
    const result = new Promise<InvocationResult>((resolve) => {
      const timer = setTimeout(() => {
        const told = `RequestId: ${id} Error: Task timed out after ${timeout.toFixed(2)} seconds`;
        this.#timedOut = failed('Sandbox.Timedout', told);
        this.kill();
      }, timeout * 1_000);
      this.#current = {
        id,
        settle: (settled) => {
          clearTimeout(timer);
          resolve(settled);
        },
      };
    });
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeout * 1_000),
      'lambda-runtime-invoked-function-arn': arn,
      'lambda-runtime-trace-id': `Root=1-${Math.floor(Date.now() / 1_000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`,
    });
    response.end(JSON.stringify(event));
    return { ...(await result), requestId: id };
  }

  /** Ends the process at once, whatever it does; an open invocation fails as it would in Lambda. */
  kill(): void {
    this.#over = true;
    this.#child.kill('SIGKILL');
  }

  #settle(result: InvocationResult): void {
    const current = this.#current;
    this.#current = undefined;
    current?.settle(result);
  }

  #serve(log: (line: LogLine) => void): void {
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) =>
        log({ functionName: this.#function.name, requestId: this.#latest, line }),
      );
    }
    const slow = setTimeout(() => this.kill(), INIT_MS + this.#function.timeout * 1_000);
    void this.#initialised.then(() => clearTimeout(slow));
    this.#child.once('close', (code, signal) => {
      this.#over = true;
      const how = signal ? `signal: ${signal === 'SIGKILL' ? 'killed' : signal}` : `exit status ${code}`;
      const error = `Error: Runtime exited with error: ${how}`;
      this.#finishInit(failed('Runtime.ExitError', error));
      this.#settle(this.#timedOut ?? failed('Runtime.ExitError', `RequestId: ${this.#latest} ${error}`));
      this.#waiting?.();
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString();
    const [, , , kind, id, what] = (request.url ?? '').split('/');
    if (request.method === 'GET' && kind === 'invocation' && id === 'next') {
      this.#next = response;
      this.#finishInit();
      this.#waiting?.();
      return;
    }
    // Lines that were written before the answer are read before it is told.
    await new Promise(setImmediate);
    const used = Number(request.headers[PROCESSOR_HEADER]);
    const answer = (): InvocationResult => ({
      payload: JSON.parse(body),
      ...(Number.isFinite(used) && { processorMs: used }),
    });
    const error = (): InvocationResult => ({ payload: JSON.parse(body), functionError: 'Unhandled' });
    if (kind === 'init') this.#finishInit(error());
    else if (id !== this.#current?.id) {
      response.writeHead(403).end();
      return;
    } else this.#settle(what === 'response' ? answer() : error());
    response.writeHead(202).end();
  }
}
