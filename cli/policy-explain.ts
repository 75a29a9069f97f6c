import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../engine/findings/finding.ts';
import { normalise } from '../engine/findings/normalise.ts';
import { inauthentic } from '../engine/guards/authentic.ts';
import { GUARDS } from '../engine/guards/guards.ts';
import { promoted, promotionOf } from '../engine/policy.ts';
import type { Policy } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import { ownTargets } from '../engine/targets.ts';
import { triggers } from '../engine/triggers.ts';
import { problemLine } from '../scripts/located-yaml.ts';
import { contentOf } from './event-file.ts';
import { UsageError } from './failure.ts';
import { IN_ADVANCE, type Question, type Word } from './in-advance.ts';
import { withoutRemediation } from './people.ts';
import { type OpenPolicy, openPolicy } from './policy-check.ts';
import type { Io, Span, Terminal } from './terminal.ts';

export interface ExplainOptions {
  readonly policy?: string;
  readonly at?: Date;
  readonly json?: boolean;
}

/** A guard's word, and where it is written: `file:line`, or in words where no file has it. */
interface GuardWord extends Omit<Word, 'where'> {
  readonly guard: string;
  readonly place?: string;
}

/** What would come of one remediation for one resource. */
interface Course {
  readonly remediation: string;
  /** Absent: it is looked up at run time. */
  readonly resource?: string;
  readonly guards: readonly GuardWord[];
  /** The guard that decides, as far as that is known in advance. */
  readonly decides: GuardWord;
}

interface Explained {
  readonly finding: Finding;
  /** Where the policy says that it is graver than its source does. */
  readonly promotedAt?: string;
  /** Why nothing comes of it at all. */
  readonly nothing?: string;
  readonly courses: readonly Course[];
}

/**
 * `firebreak policy explain <event>`: which guard and which line of the policy decide, without asking AWS. Exit 1 when the event
 * would be rejected.
 */
export async function policyExplain(file: string, options: ExplainOptions, { out, err }: Io): Promise<number> {
  const { findings, rejection } = normalise(contentOf(file));
  const at = options.at ?? new Date();
  const opened = await openPolicy(options.policy, at);
  const { policy } = opened;
  if (!policy) {
    const problems = opened.problems.map((problem) => problemLine(opened.file, problem));
    throw new UsageError(`the policy cannot be used: ${problems.join('\n')}`);
  }
  if (rejection !== undefined) {
    if (options.json) out.json({ rejection });
    err.line(`firebreak: the event would be rejected, and go to the dead-letter queue: ${rejection}`);
    return 1;
  }
  const explained = findings.map((finding) => explain(finding, policy, at, opened));
  if (options.json) out.json({ at: at.toISOString(), findings: explained });
  else
    explained.forEach((each, index) => {
      if (index > 0) out.line();
      show(each, out);
    });
  return 0;
}

function explain(told: Finding, policy: Policy, at: Date, opened: OpenPolicy): Explained {
  const finding = promoted(policy, told);
  const promotion = promotionOf(policy, told);
  const about = { finding, ...(promotion && { promotedAt: placeOf(promotion, opened) }) };
  const nothing = why(finding, policy);
  const actions = opened.actions.filter(({ handles }) => handles.some((trigger) => triggers(trigger, finding)));
  if (nothing !== undefined) return { ...about, nothing, courses: [] };
  if (actions.length === 0) return { ...about, nothing: withoutRemediation(finding), courses: [] };
  return { ...about, courses: actions.flatMap((action) => courses({ action, finding, policy, at }, opened)) };
}

/** Why a finding comes to nothing, whatever responds to it. Where Firebreak is deployed is not known here. */
function why(finding: Finding, { administrators }: Policy): string | undefined {
  if (finding.status !== 'active') return `it is ${finding.status}: nothing responds to it`;
  const doubt = inauthentic(finding, { home: finding.envelope, administrators });
  return doubt && `it would be rejected: ${doubt}`;
}

function courses(question: Question, opened: OpenPolicy): Course[] {
  const { action, finding } = question;
  const targets = ownTargets(action.resource, finding);
  if (targets.length > 0) return targets.map((target) => course({ ...question, target }, opened));
  return [course(question, opened)];
}

function course(question: Question, opened: OpenPolicy): Course {
  const { action, target } = question;
  const guards: GuardWord[] = [];
  for (const guard of ORDER) {
    const word = IN_ADVANCE[guard];
    if (!word) throw new Error(`cli/in-advance.ts does not know the guard ${guard}`);
    const { where, ...said } = word(question);
    const place = where ? placeOf(where, opened) : guard === 'mode' ? riskOf(action) : undefined;
    guards.push({ guard, ...said, ...(place !== undefined && { place }) });
    if (said.verdict === 'stops') break;
  }
  const decides = guards.find(({ verdict }) => verdict === 'stops') ?? guards.find(({ guard }) => guard === 'mode');
  if (!decides) throw new Error('no guard decides about modes');
  return { remediation: action.id, ...(target && { resource: target.arn }), guards, decides };
}

/** What is asked of an event before the guards, and they. */
const ORDER = ['authentic', 'resource', ...GUARDS.map(({ name }) => name)];

const placeOf = (where: readonly (string | number)[], { file, lineOf }: OpenPolicy): string => {
  const line = lineOf(where);
  return line === undefined ? 'built in' : `${file}:${line}`;
};

/** The line by which a remediation says its risk. */
function riskOf({ id }: Action): string {
  const path = fileURLToPath(new URL(`../functions/${id.replace('.', '/')}.ts`, import.meta.url));
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((text) => /^\s*risk:/.test(text));
  return `${relative(fileURLToPath(new URL('..', import.meta.url)), path)}:${line + 1}`;
}

const END = { passes: 'runs by itself', stops: 'rejected', asked: 'depends on the answer' } as const;
const STYLES = { passes: 'green', stops: 'red', asked: 'yellow' } as const;

function show({ finding, promotedAt, nothing, courses }: Explained, out: Terminal): void {
  const { source, type, severity, rated, account, region, title } = finding;
  const raised = rated ? `, rated ${rated.severity} by ${source} and promoted by ${promotedAt}` : '';
  out.line(['bold', `${source} ${type}`], `  ${severity}${raised}  account ${account}, ${region}`);
  out.line(`  ${title}`);
  if (nothing !== undefined) out.line(`  ${nothing}`);
  for (const { remediation, resource, guards, decides } of courses) {
    out.line();
    out.line(['bold', remediation], `  ${resource ?? 'resources that are looked up at run time'}`);
    out.table(
      guards.map(({ guard, verdict, reason, place }): Span[] => [
        [STYLES[verdict], verdict],
        guard,
        place ?? '',
        reason,
      ]),
      '  ',
    );
    const end = decides.outcome ?? END[decides.verdict];
    out.line('  ', ['bold', end], `: ${decides.guard} decides${decides.place ? `, ${decides.place}` : ''}`);
  }
}
