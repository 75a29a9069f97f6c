import { parse } from 'yaml';
import * as z from 'zod/mini';
import type { Severity } from '../../engine/findings/finding.ts';
import type { Grade, Judgement } from '../judge.ts';
import type { Phrase } from '../phrase.ts';

/** Who takes on what fell short, by people: an entry for each that they named. */
const assignments = z.array(
  z.strictObject({
    /** Id of the scenario. */
    scenario: z.string(),
    /** What fell short, as the report has it: `response snapshots.privatize-rds-snapshot`. */
    about: z.string(),
    owner: z.string(),
    /** `2026-12-15`; by the severity when absent. */
    due: z.optional(z.iso.date()),
    ticket: z.optional(z.string()),
  }),
);
export type Assignment = z.infer<typeof assignments>[number];

/** Reads what people wrote about corrective actions. @param text YAML or JSON @throws when it has another form */
export const readAssignments = (text: string): readonly Assignment[] => assignments.parse(parse(text) ?? []);

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
