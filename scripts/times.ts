import type { Judgement } from '../simulations/judge.ts';

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** The times of a rehearsal that were measured, in one line. */
export const timesOf = ({ metrics }: Judgement): string =>
  metrics.flatMap(({ metric, ms }) => (ms === undefined ? [] : [`${metric} ${seconds(ms)}`])).join(', ');
