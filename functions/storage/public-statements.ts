import { isIP } from 'node:net';
import type { Json } from '../../engine/state.ts';

/** One statement of a policy, as JSON. */
export interface Statement {
  readonly [element: string]: Json;
}

/**
 * True for a statement that makes a bucket policy public, as Amazon S3 documents the word: it is taken to be public unless it
 * grants only to fixed values, without wildcard or policy variable, of a principal or of certain condition keys. Whether a
 * policy is public at all is for S3 itself to say (GetBucketPolicyStatus); this only finds the statements.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
export const isPublic = ({ Effect, Principal, Condition }: Statement): boolean =>
  Effect === 'Allow' && !isFixedPrincipal(Principal) && !isLimiting(Condition);

/** The kinds of principal that name somebody; whoever signs in with an identity provider may be anybody. */
const NAMED = new Set(['AWS', 'CanonicalUser', 'Service']);

const isFixedPrincipal = (principal: Json | undefined): boolean =>
  allOf(entries(principal), ([kind, names]) => NAMED.has(kind) && allOf(list(names), isFixed));

const isLimiting = (condition: Json | undefined): boolean =>
  entries(condition).some(([operator, keys]) =>
    entries(keys).some(([key, values]) => {
      const limits = LIMITS.get(key.toLowerCase());
      return limits?.operators.has(operator.replace(/^ForAnyValue:/, '')) && allOf(list(values), limits.isFixed);
    }),
  );

type IsFixed = (value: Json) => boolean;

const isFixed: IsFixed = (value) => typeof value === 'string' && value !== '' && !/[*?]|\$\{/.test(value);

/** All sessions of one role are a fixed principal, though their names are not. */
const isFixedUser: IsFixed = (value) =>
  typeof value === 'string' && (isFixed(value) || /^AROA[A-Z0-9]+:\*$/.test(value));

/** The name of an access point may be a wildcard, its account may not. */
const isFixedAccount: IsFixed = (value) =>
  typeof value === 'string' && /^arn:aws[a-z-]*:s3:[a-z0-9-]+:\d{12}:accesspoint\/[^$]+$/.test(value);

/** The broadest networks that are not the public: as long a prefix as every private network (RFC 1918) has. */
const SHORTEST_PREFIX: Readonly<Record<number, number>> = { 4: 8, 6: 32 };
const LONGEST_PREFIX: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

const isNarrowNetwork: IsFixed = (value) => {
  if (typeof value !== 'string') return false;
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  const shortest = SHORTEST_PREFIX[family];
  const longest = LONGEST_PREFIX[family];
  if (shortest === undefined || longest === undefined || rest.length > 0) return false;
  const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  return bits >= shortest && bits <= longest;
};

/**
 * Operators that only a request with such a value passes. The negated ones, those with `IfExists` and those with
 * `ForAllValues` also pass a request without the key, which anybody's may be.
 */
const EQUALS = new Set(['StringEquals', 'StringEqualsIgnoreCase', 'StringLike', 'ArnEquals', 'ArnLike']);
const IN_NETWORK = new Set(['IpAddress']);

/** What limits a grant to everybody; the names of condition keys are not case-sensitive. */
const LIMITS: ReadonlyMap<string, { readonly operators: ReadonlySet<string>; readonly isFixed: IsFixed }> = new Map([
  ...[
    'aws:principalaccount',
    'aws:principalarn',
    'aws:principalorgid',
    'aws:principalorgpaths',
    'aws:principalservicename',
    'aws:sourceaccount',
    'aws:sourcearn',
    'aws:sourceowner',
    'aws:sourcevpc',
    'aws:sourcevpce',
    's3:dataaccesspointaccount',
  ].map((key) => [key, { operators: EQUALS, isFixed }] as const),
  ['aws:userid', { operators: EQUALS, isFixed: isFixedUser }],
  ['s3:dataaccesspointarn', { operators: EQUALS, isFixed: isFixedAccount }],
  ['aws:sourceip', { operators: IN_NETWORK, isFixed: isNarrowNetwork }],
]);

const list = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value]);

const entries = (value: Json | undefined): [string, Json][] =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];

/** True when there are some and all pass: no value at all fixes nothing. */
const allOf = <T>(values: readonly T[], passes: (value: T) => boolean): boolean =>
  values.length > 0 && values.every(passes);
