import { setTimeout as sleep } from 'node:timers/promises';
import { decide } from '../../engine/decide.ts';
import type { Person } from '../../engine/door.ts';
import { runId } from '../../engine/findings/operator.ts';
import { plain, within } from '../../engine/notify/encoders.ts';
import { instruct, type Office, recorded } from '../../engine/office.ts';
import type { Target } from '../../engine/remediation.ts';
import { decisionOf, LONGEST_REASON, type Outcome, type ResponseRecord } from '../../engine/response.ts';
import { changes } from '../../engine/state.ts';
import { takeBack } from '../../engine/take-back.ts';
import { responseId, targetFromArn } from '../../engine/targets.ts';
import type { Automation, Step } from './automation.ts';

/** What a step needs beside its execution. */
export interface Desk extends Office {
  readonly remediations: Readonly<Record<string, { readonly title: string; readonly resource: readonly string[] }>>;
  /** Where the runbooks are. */
  readonly region: string;
  /** Milliseconds since 1970 until which a step may wait. */
  readonly until: number;
}

/** What a step tells its runbook. */
export interface Told {
  readonly response: string;
  readonly outcome: string;
  readonly reason: string;
  /** The step that comes next. */
  readonly next: 'approve' | 'verify';
  /** For whoever is asked to approve it. */
  readonly gist: string;
}

/** Milliseconds between two looks at the ledger. */
const LOOK_MS = 1_000;
/** Characters of a gist; a message of aws:approve takes 4,096. */
const LONGEST_GIST = 3_000;
/** Characters of one of its five parts; the reason has what is left. */
const LONGEST_PART = 600;

/** The ends that are meant, by what is asked for; any other fails the runbook. */
const GOOD: Readonly<Record<'Apply' | 'Restore', Readonly<Record<'true' | 'false', readonly Outcome[]>>>> = {
  Apply: { true: ['observed', 'compliant'], false: ['verified', 'compliant'] },
  Restore: { true: ['observed', 'undone'], false: ['undone'] },
};

/**
 * Takes a step of a runbook. The response that it is about follows from the execution, so that a step which is tried again goes on
 * with it. @throws why the step fails, in words for whoever started the runbook
 */
export const take: Readonly<Record<Step, (automation: Automation, desk: Desk) => Promise<Told>>> = {
  /** Has the worker plan, and waits until it has. */
  async plan(automation, desk) {
    const wanted = await wantedOf(automation, desk);
    if ((await desk.ledger.get(wanted.id)) === undefined) await wanted.begin();
    return told(await ended(wanted.id, desk, () => true), desk);
  },

  /** Keeps who approved the plan, and has the worker go on with it. */
  async apply(automation, desk) {
    if (automation.word?.verb !== 'approve') throw new Error('nobody has approved it at the step approve');
    return decided(automation, automation.word, desk);
  },

  /** Keeps who rejected the plan. When nobody did, it waits on, and can still be approved. */
  async deny(automation, desk) {
    if (automation.word?.verb === 'deny') return decided(automation, automation.word, desk);
    const { id } = await wantedOf(automation, desk);
    throw new Error(
      `nobody decided at the step approve (${automation.failure ?? 'no reason told'}): firebreak show ${id} says whether it waits`,
    );
  },

  /** Waits until what was decided is done. */
  async verify(automation, desk) {
    const { id } = await wantedOf(automation, desk);
    return told(await ended(id, desk, (outcome) => outcome !== 'awaiting-approval'), desk);
  },

  /** Ends the runbook as the response ended. */
  async result(automation, desk) {
    const { id } = await wantedOf(automation, desk);
    const record = await recorded(id, desk);
    const { outcome, reason } = record.response;
    const { Action, DryRun } = automation.asked;
    if (!outcome || !GOOD[Action][DryRun].includes(outcome)) {
      throw new Error(`${id} is ${outcome ?? 'open'}: ${plain(reason ?? '')}. More: firebreak show ${id}`);
    }
    return told(record, desk);
  },
};

/** The response that an execution is about, and how it comes to be. */
interface Intent {
  readonly id: string;
  begin(): Promise<unknown>;
}

function wantedOf(automation: Automation, desk: Desk): Promise<Intent> {
  const { Action, DryRun, Approvers } = automation.asked;
  if (DryRun === 'false' && Approvers.length === 0) throw new Error('Approvers: name who may approve it');
  return Action === 'Apply' ? fix(automation, desk) : undo(automation, desk);
}

