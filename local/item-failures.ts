import type { InvocationResult } from './lambda-environment.ts';

/**
 * The items of a batch that a function reported as failed, or `all` when it failed or its report cannot be read.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 * @param identifiers of the batch: message ids, or sequence numbers of a stream
 */
export function failedItems(
  { payload, functionError }: InvocationResult,
  identifiers: readonly string[],
): ReadonlySet<string> | 'all' {
  if (functionError) return 'all';
  if (payload === null || payload === undefined) return new Set();
  const failures = (payload as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === null || failures === undefined) return new Set();
  if (!Array.isArray(failures)) return 'all';
  const failed = failures.map((failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier);
  return failed.every((item): item is string => typeof item === 'string' && identifiers.includes(item))
    ? new Set(failed)
    : 'all';
}
