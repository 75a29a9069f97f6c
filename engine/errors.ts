import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { SdkError } from '@smithy/types';

/** A fault of our own dealings that will pass: what was asked for is tried again. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** What passes too, though the SDK does not retry it: another change of the same resource, or a service's own fault. */
const ALSO_TRANSIENT = new Set([
  'ConcurrentModification',
  'ConcurrentModificationException',
  'InternalError',
  'InternalFailure',
  'OperationAborted',
  'ServiceUnavailable',
  'Unavailable',
]);

/** An answer that was cut short or garbled: the SDK could not read it, so it holds no error of the service. */
const unreadable = (error: Error & { readonly $fault?: string }): boolean =>
  '$response' in error && error.$fault === undefined;

/**
 * Whether an error will pass: throttles, time-outs, broken connections, answers that cannot be read, the service's own
 * faults and conflicting changes.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const known = error as SdkError & { readonly $fault?: string };
  return (
    error instanceof TransientError ||
    isThrottlingError(known) ||
    isTransientError(known) ||
    isServerError(known) ||
    unreadable(known) ||
    known.$fault === 'server' ||
    ALSO_TRANSIENT.has(error.name)
  );
}

/** An error in one line: AWS's own name and words, which say the missing action when access is denied. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}`.replaceAll(/\s+/g, ' ').slice(0, 1_000) : 'unknown error';
