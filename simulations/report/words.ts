import type { CleanUp, EndState, JudgedFinding, JudgedResponse, Verdict } from '../judge.ts';
import type { Metric, Result, Trend } from '../measure.ts';
import type { Moment, Run } from '../run.ts';
import type { Fidelity, Safety } from '../scenario.ts';

/** Words of ours for what reports tell: nothing in them is from a run. */

export const FIDELITY: Readonly<Record<Fidelity, { readonly name: string; readonly says: string }>> = {
  tabletop: { name: 'Tabletop', says: 'People talked a story through. Nothing was made, and no program was tried.' },
  'handler-replay': {
    name: 'Handler replay',
    says: 'The resource was real. The worker was handed the event that the service would emit; neither the service nor the bus was tried.',
  },
  'bus-replay': {
    name: 'Bus replay',
    says: 'The resource was real, and the event that the service would emit came by EventBridge. Whether the service itself notices was not tried.',
  },
  'sample-finding': {
    name: 'Sample finding',
    says: 'The service emitted a sample finding by its real way. It is about no resource, and nothing was fixed.',
  },
  live: { name: 'Live', says: 'The resource was real, and so was the service that had to notice.' },
};

export const VERDICT: Readonly<Record<Verdict, string>> = {
  passed: 'Passed',
  running: 'Running',
  late: 'Late',
  missed: 'Missed',
  failed: 'Failed',
  stopped: 'Stopped',
  'cleanup-failed': 'Clean-up failed',
};

export const METRIC: Readonly<Record<Metric, { readonly name: string; readonly span: string }>> = {
  detect: { name: 'Detect', span: 'from the injection until the finding’s event' },
  acknowledge: { name: 'Acknowledge', span: 'from the page until somebody approves or denies' },
  respond: { name: 'Respond', span: 'from the finding’s event until the first change' },
  contain: { name: 'Contain', span: 'from the finding’s event until the resource reads back as it shall be' },
  recover: { name: 'Recover', span: 'from the finding’s event until what the resource is for works again' },
};

export const RESULT: Readonly<Record<Result, string>> = {
  met: 'met',
  late: 'late',
  missed: 'missed',
  'not-measured': 'not measured',
  'not-judged': 'no objective',
};

export const STATUS: Readonly<Record<JudgedFinding['status'] | JudgedResponse['status'], string>> = {
  found: 'found',
  done: 'done',
  late: 'late',
  missed: 'missed',
  failed: 'failed',
  awaiting: 'awaiting',
};

export const CHANGE: Readonly<Record<NonNullable<Trend['change']>, string>> = {
  better: 'better than the last',
  same: 'about as the last',
  worse: 'worse than the last',
};

export const MOMENT: Readonly<Record<Moment['what'], string>> = {
  started: 'Started',
  made: 'Made',
  injected: 'Made wrong',
  detected: 'Detected',
  alerted: 'People alerted',
  acknowledged: 'Acknowledged',
  acted: 'First change',
  responded: 'Response ended',
  contained: 'Contained',
  recovered: 'Recovered',
  stopped: 'Stopped',
  killed: 'Clean-up killed',
  cleaned: 'Cleaned up',
};

export const CLOCK: Readonly<Record<Moment['source'], string>> = {
  simulator: 'the simulator’s clock',
  event: 'the event',
  ledger: 'the ledger',
  sns: 'SNS, when it was published',
  people: 'people',
  cloudtrail: 'CloudTrail',
};

export const LAUNCH: Readonly<Record<Run['launch'], string>> = {
  quarterly: 'by the schedule of the quarter',
  canary: 'by the nightly canary',
  'on-demand': 'on demand',
};

export const SAFETY: Readonly<Record<Safety, string>> = {
  paper: 'nothing is made',
  inert: 'what is made reaches nothing, nobody outside reaches it, and there is nothing in it',
  contained: 'something runs or stands open, within the sandbox account',
};

export const END_STATE: Readonly<Record<EndState, string>> = {
  'as-expected': 'as it shall be, read without the remediation',
  'not-as-expected': 'not as it shall be, read without the remediation',
  'not-read': 'not read',
  none: 'nothing to read at this fidelity',
};

export const CLEAN_UP: Readonly<Record<CleanUp, { readonly name: string; readonly says: string }>> = {
  clean: {
    name: 'as found',
    says: 'All that the run made is removed, and the sandbox account is as it was before.',
  },
  failed: { name: 'not as found', says: 'The sandbox account is not as it was before.' },
  unattested: {
    name: 'not attested',
    says: 'What the run made is removed, and nobody compared the account with what it was before.',
  },
  open: { name: 'not over', says: 'The run is not cleaned up yet.' },
};

/** A length of time for people: two figures that count. @param ms milliseconds, of either sign */
export function duration(ms: number): string {
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 59_500) return `${Math.round(ms / 1_000)} s`;
  return units(Math.round(ms / 1_000));
}

function units(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** ISO 8601 to the minute, for people: `2026-11-24 09:00 UTC`. */
export const minute = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
