import { SEVERITIES, type Severity } from './finding.ts';

/** The lower bound of each severity on GuardDuty's scale of 0 to 10. */
const FLOOR: Readonly<Record<Severity, number>> = { CRITICAL: 9, HIGH: 7, MEDIUM: 4, LOW: 1, INFORMATIONAL: 0 };

/** The lowest score, 0 to 10, that a severity given by name alone stands for. */
export const scoreOf = (severity: Severity): number => FLOOR[severity];

/**
 * The severity that a score from 0 to 10 falls into.
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
 */
export function severityOf(score: number): Severity {
  if (score >= FLOOR.CRITICAL) return 'CRITICAL';
  if (score >= FLOOR.HIGH) return 'HIGH';
  if (score >= FLOOR.MEDIUM) return 'MEDIUM';
  return score >= FLOOR.LOW ? 'LOW' : 'INFORMATIONAL';
}

export const atLeast = (severity: Severity, least: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
