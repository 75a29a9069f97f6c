import type { Guard, Situation, Stop } from './guard.ts';

/**
 * A person's word that nothing more is fixed, until it is taken back. What has begun is finished, and what was done can be
 * taken back.
 */
export const killSwitch = {
  name: 'kill-switch',
  onFinding: stopped,
  beforeWrite: stopped,
} satisfies Guard;

async function stopped({ watch }: Situation): Promise<Stop | undefined> {
  const why = await watch?.stopped();
  return why === undefined ? undefined : { outcome: 'deferred', reason: `the kill switch is on: ${why}` };
}
