/** Whether an error will pass: throttles, time-outs, broken connections and the service's own faults. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $retryable, $fault, $metadata, code } = error as Error & {
    $retryable?: object;
    $fault?: string;
    $metadata?: { httpStatusCode?: number };
    code?: string;
  };
  return (
    $retryable !== undefined ||
    $fault === 'server' ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    TRANSIENT_NAMES.has(error.name) ||
    TRANSIENT_CODES.has(code ?? '')
  );
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const TRANSIENT_NAMES = new Set([
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceededException',
  'SlowDown',
  'InternalError',
  'InternalFailure',
  'ServiceUnavailable',
]);
const TRANSIENT_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/** An error in one line: AWS's own name and words, which say the missing action when access is denied. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}`.replaceAll(/\s+/g, ' ').slice(0, 1_000) : 'unknown error';
