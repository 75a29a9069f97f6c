import type { Outcome } from '../response.ts';

/** Whether an outcome wakes a person, why, and the first words to them: what to do. */
export interface Paging {
  readonly page: boolean;
  readonly because: string;
  /** @param act the fix, or the undo of one */
  readonly todo: (act: string) => string;
}

const page = (because: string, todo: Paging['todo']): Paging => ({ page: true, because, todo });
const quiet = (because: string): Paging => ({ page: false, because, todo: () => 'Nothing to do' });

/** Every outcome: a person is woken for what only a person can end. */
export const PAGED: Readonly<Record<Outcome, Paging>> = {
  failed: page('the exposure may be open, or half closed', (act) => `Look now, ${act} failed`),
  unverified: page('it was changed, and it does not read back so', (act) => `Look now, ${act} did not hold`),
  refused: page('Firebreak does not act on it, and nobody else knows', (act) => `Decide by hand, ${act} was refused`),
  'awaiting-approval': page('it goes on only when somebody says so', (act) => `Approve or deny ${act}`),
  'changed-since': page('only a person knows which change shall stay', (act) => `Decide by hand, ${act} met a change`),
  expired: page('nobody answered, and the exposure is open', (act) => `Decide by hand, ${act} expired unanswered`),
  verified: quiet('it is done, and it reads back so'),
  compliant: quiet('there was nothing to change'),
  observed: quiet('the policy asks for plans alone'),
  simulated: quiet('the finding was a sample'),
  excepted: quiet('the policy, or a hold, says why it stays'),
  gone: quiet('there is no resource any more'),
  denied: quiet('a person decided so'),
  undone: quiet('a person took it back'),
  deferred: quiet('the breaker or the sweep tells once of all that wait'),
};