async function fix({ id: execution, remediation, by, asked }: Automation, desk: Desk): Promise<Intent> {
  const target = targetOf(remediation, asked, desk);
  const { arn, account, region } = target;
  const mode = asked.DryRun === 'true' ? 'observe' : 'approval';
  const reason = asked.Reason || `runbook Firebreak-${remediation}`;
  const request = { do: 'run', remediation, arn, account, region, reason, asked: { by, mode, execution } } as const;
  return { id: runId(remediation, target, execution), begin: () => instruct(request, desk) };
}

/** The resource that the parameters name. Its account is the ARN's where that has one, and its Region the runbook's own at last. */
function targetOf(remediation: string, { Target, Account, Region }: Automation['asked'], desk: Desk): Target {
  const types = desk.remediations[remediation]?.resource ?? [];
  const target = targetFromArn(types, Target, { account: Account, region: Region || desk.region });
  if (!target) throw new Error(`Target: is not the ARN of ${types.join(' or ')}`);
  if (target.account === '') throw new Error('Account: the ARN does not say which it is in');
  if (Account !== '' && Account !== target.account) throw new Error('Account: the ARN says another');
  if (Region !== '' && Region !== target.region) throw new Error('Region: the ARN says another');
  return target;
}

async function undo({ id: execution, remediation, by, asked }: Automation, desk: Desk): Promise<Intent> {
  const { response } = await recorded(asked.Response, desk);
  if (response.remediation !== remediation) throw new Error(`${response.id} is a response of ${response.remediation}`);
  const id = responseId(remediation, response.target, `undo by ${execution}`);
  if (asked.DryRun === 'true') {
    const request = { do: 'undo', response: response.id, undo: id, preview: { by } } as const;
    return { id, begin: () => instruct(request, desk) };
  }
  const reason = asked.Reason === '' ? {} : { reason: asked.Reason };
  return { id, begin: () => takeBack({ by: person(by), id: response.id, undo: id, ...reason }, desk) };
}

/** Keeps a word on the plan, unless somebody else's was kept before: that one is followed. */
async function decided(automation: Automation, word: NonNullable<Automation['word']>, desk: Desk): Promise<Told> {
  const { id } = await wantedOf(automation, desk);
  const record = await recorded(id, desk);
  const known = decisionOf(record);
  const reason = word.comment === undefined ? {} : { reason: word.comment };
  if (!known || known.by === word.by) await decide(word.verb, { by: person(word.by), id, ...reason }, desk);
  return told(record, desk);
}

/** SSM does not tell by which key somebody signed their request. */
const person = (arn: string): Person => ({ arn, accessKey: '' });

/** The record of a response once it has ended in one of the ways that are waited for. @throws when it does not in time */
async function ended(id: string, desk: Desk, isEnd: (outcome: Outcome) => boolean): Promise<ResponseRecord> {
  for (;;) {
    const record = await desk.ledger.get(id);
    const outcome = record?.response.outcome;
    if (record && outcome && isEnd(outcome)) return record;
    if (Date.now() + LOOK_MS > desk.until) throw new Error(`${id} has not ended yet: firebreak show ${id}`);
    await sleep(LOOK_MS);
  }
}

const told = (record: ResponseRecord, desk: Desk): Told => {
  const { id, outcome = 'open', reason = '' } = record.response;
  return {
    response: id,
    outcome,
    reason: plain(within(reason, (text) => plain(text).length <= LONGEST_REASON)),
    next: outcome === 'awaiting-approval' ? 'approve' : 'verify',
    gist: gistOf(record, desk),
  };
};

/** What would be done, in few words; nothing in it is a reference to Automation. */
function gistOf({ response, plan }: ResponseRecord, { remediations }: Desk): string {
  const act = remediations[response.remediation]?.title ?? response.remediation;
  const { id, undoes, target, reason = '' } = response;
  const parts = plan ? changes(plan.before, plan.after).map(({ part }) => part) : [];
  const text = (said: string, longest = LONGEST_PART): string => {
    const inPlain = (line: string): string => plain(line.replaceAll(/[{}]/g, '')).trim();
    return inPlain(within(said, (line) => inPlain(line).length <= longest));
  };
  return [
    text(undoes === undefined ? act : `Take back ${undoes} (${act})`),
    text(`${target.arn} in ${target.account}, ${target.region}`),
    text(parts.length > 0 ? `It changes ${parts.join(', ')}` : ''),
    text(reason, LONGEST_GIST - 4 * (LONGEST_PART + '. '.length)),
    text(`The whole plan: firebreak show ${id}`),
  ]
    .filter((line) => line !== '')
    .join('. ');
}
