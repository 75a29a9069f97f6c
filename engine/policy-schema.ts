import * as z from 'zod/mini';
import { ACCOUNT_ID, parseArn } from './arn.ts';
import { SEVERITIES, SOURCES } from './findings/finding.ts';

/** What may happen without a person: run it, ask first, or only say what would happen. */
export const MODES = ['automatic', 'approval', 'observe'] as const;
export type Mode = (typeof MODES)[number];

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const words = () => z.string().check(z.minLength(1));
const account = () => z.string().check(z.regex(ACCOUNT_ID));
/** Steps from the root of the organisation down: `Production/Payments`. A line about a unit is about those below it, too. */
const unit = () => z.string().check(z.regex(/^[\w .-]+(?:\/[\w .-]+)*$/, 'is not a path of organisational units'));
/** A remediation id, `storage.*` for all of a worker, or `*` for all. */
const remediation = () =>
  z
    .string()
    .check(
      z.regex(/^(?:\*|[a-z][a-z0-9-]*\.(?:\*|[a-z][a-z0-9-]*))$/, 'is neither a remediation, nor worker.*, nor *'),
    );
/** Who answers for a line, and why it is there. */
const answerable = { owner: words(), reason: words() };
/** What a line is about; what it does not say, it does not ask for. */
const about = {
  remediation: z._default(remediation(), '*'),
  account: z.optional(account()),
  unit: z.optional(unit()),
};

/** What is known of an account: Firebreak does not ask Organizations, which only the management account could. */
const accountSchema = z.strictObject({ name: z.optional(words()), unit: z.optional(unit()) });

const modeSchema = z
  .strictObject({
    ...about,
    /** Findings of this severity and above. */
    severity: z.optional(z.enum(SEVERITIES)),
    tag: z.optional(z.strictObject({ key: words(), value: z.string() })),
    mode: z.enum(MODES),
  })
  .check(
    z.refine(({ tag, mode }) => !tag || mode === 'approval', {
      path: ['mode'],
      error: 'whoever holds the resource can set its tags, so a line with a tag can only ask: write approval',
    }),
  );
export type ModeLine = z.infer<typeof modeSchema>;

const exceptionSchema = z.strictObject({
  remediation: remediation(),
  /** ARN of the one resource that is left alone. */
  resource: z.string().check(z.refine((text) => parseArn(text) !== undefined, 'is not the ARN of one resource')),
  ...answerable,
  /** The last day (UTC) on which it holds. */
  expires: z.iso.date(),
});
export type Exception = z.infer<typeof exceptionSchema>;

const instant = () =>
  z
    .string()
    .check(
      z.refine(
        (text) => z.safeParse(z.iso.datetime({ offset: true }), text).success && !Number.isNaN(Date.parse(text)),
        'is not a time with its zone',
      ),
    );

const weeklySchema = z.strictObject({
  /** The days on which it begins. */
  days: z.array(z.enum(DAYS)).check(z.minLength(1)),
  from: z.string().check(z.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'is not a time of day')),
  /** Not after `from`: on the next day. */
  until: z.string().check(z.regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'is not a time of day')),
  timezone: z.string().check(z.refine(isTimeZone, 'is not a time zone of the IANA database')),
});

/** A window in which nothing is changed. It is one span of time, or comes every week. */
const freezeSchema = z
  .strictObject({
    name: words(),
    ...answerable,
    ...about,
    /** Findings of this severity and above are answered all the same. */
    severityBelow: z.optional(z.enum(SEVERITIES)),
    from: z.optional(instant()),
    until: z.optional(instant()),
    weekly: z.optional(weeklySchema),
  })
  .check(
    z.refine(({ from, until, weekly }) => (weekly ? !from && !until : from && until), {
      error: 'has not exactly one window',
      path: ['weekly'],
    }),
    z.refine(({ from, until }) => !from || !until || Date.parse(from) < Date.parse(until), {
      error: 'is not after from',
      path: ['until'],
    }),
  );
export type Freeze = z.infer<typeof freezeSchema>;

