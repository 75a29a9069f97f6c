import * as z from 'zod/mini';
import { parseArn } from '../arn.ts';
import { principalOf } from '../principals.ts';
import type { Finding } from './finding.ts';
import { maybe, shape } from './reader.ts';

/**
 * Who made a call, as CloudTrail writes it and Macie after it.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
 */
export const identity = shape(() =>
  maybe(
    z.object({
      arn: maybe(z.string()),
      sessionContext: maybe(z.object({ sessionIssuer: maybe(z.object({ arn: maybe(z.string()) })) })),
    }),
  ),
);

/** The part of a finding that says who did it; empty for a service, which has no ARN. */
export function actor(who: z.output<ReturnType<typeof identity>>): Pick<Finding, 'principal' | 'sessionIssuer'> {
  const principal = who?.arn;
  const sessionIssuer = who?.sessionContext?.sessionIssuer?.arn;
  return {
    ...(principal && isNamed(principal) && { principal }),
    ...(sessionIssuer && isNamed(sessionIssuer) && { sessionIssuer }),
  };
}

/** IAM's paths take characters that no other ARN has: whoever chooses one is not to go unnamed by it. */
const isNamed = (arn: string): boolean => parseArn(arn) !== undefined || principalOf(arn) !== undefined;
