/**
 * The process that loads a function's package and runs its handler, as Lambda's Node.js runtime does: it asks the Runtime
 * API for one invocation after another. It ends when the API has gone.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 */
import { existsSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER } = process.env;
const [host, port] = AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** One call of the Runtime API: its headers and body. */
function call(method, resource, body, headers = {}) {
  return new Promise((resolve) => {
    const request = http.request(
      { host, port, agent, method, path: `/2018-06-01/runtime/${resource}`, headers },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
        response.on('error', () => process.exit(0));
      },
    );
    request.on('error', () => process.exit(0));
    request.end(body);
  });
}

const told = (error, errorType) => {
  const known = error instanceof Error;
  return JSON.stringify({
    errorType: errorType ?? (known ? error.name : typeof error),
    errorMessage: known ? error.message : String(error),
    trace: known ? (error.stack ?? '').split('\n') : [],
  });
};

/** An error of the package rather than of its code. */
class PackageError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

/** `folder/file.export`: the first of the file's extensions that exists, and the export, which may be nested. */
async function loadHandler() {
  const { dir, base } = path.parse(_HANDLER);
  const [file, ...names] = base.split('.');
  if (names.length === 0) throw new PackageError('Runtime.MalformedHandlerName', 'Bad handler');
  const stem = path.resolve(LAMBDA_TASK_ROOT, dir, file);
  const found = ['', '.js', '.mjs', '.cjs']
    .map((extension) => stem + extension)
    .find((candidate) => existsSync(candidate));
  if (!found) throw new PackageError('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
  let exported;
  try {
    exported = await import(pathToFileURL(found).href);
  } catch (error) {
    if (error instanceof SyntaxError) throw new PackageError('Runtime.UserCodeSyntaxError', error.stack);
    throw error;
  }
  const within = (object) => names.reduce((value, name) => value?.[name], object);
  const handler = within(exported) ?? within(exported.default);
  if (handler === undefined) {
    throw new PackageError('Runtime.HandlerNotFound', `${_HANDLER} is undefined or not exported`);
  }
  if (typeof handler !== 'function') throw new PackageError('Runtime.HandlerNotFound', `${_HANDLER} is not a function`);
  return handler;
}

async function end(resource, error, errorType) {
  console.error(error);
  await call('POST', resource, told(error, errorType), {
    'Lambda-Runtime-Function-Error-Type': errorType ?? 'Unhandled',
  });
  process.exit(1);
}

let invocation;
process.on('uncaughtException', (error) => end(invocation ? `invocation/${invocation}/error` : 'init/error', error));
process.on('unhandledRejection', (reason) =>
  end(invocation ? `invocation/${invocation}/error` : 'init/error', reason, 'Runtime.UnhandledPromiseRejection'),
);

const handler = await loadHandler().catch((error) => end('init/error', error));
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  invocation = id;
  const before = process.cpuUsage();
  try {
    const result = await handler(JSON.parse(body), {
      awsRequestId: id,
      callbackWaitsForEmptyEventLoop: true,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      getRemainingTimeInMillis: () => deadline - Date.now(),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    });
    const answer = JSON.stringify(result) ?? 'null';
    const { user, system } = process.cpuUsage(before);
    await call('POST', `invocation/${id}/response`, answer, { 'Firebreak-Processor-Ms': (user + system) / 1_000 });
  } catch (error) {
    await call('POST', `invocation/${id}/error`, told(error), { 'Lambda-Runtime-Function-Error-Type': 'Unhandled' });
  }
  invocation = undefined;
}