/**
 * An ARN with `*` for a whole Region, a whole account, or the end of the resource. Users and roles are known by their names:
 * findings do not always tell the path.
 */
const ARN_PATTERN = /^arn:(?:aws|aws-cn|aws-us-gov):[a-z0-9-]+:(?:[a-z0-9-]*|\*):(?:\d{12}|\*|):[\w+=,.@:/-]+\*?$/;
const ALL_OF_A_PATH = /:(?:user|role)\/.+\/\*$/;

const protectedSchema = z.strictObject({
  resource: z.string().check(
    z.regex(ARN_PATTERN, 'is not an ARN, nor one with * for all of its Region, all of its account or its end'),
    z.refine((text) => !ALL_OF_A_PATH.test(text), 'is known by its path alone, which findings do not always tell'),
  ),
  ...answerable,
});

/** What services rate lower than it is. */
const promotionSchema = z.strictObject({
  source: z.enum(SOURCES),
  types: z.array(words()).check(z.minLength(1)),
  /** At least this. What arrives higher stays so. */
  severity: z.enum(SEVERITIES),
  reason: words(),
});

/** Changes in one hour of the clock. */
const perHour = () => z.int().check(z.gte(1));
/** The part of all resources of the kind that may be changed in one hour, */
const share = () => z.number().check(z.gt(0), z.lte(1));
/** counted from so many changes on. */
const shareFrom = () => z.int().check(z.gte(1));

/** How much may be changed without a person, counted by remediation and account. */
const budgetSchema = z.strictObject({
  perHour: z._default(perHour(), 50),
  share: z._default(share(), 0.5),
  shareFrom: z._default(shareFrom(), 10),
});
export type Budget = z.infer<typeof budgetSchema>;

/** What of it a remediation has otherwise. */
const ownBudgetSchema = z.strictObject({
  perHour: z.exactOptional(perHour()),
  share: z.exactOptional(share()),
  shareFrom: z.exactOptional(shareFrom()),
});

/** The shape of response-policy.yml: closed, so that a misspelt line is an error and not a line without effect. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  /** Accounts whose findings about other accounts are believed: delegated administrators beside the security account. */
  administrators: z._default(z.array(account()), []),
  /** Nothing is changed in the organisation's management account. */
  organization: z.prefault(z.strictObject({ management: z.optional(account()) }), {}),
  accounts: z._default(z.record(account(), accountSchema), {}),
  remediations: z._default(
    z.record(
      z.string(),
      z.strictObject({
        mode: z.optional(z.enum(MODES)),
        budget: z.optional(ownBudgetSchema),
        parameters: z._default(z.record(z.string(), z.unknown()), {}),
      }),
    ),
    {},
  ),
  /** The first that matches decides; then the remediation's own mode; then its risk. */
  modes: z._default(z.array(modeSchema), []),
  exceptions: z._default(z.array(exceptionSchema), []),
  freezes: z._default(z.array(freezeSchema), []),
  protected: z.prefault(
    z.strictObject({
      resources: z._default(z.array(protectedSchema), []),
      /** A change that reaches more things than so many is a person's. */
      sharedBy: z._default(z.int().check(z.gte(1)), 50),
    }),
    {},
  ),
  severities: z._default(z.array(promotionSchema), []),
  /** For remediations without a budget of their own. */
  budget: z.prefault(budgetSchema, {}),
  /** A resource that was fixed so often within so many hours waits for a person. */
  coolDown: z.prefault(
    z.strictObject({
      fixes: z._default(z.int().check(z.gte(1), z.lte(100)), 5),
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
  incidents: z.prefault(
    z.strictObject({
      /** A fix that is verified opens an incident from this severity on; what needs a person always does. */
      verifiedFrom: z._default(z.enum(SEVERITIES), 'HIGH'),
      /** Hours after the last telling of a resource or principal within which the next one belongs to the same incident. */
      joinHours: z._default(z.int().check(z.gte(1), z.lte(720)), 24),
    }),
    {},
  ),
});
export type Policy = z.infer<typeof policySchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
