import type { Severity } from '../../engine/findings/finding.ts';
import type { Judgement } from '../judge.ts';
import type { Phrase } from '../phrase.ts';
import type { Grade } from '../shortcomings.ts';
import type { Assignment } from './assignments.ts';

/** What has to be done about one thing that fell short. */
export interface CorrectiveAction {
  readonly run: string;
  readonly scenario: string;
  readonly about: string;
  readonly what: Phrase;
  readonly severity: Severity;
  /** Absent: nobody is named yet. */
  readonly owner?: string;
  /** `2026-12-15` */
  readonly due: string;
  readonly ticket?: string;
}

const SEVERITY: Readonly<Record<Grade, Severity>> = {
  'cleanup-failed': 'CRITICAL',
  failed: 'CRITICAL',
  missed: 'HIGH',
  stopped: 'MEDIUM',
  late: 'MEDIUM',
};
/** Days within which something has to be done. */
export const DUE_DAYS = { CRITICAL: 7, HIGH: 30, MEDIUM: 90, LOW: 90, INFORMATIONAL: 90 } as const;

/** One action for each thing that fell short, most severe first. @param from ISO 8601: what is due is counted from there */
export const correctiveActions = (
  judgements: readonly Judgement[],
  assigned: readonly Assignment[],
  from: string,
): readonly CorrectiveAction[] =>
  judgements
    .flatMap(({ run, scenario, shortcomings, verdict }) =>
      verdict === 'running' ? [] : shortcomings.map((short) => ({ run, scenario, ...short })),
    )
    .map(({ grade, ...action }): CorrectiveAction => {
      const severity = SEVERITY[grade];
      const named = assigned.find(({ scenario, about }) => scenario === action.scenario && about === action.about);
      return {
        ...action,
        severity,
        due: named?.due ?? daysAfter(from, DUE_DAYS[severity]),
        ...(named && { owner: named.owner }),
        ...(named?.ticket !== undefined && { ticket: named.ticket }),
      };
    })
    .sort((a, b) => DUE_DAYS[a.severity] - DUE_DAYS[b.severity]);

const daysAfter = (from: string, days: number): string =>
  new Date(Date.parse(from) + days * 86_400_000).toISOString().slice(0, 10);
