import { randomUUID } from 'node:crypto';
import type { Finding } from '../engine/findings/finding.ts';
import { normalise } from '../engine/findings/normalise.ts';
import { foreign, inauthentic } from '../engine/guards/authentic.ts';
import { caseOf, parametersOf, promoted } from '../engine/policy.ts';
import type { Action } from '../engine/remediation.ts';
import { type House, respond } from '../engine/respond.ts';
import type { ResponseRecord } from '../engine/response.ts';
import { responseId, targetsOf } from '../engine/targets.ts';
import { triggers } from '../engine/triggers.ts';
import { rulesFor } from '../scripts/generate/rules.ts';
import { loadWorkers } from '../scripts/workers.ts';
import { CallerOrRole, identify } from './caller.ts';
import { modeInWords, openDesk, outcomeSpan } from './desk.ts';
import { showPlan } from './difference.ts';
import { contentOf } from './event-file.ts';
import { localBook } from './ledgers.ts';
import { withoutRemediation } from './people.ts';
import type { Io } from './terminal.ts';

export interface ReplayOptions {
  readonly region?: string;
  readonly policy?: string;
  readonly role?: string;
  readonly json?: boolean;
}

/** What one remediation would do about one finding. */
interface Rehearsal {
  readonly finding: Finding;
  readonly remediation: string;
  /** Names of the EventBridge rules that bring findings of this source to its worker. */
  readonly rules: readonly string[];
  readonly mode: string;
  readonly responses: readonly ResponseRecord[];
}

/**
 * `firebreak replay <event>`: what an event would bring about, without changing anything. Exit 0 when all it names was read
 * and planned, or nothing responds to it.
 */
export async function replay(file: string, options: ReplayOptions, { out, err }: Io): Promise<number> {
  const { findings: told, rejection } = normalise(contentOf(file));
  if (rejection !== undefined) {
    if (options.json) out.json({ rejection });
    err.line(`firebreak: the event would be rejected, and go to the dead-letter queue: ${rejection}`);
    return 1;
  }
  const desk = await openDesk(options.policy);
  const findings = told.map((finding) => promoted(desk.policy, finding));
  const caller = await identify(options.region, findings[0]?.region);
  const reads = [...new Set(desk.actions.flatMap(({ permissions }) => permissions.read))].sort();
  const sessions = new CallerOrRole(caller, options.role, reads);
  const trust = { home: caller, administrators: desk.policy.administrators };
  const house: House = {
    ledger: localBook().ledger,
    sessions,
    policy: desk.policy,
    home: caller,
    planOnly: true,
    lastTry: true,
  };

  const warnings: string[] = [];
  const rehearsals: Rehearsal[] = [];
  for (const finding of findings) {
    const doubt = inauthentic(finding, trust);
    if (doubt) warnings.push(`as seen from account ${caller.account} it would be rejected: ${doubt}`);
    if (finding.status !== 'active') {
      warnings.push(`finding ${finding.id} is ${finding.status}: nothing responds to it`);
      continue;
    }
    for (const action of desk.actions.filter(({ handles }) => handles.some((trigger) => triggers(trigger, finding)))) {
      sessions.assertReaches(finding);
      const meant = await targetsOf(action, finding, sessions, parametersOf(desk.policy, action));
      const targets = meant ?? [];
      const strange = targets.map((target) => foreign(target, finding)).filter((reason) => reason !== undefined);
      warnings.push(...strange.map((reason) => `it would be rejected: ${reason}`));
      if (!meant) warnings.push(`the finding names no resource that ${action.id} can act on`);
      else if (meant.length === 0) warnings.push(`no resource is left that the finding could mean for ${action.id}`);
      const responses: ResponseRecord[] = [];
      for (const target of targets) {
        const id = responseId(action.id, target, randomUUID());
        const correlation = finding.envelope.id;
        await respond({ id, action, target, finding, correlation, by: caller.arn }, house);
        const record = await house.ledger.get(id);
        if (record) responses.push(record);
      }
      rehearsals.push({
        finding,
        remediation: action.id,
        rules: await rulesOf(action, finding),
        mode: modeInWords(action, desk, caseOf(action.id, finding, finding)),
        responses,
      });
    }
  }

  if (options.json)
    out.json({
      findings,
      warnings,
      rehearsals: rehearsals.map(({ finding, ...rest }) => ({ finding: finding.id, ...rest })),
    });
  else show(findings, rehearsals, out);
  for (const warning of warnings) err.line(['yellow', 'warning: '], warning);
  const outcomes = rehearsals.flatMap(({ responses }) => responses.map(({ response }) => response.outcome));
  return outcomes.every((outcome) => outcome === 'observed' || outcome === 'compliant') ? 0 : 1;
}

const rulesOf = async (action: Action, { source }: Finding): Promise<string[]> =>
  rulesFor(await loadWorkers())
    .filter((rule) => rule.source === source && action.id.startsWith(`${rule.worker}.`))
    .map(({ name }) => name);

function show(findings: readonly Finding[], rehearsals: readonly Rehearsal[], out: Io['out']): void {
  for (const finding of findings) {
    out.line(
      ['bold', `${finding.source} ${finding.type}`],
      `  ${finding.severity}  account ${finding.account}, ${finding.region}`,
    );
    out.line(`  ${finding.title}`);
    const own = rehearsals.filter((rehearsal) => rehearsal.finding === finding);
    if (own.length === 0) out.line(`  ${withoutRemediation(finding)}`);
    for (const { remediation, rules, mode, responses } of own) {
      out.line(`  ${remediation}  `, ['dim', `by rule ${rules.join(', ')} of events/rules.json; ${mode}`]);
      for (const { response, plan } of responses) {
        const reason = response.outcome === 'observed' ? '' : (response.reason ?? '');
        out.line('  ', outcomeSpan(response.outcome), `  ${response.target.arn}  ${reason}`, '  ', [
          'dim',
          response.id,
        ]);
        if (plan) showPlan(plan, out);
      }
    }
  }
}
