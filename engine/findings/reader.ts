import * as z from 'zod/mini';
import { ACCOUNT_ID, parseArn } from '../arn.ts';
import type { Envelope, Finding, Normalised } from './finding.ts';

/** Reads the `detail` of one kind of event. Never throws: what does not fit is a rejection that names the field. */
export type Reader = (detail: unknown, envelope: Envelope) => Normalised;

/** What `detail` or a part of it has to look like, made when it is first needed. */
export type Shape<T> = () => z.ZodMiniType<T>;

/** A shape that is made once. A worker sees events of few sources, and the shapes of all take long to make at its start. */
export function shape<T extends z.ZodMiniType>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/**
 * A reader from the shape of `detail` and a total function from that shape to findings.
 * Fields that the shape does not name are ignored: AWS adds fields without notice.
 */
export const reader =
  <T>(shape: Shape<T>, findings: (detail: T, envelope: Envelope) => readonly Finding[]): Reader =>
  (detail, envelope) => {
    const { data, rejection } = read(shape, detail, 'detail');
    return rejection === undefined ? { findings: findings(data, envelope) } : { rejection };
  };

type Read<T> = { readonly data: T; readonly rejection?: never } | { readonly data?: never; readonly rejection: string };

/**
 * What `input` holds of `shape`, or the first fault as `path: what is wrong`. The path has the keys of the shape alone, so
 * a rejection never repeats the input.
 */
export function read<T>(shape: Shape<T>, input: unknown, root: string): Read<T> {
  const { data, error } = shape().safeParse(input, { reportInput: true });
  const issue = error?.issues[0];
  if (!issue) return { data: data as T };
  const keys = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return { rejection: `${`${root}${keys.join('')}`.replace(/^\./, '') || 'message'}: ${fault(issue)}` };
}

function fault(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is missing' : `is not of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `is none of ${issue.values.join(', ')}`;
  return issue.message;
}

/** The value of JSON text; undefined when it is not JSON. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const accountId = z.string().check(z.regex(ACCOUNT_ID, 'is not a twelve-digit account id'));

export const region = z.string().check(z.regex(/^[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-\d{1,2}$/, 'is not a Region'));

/** The ARN of something that `service` has in a Region, such as a finding or a product. */
export const regionalArn = (service: string, resource: string) =>
  name.check(
    z.refine(
      (text) => {
        const arn = parseArn(text);
        return arn?.service === service && arn.resource.startsWith(resource) && region.safeParse(arn.region).success;
      },
      `is not the ARN of a ${resource.replace('/', '')} of ${service}`,
    ),
  );

/** Text that names something and must be there. */
export const name = z.string().check(z.minLength(1, 'is empty'), z.maxLength(2048, 'is longer than 2048'));

/** A field that AWS may leave out or set to null. */
export const maybe = z.nullish;

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** An ISO 8601 time with its offset, put out as `YYYY-MM-DDTHH:mm:ss.sssZ`. */
export const instant = z.pipe(
  z.string().check(z.refine((text) => ISO.test(text) && !Number.isNaN(Date.parse(text)), 'is not an ISO 8601 time')),
  z.transform((text: string) => new Date(text).toISOString()),
);

/** The partition that a Region belongs to. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
