import { OUTCOMES, type Response } from '../response.ts';
import { plain, visible, within } from './encoders.ts';

/** A response, and the title of its remediation. */
export interface Told {
  readonly response: Response;
  readonly title: string;
}

/** The longest text of a note: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Note.html */
export const LONGEST_NOTE = 512;

const SEE_MORE = 'More: firebreak list --finding, with the id of this finding.';

/**
 * The text of a Security Hub note on a finding: how its responses ended. One note is sent for many findings, so it is the same
 * text wherever the same came of it: no id and no time is in it.
 * @param told all responses to the finding; at least one
 */
export function noteFor(told: readonly Told[]): string {
  const [first, ...others] = told;
  if (!first) throw new Error('there is no response to write a note about');
  const said = others.length === 0 ? noteOfOne(first) : noteOfSeveral(told);
  const note = (text: string): string => `Firebreak: ${plain(text)} ${SEE_MORE}`;
  return note(within(said, (text) => note(text).length <= LONGEST_NOTE));
}

const noteOfOne = ({ response, title }: Told): string =>
  `${outcomeOf(response)}. ${actOf({ response, title })}${response.reason ? `: ${response.reason}` : ''}.`;

function noteOfSeveral(told: readonly Told[]): string {
  const ends = told.map(({ response }) => outcomeOf(response));
  const counts = ['open', ...OUTCOMES]
    .map((outcome) => ({ outcome, count: ends.filter((end) => end === outcome).length }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`);
  const acts = [...new Set(told.map(actOf))].sort();
  return `${told.length} responses: ${counts.join(', ')}. ${acts.join('; ')}.`;
}

/** What a response does, in the words of its remediation. */
const actOf = ({ response, title }: Told): string => `${response.undoes ? 'Undo: ' : ''}${title}`;

/** How it ended, if it did. */
export const outcomeOf = ({ outcome }: Response): string => outcome ?? 'open';

/** Longest texts in an event by their names, in bytes as JSON: with all at their longest it stays below 8 kB. */
const LONGEST: Readonly<Record<string, number>> = { arn: 2_048, id: 640, title: 512, reason: 512, by: 512 };
const LONGEST_OTHER = 128;

/** Text for other programs, which hand it on to people: what is unseen is shown. */
function bounded(text: string, longest: number): string {
  const bytes = (part: string): number => new TextEncoder().encode(JSON.stringify(visible(part))).length;
  return visible(within(text, (part) => bytes(part) <= longest));
}

/** An entry for EventBridge's PutEvents, without the bus; the detail goes there as JSON. */
export interface ResponseEvent {
  readonly source: 'firebreak';
  readonly detailType: 'Firebreak Response Ended';
  /** The header of the response, with long texts cut, and the title of its remediation. */
  readonly detail: Response & Pick<Told, 'title'>;
}

/**
 * Our own event about a response: below 8 kB, of the 256 KB that an entry may have.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export const eventFor = ({ response, title }: Told): ResponseEvent => ({
  source: 'firebreak',
  detailType: 'Firebreak Response Ended',
  detail: JSON.parse(JSON.stringify({ ...response, title }), (name, value: unknown) =>
    typeof value === 'string' ? bounded(value, LONGEST[name] ?? LONGEST_OTHER) : value,
  ) as ResponseEvent['detail'],
});
