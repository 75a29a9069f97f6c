import { AdaptiveRetryStrategy, DefaultRateLimiter } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider, RetryStrategyV2 } from '@smithy/types';

/** What every AWS client is made with: `new S3Client(session)`. */
export interface SessionConfig {
  readonly region: string;
  /** Absent: the SDK's own chain, which in Lambda is the execution role. */
  readonly credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider;
  readonly requestHandler: NodeHttpHandler;
  readonly retryStrategy: RetryStrategyV2;
  /** Seen in CloudTrail's userAgent, so that a change can be traced to its response. */
  readonly customUserAgent?: string;
}

/** An attempt for one call: the SDK by itself would wait for an answer without limit. */
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 4_000;
/** Many attempts are cheap because the adaptive strategy waits before it sends, and a lost one costs a whole redelivery. */
const MAX_ATTEMPTS = 8;
/**
 * How soon a rate limiter tries more than what was throttled: a fortieth of the SDK's own growth. Each environment of a worker has
 * limiters of its own, and ten that try at once are throttled for each other: in a storm (session.test.ts) about 16 % of the calls
 * instead of 28 %, in no more time.
 */
const GROWTH = 0.01;

/** One for all clients: connections are kept alive over sessions, which live for one response each. */
const requestHandler = new NodeHttpHandler({
  connectionTimeout: CONNECTION_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
});

const limited = (): RetryStrategyV2 =>
  new AdaptiveRetryStrategy(MAX_ATTEMPTS, { rateLimiter: new DefaultRateLimiter({ scaleConstant: GROWTH }) });

const strategies = new Map<string, RetryStrategyV2>();

/** AWS throttles by account and Region, so that is what shares one rate limiter, whatever session the calls are made in. */
function retryStrategy(account: string, region: string): RetryStrategyV2 {
  const key = `${account}/${region}`;
  const strategy = strategies.get(key) ?? limited();
  strategies.set(key, strategy);
  return strategy;
}

/**
 * The one place where clients get their timeouts, retries and connections.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export const sessionConfig = (
  account: string,
  region: string,
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider,
  userAgent?: string,
): SessionConfig => ({
  region,
  requestHandler,
  retryStrategy: retryStrategy(account, region),
  ...(credentials && { credentials }),
  ...(userAgent && { customUserAgent: userAgent }),
});

/** A session that is slowed down by its own throttles alone, and slows nothing else down. */
export const throttledAlone = (session: SessionConfig): SessionConfig => ({
  ...session,
  retryStrategy: limited(),
});

/**
 * A session for calls that do something anew each time they arrive, and for which AWS takes no client token
 * (CreateSnapshots): only a throttled one, which was not taken, is sent again. After any other failure look for its work.
 */
export const sentOnce = (session: SessionConfig): SessionConfig => {
  const strategy = session.retryStrategy;
  return {
    ...session,
    retryStrategy: {
      acquireInitialRetryToken: (scope) => strategy.acquireInitialRetryToken(scope),
      refreshRetryTokenForRetry: async (token, failure) => {
        if (failure.errorType !== 'THROTTLING') throw failure.error;
        return strategy.refreshRetryTokenForRetry(token, failure);
      },
      recordSuccess: (token) => strategy.recordSuccess(token),
    },
  };
};
