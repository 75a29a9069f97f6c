import type { Finding } from '../findings/finding.ts';
import { caseOf, modeOf, type Ruling } from '../policy.ts';
import type { Guard, Planned } from './guard.ts';

/** What the policy lets happen by itself; the rest waits for a person, or is only shown. */
export const mode = {
  name: 'mode',
  yieldsTo: ['approval', 'run'],
  async onPlan(situation) {
    const { policy, action, target, finding } = situation;
    const { mode, because, unless = [] } = modeOf(policy, action, caseOf(action.id, target, finding));
    if (mode === 'observe') return { outcome: 'observed', reason: `dry run, because ${because}` };
    const why = mode === 'approval' ? because : ((await tagged(situation, unless)) ?? asked(finding));
    return why === undefined ? undefined : { outcome: 'awaiting-approval', reason: `needs approval, because ${why}` };
  },
} satisfies Guard;

/** Why whoever asked for it wants somebody to approve it, if they do. */
const asked = ({ asked: request }: Finding): string | undefined =>
  request?.mode === 'approval' ? 'whoever starts a runbook does not decide alone' : undefined;

/** Why the resource's tags ask for a person, if they do. Tags that cannot be read may say so. */
async function tagged(
  { action, clients, target }: Planned,
  unless: NonNullable<Ruling['unless']>,
): Promise<string | undefined> {
  const [first] = unless;
  if (!first) return undefined;
  if (!action.tags) return `${first.because}, and ${action.id} reads no tags`;
  const tags = await action.tags(clients, target);
  return unless.find(({ tag: { key, value } }) => Object.hasOwn(tags, key) && tags[key] === value)?.because;
}
