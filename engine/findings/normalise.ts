import * as z from 'zod/mini';
import { accessAnalyzer } from './access-analyzer.ts';
import { cloudTrail } from './cloudtrail.ts';
import type { Normalised } from './finding.ts';
import { guardDuty } from './guardduty.ts';
import { inspector } from './inspector.ts';
import { macie } from './macie.ts';
import { ocsf } from './ocsf.ts';
import { accountId, instant, json, type Reader, read, region, shape } from './reader.ts';
import { customAction, imported } from './securityhub.ts';

/** One reader for each event, by `detail-type` and the `source` that may send it. */
const READERS: ReadonlyMap<string, { readonly source: RegExp; readonly read: Reader }> = new Map([
  ['GuardDuty Finding', { source: /^aws\.guardduty$/, read: guardDuty }],
  ['Macie Finding', { source: /^aws\.macie$/, read: macie }],
  ['Inspector2 Finding', { source: /^aws\.inspector2$/, read: inspector }],
  ['Security Hub Findings - Imported', { source: /^aws\.securityhub$/, read: imported }],
  ['Security Hub Findings - Custom Action', { source: /^aws\.securityhub$/, read: customAction }],
  ['Findings Imported V2', { source: /^aws\.securityhub$/, read: ocsf }],
  ['Access Analyzer Finding', { source: /^aws\.access-analyzer$/, read: accessAnalyzer }],
  ['AWS API Call via CloudTrail', { source: /^aws\.[a-z0-9-]+$/, read: cloudTrail }],
]);

/** https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
const event = shape(() =>
  z.object({
    version: z.literal('0'),
    id: z.string().check(z.regex(/^[0-9A-Za-z-]{1,64}$/, 'is not an event id')),
    'detail-type': z.string(),
    source: z.string(),
    account: accountId,
    time: instant,
    region,
    resources: z.array(z.string()),
    detail: z.unknown(),
  }),
);

/**
 * The findings in a message, whatever service told them.
 * @param message the body of an SQS message: an EventBridge event as JSON text, or that text parsed
 * @returns the findings, or the reason why the message holds none, fit for a message attribute: it names the field, is
 * printable ASCII, and holds at most 200 characters of the message. Never throws.
 */
export function normalise(message: unknown): Normalised {
  const input = typeof message === 'string' ? json(message) : message;
  if (input === undefined) return { rejection: 'message: is not JSON' };
  const { data, rejection } = read(event, input, '');
  if (rejection !== undefined) return { rejection };
  const { id, source, 'detail-type': detailType, account, time, detail } = data;
  const reader = READERS.get(detailType);
  if (!reader) return { rejection: `detail-type: nothing here reads ${quote(detailType)}` };
  if (!reader.source.test(source)) return { rejection: `source: ${quote(source)} does not send ${quote(detailType)}` };
  return reader.read(detail, { id, source, detailType, account, region: data.region, time });
}

/** Foreign text, cut and with everything escaped that is not printable ASCII. */
const quote = (text: string): string =>
  JSON.stringify(text.slice(0, 30)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
