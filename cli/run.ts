import { randomUUID } from 'node:crypto';
import { parseArn } from '../engine/arn.ts';
import { askedFor } from '../engine/findings/operator.ts';
import { leaseKey } from '../engine/ledger/ledger.ts';
import type { Action, Plan, Target } from '../engine/remediation.ts';
import { type House, respond } from '../engine/respond.ts';
import type { Outcome, Response, ResponseRecord } from '../engine/response.ts';
import { changes } from '../engine/state.ts';
import { responseId, targetKey } from '../engine/targets.ts';
import { type Caller, CallerOrRole, identify } from './caller.ts';
import { Claims } from './claims.ts';
import { askedAction, count, outcomeSpan } from './desk.ts';
import { showPlan } from './difference.ts';
import { UsageError } from './failure.ts';
import { localBook } from './ledgers.ts';
import { claims } from './places.ts';
import { inPool } from './pool.ts';
import { undoCommand } from './show.ts';
import { checkArns, linesOf, targetsOf } from './targets.ts';
import type { Io, Terminal } from './terminal.ts';

export interface RunOptions {
  readonly target?: readonly string[];
  readonly targetsFile?: string;
  readonly plan?: boolean;
  readonly concurrency: number;
  readonly region?: string;
  readonly policy?: string;
  readonly role?: string;
  readonly json?: boolean;
}

/** What came of one target; without a response when another process works on it. */
interface Result {
  readonly target: Target;
  readonly response?: Response;
  readonly reason: string | undefined;
  readonly plan?: Plan;
  readonly undo?: string;
  /** What a hold on the resource says against it. */
  readonly warnings: readonly string[];
  readonly milliseconds: number;
}

/** `firebreak run <remediation>`: exit 0 only when every target ended well. */
export async function run(id: string, options: RunOptions, { out, err }: Io): Promise<number> {
  const { action, desk } = await askedAction(id, options.policy);
  const arns = [...(options.target ?? []), ...(options.targetsFile ? linesOf(options.targetsFile) : [])];
  if (arns.length === 0)
    throw new UsageError('there is nothing to run on: name targets with --target or --targets-file');
  checkArns(arns, action);
  const firstRegion = arns.map((arn) => parseArn(arn)?.region).find(Boolean);
  const caller = await identify(options.region, firstRegion);
  const targets = targetsOf(arns, action, caller, options);

  const { ledger } = localBook();
  const house: House = {
    ledger,
    sessions: new CallerOrRole(caller, options.role, action.permissions.read),
    policy: desk.policy,
    home: caller,
    requested: true,
    lastTry: true,
    ...(options.plan && { planOnly: true }),
  };
  const good: readonly (Outcome | undefined)[] = options.plan ? ['observed', 'compliant'] : ['verified', 'compliant'];
  // With --json, standard output is one document, and the progress goes beside it.
  const screen = options.json ? err : out;
  const results: Result[] = [];
  const interrupt = interruption(err, () => results.length);
  const began = performance.now();
  const left = await inPool(targets, options.concurrency, interrupt.signal, async (target) => {
    const result = options.plan
      ? await look(action, target, caller, house)
      : await claimed(action, target, caller, house);
    results.push(result);
    progress(result, screen, options.plan === true);
  }).finally(interrupt.done);

  const milliseconds = Math.round(performance.now() - began);
  const outcomes = tally(results);
  if (options.json) {
    out.json({
      remediation: action.id,
      by: caller.arn,
      plan: options.plan === true,
      outcomes,
      notStarted: left,
      milliseconds,
      targets: results.map(({ target, response, plan, ...rest }) => ({
        target: target.arn,
        response: response?.id ?? null,
        outcome: response?.outcome ?? null,
        changes: plan ? changes(plan.before, plan.after) : [],
        ...rest,
      })),
    });
  }
  const counts = Object.entries(outcomes).map(([outcome, number]) => `${number} ${outcome}`);
  if (left > 0) counts.push(`${left} not started`);
  screen.line(`${count(targets.length, 'target')} in ${(milliseconds / 1_000).toFixed(1)} s: ${counts.join(', ')}`);
  if (interrupt.code !== undefined) return interrupt.code;
  return results.every(({ response }) => good.includes(response?.outcome)) ? 0 : 1;
}

