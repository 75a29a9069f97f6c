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

/** How much may be changed without a person, counted by remediation and account. */
const budgetSchema = z.strictObject({
  /** Changes in one hour of the clock. */
  perHour: z._default(z.int().check(z.gte(1)), 50),
  /** The part of all resources of the kind that may be changed in one hour; counted from `shareFrom` changes on. */
  share: z._default(z.number().check(z.gt(0), z.lte(1)), 0.5),
  shareFrom: z._default(z.int().check(z.gte(1)), 10),
});
export type Budget = z.infer<typeof budgetSchema>;

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
        budget: z.optional(budgetSchema),
        parameters: z._default(z.record(z.string(), z.unknown()), {}),
      }),
    ),
    {},
  ),
  exceptions: z._default(z.array(exceptionSchema), []),
  /** For remediations without a budget of their own. */
  budget: z.prefault(budgetSchema, {}),
  /** A resource that was fixed so often within so many hours waits for a person. */
  coolDown: z.prefault(
    z.strictObject({
      fixes: z._default(z.int().check(z.gte(1)), 5),
      hours: z._default(z.int().check(z.gte(1)), 24),
    }),
    {},
  ),
  approvals: z.prefault(
    z.strictObject({
      /** Hours after which nobody can approve a plan any more. */
      expireAfterHours: z._default(z.int().check(z.gte(1), z.lte(168)), 24),
    }),
    {},
  ),
});
export type Policy = z.infer<typeof policySchema>;
