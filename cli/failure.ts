import { describeError } from '../engine/errors.ts';

/** Ends the command with one sentence that says what to do: exit 1. */
export class Failure extends Error {}

/** What was typed cannot be meant so: exit 2, and nothing was started. */
export class UsageError extends Failure {}

const CREDENTIALS = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'EHOSTUNREACH', 'ETIMEDOUT']);

/** An error as a person can act on it. */
export function explain(error: unknown): string {
  if (error instanceof Failure) return error.message;
  const { name, code } = error as { name?: string; code?: string };
  const said = describeError(error);
  if (name === 'CredentialsProviderError') {
    return `no AWS credentials were found: sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID (${said})`;
  }
  if (CREDENTIALS.has(name ?? '')) return `AWS does not take these credentials: sign in again (${said})`;
  if (UNREACHABLE.has(code ?? '') || name === 'TimeoutError') {
    const endpoint = process.env.AWS_ENDPOINT_URL;
    return `AWS cannot be reached${endpoint ? ` at AWS_ENDPOINT_URL=${endpoint}` : ''}: ${said}`;
  }
  return said;
}
