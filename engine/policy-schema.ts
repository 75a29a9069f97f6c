import * as z from 'zod/mini';
import { ACCOUNT_ID, parseArn } from './arn.ts';

/** What may happen without a person: run it, ask first, or only say what would happen. */
export const MODES = ['automatic', 'approval', 'observe'] as const;
export type Mode = (typeof MODES)[number];

const exceptionSchema = z.strictObject({
  /** A remediation id, or `*` for all. */
  remediation: z.string(),
  /** ARN of the one resource that is left alone. */
  resource: z.string().check(z.refine((text) => parseArn(text) !== undefined, 'is not the ARN of one resource')),
  /** Who answers for it. */
  owner: z.string().check(z.minLength(1)),
  reason: z.string().check(z.minLength(1)),
  /** The last day (UTC) on which it holds. */
  expires: z.iso.date(),
});
export type Exception = z.infer<typeof exceptionSchema>;

/** The shape of response-policy.yml: closed, so that a misspelt line is an error and not a line without effect. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  /** Accounts whose findings about other accounts are believed: delegated administrators beside the security account. */
  administrators: z._default(z.array(z.string().check(z.regex(ACCOUNT_ID))), []),
  remediations: z._default(
    z.record(
      z.string(),
      z.strictObject({
        mode: z.optional(z.enum(MODES)),
        parameters: z._default(z.record(z.string(), z.unknown()), {}),
      }),
    ),
    {},
  ),
  exceptions: z._default(z.array(exceptionSchema), []),
});
export type Policy = z.infer<typeof policySchema>;
