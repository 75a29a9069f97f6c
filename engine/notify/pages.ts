import type { Incident } from '../incidents/incident.ts';
import { playbookOf } from '../playbook.ts';
import type { Response } from '../response.ts';
import { chat, cut, plain, subject } from './encoders.ts';
import { outcomeOf, type Told } from './messages.ts';
import { PAGED } from './paged.ts';

/**
 * A custom notification of Amazon Q Developer in chat applications, to be published as JSON.
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
export interface ChatNotification {
  readonly version: '1.0';
  readonly source: 'custom';
  readonly content: { readonly textType: 'client-markdown'; readonly title: string; readonly description: string };
}

/** A message for people: for a topic of mail addresses, and for one of chat channels. */
export interface Page {
  readonly subject: string;
  readonly body: string;
  readonly chat: ChatNotification;
}

/** What a page says: values were written by anybody, labels and commands by us. */
interface Telling {
  /** What to do. */
  readonly first: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** To be typed as they are. */
  readonly commands: readonly string[];
}

/** Longest value in a page, as it is written there: one block of Slack's, 3,000 characters, holds all of a page. */
const LONGEST_VALUE = { mail: 1_000, chat: 400 };

export function page({ first, facts, commands }: Telling): Page {
  const column = Math.max(...facts.map(([label]) => label.length)) + 2;
  const inMail = (text: string): string => cut(text, plain, LONGEST_VALUE.mail);
  const inChat = (text: string): string => cut(text, chat, LONGEST_VALUE.chat);
  return {
    subject: subject(`Firebreak: ${first}`),
    body: [
      inMail(first),
      '',
      ...facts.map(([label, value]) => `${label.padEnd(column)}${inMail(value)}`),
      '',
      ...commands.map((command) => `    ${command}`),
      '',
    ].join('\n'),
    chat: {
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: inChat(first),
        description: [
          ...facts.map(([label, value]) => `${label}: ${inChat(value)}`),
          ...commands.map((command) => `\`${command}\``),
        ].join('\n'),
      },
    },
  };
}

/**
 * A response for people in the middle of the night: what to do, what came of it, where, and the commands to go on with.
 * @param incident that it is told in
 */
export function pageFor({ response, title }: Told, incident?: Pick<Incident, 'id' | 'simulation'>): Page {
  const { id, target, finding, outcome, reason, by } = response;
  return page({
    first: `${todoOf(response)}: ${title}`,
    facts: [
      ['Outcome', outcomeOf(response)],
      ...(reason ? [['Reason', reason] as const] : []),
      ['Resource', target.arn],
      ['Account', target.account],
      ['Region', target.region],
      ['Severity', finding.severity],
      ['Finding', `${finding.source} ${finding.type}: ${finding.title}`],
      ['Finding id', finding.id],
      ...(by ? [['By', by] as const] : []),
      ...(incident?.simulation ? [['Simulation', incident.simulation] as const] : []),
    ],
    commands: [
      ...(incident ? [`firebreak incident show ${incident.id}`] : []),
      `firebreak show ${id}`,
      ...(outcome === 'awaiting-approval' ? [`firebreak approve ${id}`, `firebreak deny ${id}`] : []),
      ...(outcome === 'verified' ? [`firebreak undo ${id}`] : []),
    ],
  });
}

function todoOf({ outcome, undoes, remediation }: Response): string {
  if (!outcome) return 'Nothing to do yet';
  const playbook = playbookOf(remediation);
  if (playbook !== undefined && PAGED[outcome].page) return `Follow the playbook ${playbook}`;
  return PAGED[outcome].todo(undoes ? 'an undo' : 'a fix');
}

/** A circuit breaker that opened. */
export interface OpenedBreaker {
  readonly remediation: string;
  readonly account: string;
  /** Changes that were made, or wanted. */
  readonly count: number;
  readonly limit: number;
  /** ISO 8601, UTC. */
  readonly openedAt: string;
  readonly why: string;
}

/** The circuit breaker of a remediation in an account opened: one page for all that is deferred behind it. */
export const breakerPage = ({ remediation, account, count, limit, openedAt, why }: OpenedBreaker): Page =>
  page({
    first: `Find out why ${remediation} stopped in account ${account}`,
    facts: [
      ['Reason', why],
      ['Count', `${count}, and the limit is ${limit}`],
      ['Since', openedAt],
      ['Account', account],
      ['Now', 'nothing more of this kind is changed in that account until somebody closes the breaker'],
    ],
    commands: ['firebreak list --outcome deferred', `firebreak breaker close ${remediation} --account ${account}`],
  });