/** Plans, and writes nothing: no claim is needed. */
const look = (action: Action, target: Target, caller: Caller, house: House): Promise<Result> => {
  const message = randomUUID();
  return answer(action, target, responseId(action.id, target, message), message, caller, house);
};

/** Runs under a claim, and goes on with the response of a process that ended in the middle, if one did. */
async function claimed(action: Action, target: Target, caller: Caller, house: House): Promise<Result> {
  const message = randomUUID();
  const own = responseId(action.id, target, message);
  const claim = new Claims(claims()).take(leaseKey(action.id, targetKey(target)), own);
  if ('busy' in claim) return { target, reason: `${claim.busy} works on it`, warnings: [], milliseconds: 0 };
  try {
    let id = own;
    for (const earlier of claim.interrupted) {
      const record = await house.ledger.get(earlier);
      if (record && !record.response.outcome && !record.response.undoes) id = earlier;
    }
    return await answer(action, target, id, message, caller, house);
  } finally {
    claim.release();
  }
}

async function answer(
  action: Action,
  target: Target,
  id: string,
  message: string,
  caller: Caller,
  house: House,
): Promise<Result> {
  const began = performance.now();
  const finding = askedFor(target, { id: message, title: `firebreak run ${action.id}`, from: caller });
  const held = await localBook().holds.get(leaseKey(action.id, targetKey(target)));
  const request = { id, action, target, finding, correlation: message, by: caller.arn, ...(held && { held }) };
  const response = await respond(request, house);
  const milliseconds = Math.round(performance.now() - began);
  const record = await house.ledger.get(response.id);
  const undo = record && undoCommand(record);
  return {
    target,
    response,
    reason: response.reason,
    warnings: record ? holdWarnings(record) : [],
    milliseconds,
    ...(record?.plan && { plan: record.plan }),
    ...(undo && { undo }),
  };
}

/** Mode and caution are what a person who runs it has decided on; a hold is another person's word. */
const holdWarnings = ({ timeline }: ResponseRecord): string[] =>
  timeline
    .filter(({ event }) => event === 'warned')
    .map(({ detail }) => detail as { guard: string; reason: string })
    .filter(({ guard }) => guard === 'hold')
    .map(({ reason }) => reason);

function progress(
  { target, response, reason, plan, undo, warnings, milliseconds }: Result,
  screen: Terminal,
  planOnly: boolean,
) {
  if (!response) {
    screen.line(['red', 'busy'], `  ${target.arn}  ${reason}`);
    return;
  }
  const parts = plan ? changes(plan.before, plan.after).length : 0;
  const said = response.outcome === 'verified' || response.outcome === 'observed' ? '' : `  ${reason ?? ''}`;
  screen.line(
    outcomeSpan(response.outcome),
    `  ${target.arn}  ${count(parts, 'part')}  ${milliseconds} ms${said}`,
    undo ? `  undo: ${undo}` : '',
  );
  for (const warning of warnings) screen.line(['yellow', `  warned: ${warning}`]);
  if (planOnly && plan) showPlan(plan, screen);
}

function tally(results: readonly Result[]): Record<string, number> {
  const outcomes: Record<string, number> = {};
  for (const { response } of results) {
    const outcome = response?.outcome ?? 'busy';
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}

/** Ctrl-C and SIGTERM start nothing more, and let what is in work come to its end. */
function interruption(err: Terminal, ended: () => number) {
  const controller = new AbortController();
  let code: number | undefined;
  const on = (exit: number) => () => {
    if (code === undefined)
      err.line(`stopping: ${count(ended(), 'target')} ended, those in work are brought to their end`);
    code ??= exit;
    controller.abort();
  };
  const interrupt = on(130);
  const terminate = on(143);
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', terminate);
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    done() {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', terminate);
    },
  };
}
